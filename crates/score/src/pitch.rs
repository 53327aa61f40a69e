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

    /// From an upper-case letter.
    #[must_use]
    #[inline]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
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
    /// Semitones of alteration; a microtone is rounded to the nearest.
    pub alter: i8,
    /// Octave; 4 starts at middle C.
    pub octave: i8,
}

impl Pitch {
    /// MIDI number; 60 is middle C. May leave 0 to 127 for absurd pitches.
    #[must_use]
    #[inline]
    pub const fn midi(self) -> i32 {
        (self.octave as i32 + 1) * 12 + self.step.semitones() as i32 + self.alter as i32
    }

    /// Pitch class, 0 (C) to 11 (B).
    #[must_use]
    #[inline]
    pub const fn class(self) -> u8 {
        self.midi().rem_euclid(12) as u8
    }

    /// Staff steps above C0.
    #[must_use]
    #[inline]
    pub const fn diatonic(self) -> i32 {
        self.octave as i32 * 7 + self.step as i32
    }

    /// The pitch that sounds when this one is written.
    #[must_use]
    #[inline]
    pub fn transposed(self, by: Transpose) -> Self {
        let diatonic = self.diatonic() + i32::from(by.diatonic);
        let natural = Self {
            step: Step::ALL[diatonic.rem_euclid(7) as usize],
            alter: 0,
            octave: diatonic.div_euclid(7) as i8,
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
}
