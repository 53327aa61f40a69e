//! Marks of a part: clefs, keys, metres, tempos, chord symbols, words.

use super::pitch::Step;

/// A clef.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clef {
    /// `G`, `F`, `C`, or `P` for percussion.
    pub sign: u8,
    /// Staff line, from below; 0 where the sign has none.
    pub line: u8,
    /// Octaves the sounding pitch lies above (-1: sounds an octave lower).
    pub octave_change: i8,
}

/// A key signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeySignature {
    /// Sharps, or flats if negative; beyond eleven in odd documents only. 0 of a key of single steps.
    pub fifths: i8,
    /// `<mode>`, if it is one of those.
    pub mode: Option<Mode>,
    /// A key of single altered steps: the alteration of C to B, in quarter tones.
    pub steps: Option<[i8; 7]>,
}

impl KeySignature {
    /// A plain one.
    #[must_use]
    pub const fn new(fifths: i8, mode: Option<Mode>) -> Self {
        Self { fifths, mode, steps: None }
    }
}

/// A mode, in MusicXML's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Major.
    Major,
    /// Minor.
    Minor,
    /// Dorian.
    Dorian,
    /// Phrygian.
    Phrygian,
    /// Lydian.
    Lydian,
    /// Mixolydian.
    Mixolydian,
    /// Aeolian.
    Aeolian,
    /// Ionian.
    Ionian,
    /// Locrian.
    Locrian,
}

impl Mode {
    const NAMES: [(&str, Self); 9] = [
        ("major", Self::Major),
        ("minor", Self::Minor),
        ("dorian", Self::Dorian),
        ("phrygian", Self::Phrygian),
        ("lydian", Self::Lydian),
        ("mixolydian", Self::Mixolydian),
        ("aeolian", Self::Aeolian),
        ("ionian", Self::Ionian),
        ("locrian", Self::Locrian),
    ];

    /// As MusicXML has it: `dorian`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }

    /// The mode of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, mode)| mode)
    }

    /// Fifths from the tonic of the major key of the same signature to this mode's tonic.
    #[must_use]
    pub const fn tonic(self) -> i8 {
        match self {
            Self::Major | Self::Ionian => 0,
            Self::Mixolydian => 1,
            Self::Dorian => 2,
            Self::Minor | Self::Aeolian => 3,
            Self::Phrygian => 4,
            Self::Locrian => 5,
            Self::Lydian => -1,
        }
    }
}

/// A time signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSignature {
    /// Beats; of an additive one (`3+2/8`) the sum.
    pub beats: u16,
    /// Unit; of an additive one with several (`2/4+3/8`) one that divides them all.
    pub beat_type: u16,
    /// Beats and unit of each summand; only the first `count`.
    terms: [(u16, u16); MAX_TERMS],
    count: u8,
}

/// More summands than any score has.
const MAX_TERMS: usize = 8;

impl TimeSignature {
    /// A plain one.
    #[must_use]
    pub const fn new(beats: u16, beat_type: u16) -> Self {
        Self { beats, beat_type, terms: [(0, 0); MAX_TERMS], count: 0 }
    }

    /// The sum of one or more; `None` of none, of more than eight, of a zero, or if the sum is too large.
    #[must_use]
    pub fn sum(terms: &[(u16, u16)]) -> Option<Self> {
        if terms.iter().any(|&(beats, unit)| beats == 0 || unit == 0) {
            return None;
        }
        if let [(beats, unit)] = *terms {
            return Some(Self::new(beats, unit));
        }
        let unit = terms.iter().try_fold(1, |unit, &(_, other)| lcm(unit, other))?;
        let beats = terms
            .iter()
            .try_fold(0_u16, |sum, &(beats, of)| sum.checked_add(beats.checked_mul(unit / of)?))?;
        let mut sum = Self::new(beats, unit);
        sum.terms.get_mut(..terms.len())?.copy_from_slice(terms);
        sum.count = terms.len() as u8;
        (!terms.is_empty()).then_some(sum)
    }

    /// The summands of an additive signature; none of a plain one.
    #[must_use]
    pub fn terms(&self) -> &[(u16, u16)] {
        &self.terms[..usize::from(self.count)]
    }
}

fn lcm(a: u16, b: u16) -> Option<u16> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).checked_mul(b)
}

/// A tempo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempo {
    /// Quarter notes per minute as played; 0 of a mark whose number cannot be read (`c. 120`).
    pub quarters_per_minute: f64,
    /// Quarter notes to the beat unit that is printed; `None` of a tempo for playback only.
    pub beat: Option<f64>,
}

impl Tempo {
    /// Printed, as quarter notes per minute.
    #[must_use]
    pub const fn quarters(per_minute: f64) -> Self {
        Self { quarters_per_minute: per_minute, beat: Some(1.0) }
    }

    /// The number that is printed, if one is.
    #[must_use]
    pub fn printed(&self) -> Option<f64> {
        self.beat.map(|beat| self.quarters_per_minute / beat).filter(|&number| number > 0.0)
    }
}

/// A word or sign at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A dynamic: `mf`, `sfz`.
    Dynamic(String),
    /// A rehearsal mark.
    Rehearsal(String),
}

/// A chord symbol (`<harmony>`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Harmony {
    /// Root and its alteration in semitones; `None` if the document names none.
    pub root: Option<(Step, i8)>,
    /// MusicXML's `<kind>`, such as `dominant` or `major-seventh`.
    pub kind: String,
    /// Bass, if one is named.
    pub bass: Option<(Step, i8)>,
    /// `<inversion>`.
    pub inversion: Option<u8>,
    /// Degrees added, altered or taken away, in order.
    pub degrees: Vec<Degree>,
    /// With a fret diagram.
    pub framed: bool,
}

/// A `<degree>` of a chord symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degree {
    /// 1 for the root, 5 for the fifth.
    pub value: u8,
    /// Semitones.
    pub alter: i8,
    /// What happens to it.
    pub change: Change,
}

/// What a [`Degree`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Adds it.
    Add,
    /// Alters it.
    Alter,
    /// Takes it away.
    Subtract,
}
