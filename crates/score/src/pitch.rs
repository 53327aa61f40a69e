//! Spelled pitches, and from written to sounding ones.

/// A letter name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Step {
    /// C, the lowest of an octave.
    C = 0,
    /// D.
    D = 1,
    /// E.
    E = 2,
    /// F.
    F = 3,
    /// G.
    G = 4,
    /// A.
    A = 5,
    /// B.
    B = 6,
}

impl Step {
    /// All seven, from C.
    pub const ALL: [Self; 7] = [Self::C, Self::D, Self::E, Self::F, Self::G, Self::A, Self::B];

    /// Semitones above C.
    #[must_use]
    #[inline]
    pub const fn semitones(self) -> u8 {
        [0, 2, 4, 5, 7, 9, 11][self as usize]
    }

    /// `b'C'` …
    #[must_use]
    #[inline]
    pub const fn letter(self) -> u8 {
        b"CDEFGAB"[self as usize]
    }

    /// From a letter.
    #[must_use]
    #[inline]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter.to_ascii_uppercase() {
            b'C' => Self::C,
            b'D' => Self::D,
            b'E' => Self::E,
            b'F' => Self::F,
            b'G' => Self::G,
            b'A' => Self::A,
            b'B' => Self::B,
            _ => return None,
        })
    }
}

/// A spelled pitch, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pitch {
    /// Letter name.
    pub step: Step,
    /// Semitones of alteration; of a quarter tone, those of the semitone above it.
    pub alter: i8,
    /// Octave; 4 starts at middle C.
    pub octave: i8,
    /// A quarter tone below what the others say: half-flat is 0 and this.
    pub quarter_below: bool,
}

impl Pitch {
    /// A pitch on a semitone.
    #[must_use]
    #[inline]
    pub const fn new(step: Step, alter: i8, octave: i8) -> Self {
        Self { step, alter, octave, quarter_below: false }
    }

    /// MIDI number; 60 is middle C; a quarter tone is rounded up. May leave 0 to 127 for absurd pitches.
    #[must_use]
    #[inline]
    pub const fn midi(self) -> i32 {
        (self.octave as i32 + 1) * 12 + self.step.semitones() as i32 + self.alter as i32
    }

    /// Pitch class, 0 (C) to 11 (B); a quarter tone is that of the even neighbour, as in music21.
    #[must_use]
    #[inline]
    pub const fn class(self) -> u8 {
        let down = self.quarter_below && self.midi() & 1 == 1;
        (self.midi() - down as i32).rem_euclid(12) as u8
    }

    /// Staff steps above C0.
    #[must_use]
    #[inline]
    pub const fn diatonic(self) -> i32 {
        self.octave as i32 * 7 + self.step as i32
    }

    /// The usual spelling of a MIDI number: C, C sharp, D, E flat, E, F, F sharp, G, G sharp, A, B flat, B.
    #[must_use]
    pub fn usual(midi: i32) -> Self {
        const NAMES: [(Step, i8); 12] = [
            (Step::C, 0),
            (Step::C, 1),
            (Step::D, 0),
            (Step::E, -1),
            (Step::E, 0),
            (Step::F, 0),
            (Step::F, 1),
            (Step::G, 0),
            (Step::G, 1),
            (Step::A, 0),
            (Step::B, -1),
            (Step::B, 0),
        ];
        let (step, alter) = NAMES[midi.rem_euclid(12) as usize];
        Self::new(step, alter, (midi.div_euclid(12) - 1) as i8)
    }

    /// The pitch that sounds when this one is written.
    #[must_use]
    #[inline]
    pub fn transposed(self, by: Transpose) -> Self {
        if by.respelled {
            return Self {
                quarter_below: self.quarter_below,
                ..Self::usual(self.midi() + i32::from(by.chromatic))
            };
        }
        let diatonic = self.diatonic() + i32::from(by.diatonic);
        let natural = Self {
            step: Step::ALL[diatonic.rem_euclid(7) as usize],
            alter: 0,
            octave: diatonic.div_euclid(7) as i8,
            ..self
        };
        let alter = self.midi() + i32::from(by.chromatic) - natural.midi();
        Self { alter: alter as i8, ..natural }
    }
}

/// From written to sounding pitch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transpose {
    /// Staff steps.
    pub diatonic: i8,
    /// Semitones, octaves included.
    pub chromatic: i8,
    /// The document gives semitones only: what sounds is spelled anew, whatever was written.
    pub respelled: bool,
}

impl Transpose {
    /// By so many staff steps and semitones.
    #[must_use]
    pub const fn new(diatonic: i8, chromatic: i8) -> Self {
        Self { diatonic, chromatic, respelled: false }
    }
}
