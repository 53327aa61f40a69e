//! The interval between two spelled pitches, named as music21 names it.

use music21_mcp_score::Pitch;

/// From one pitch to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// Staff steps, negative downwards.
    steps: i32,
    /// Semitones, negative downwards.
    pub(super) semitones: i32,
}

const ORDINALS: [&str; 23] = [
    "Zeroth",
    "Unison",
    "Second",
    "Third",
    "Fourth",
    "Fifth",
    "Sixth",
    "Seventh",
    "Octave",
    "Ninth",
    "Tenth",
    "Eleventh",
    "Twelfth",
    "Thirteenth",
    "Fourteenth",
    "Double-octave",
    "Sixteenth",
    "Seventeenth",
    "Eighteenth",
    "Nineteenth",
    "Twentieth",
    "Twenty-first",
    "Triple-octave",
];

impl Interval {
    pub(super) fn between(from: Pitch, to: Pitch) -> Self {
        Self { steps: to.diatonic() - from.diatonic(), semitones: to.midi() - from.midi() }
    }

    /// `Perfect Fifth`, `Major Tenth`.
    pub(super) fn nice_name(self) -> String {
        self.named(self.number())
    }

    /// The same within an octave, an octave itself kept: `Major Third` for a tenth.
    pub(super) fn semi_simple_name(self) -> String {
        let simple = self.simple_number();
        self.named(if simple == 1 && self.number() > 1 { 8 } else { simple })
    }

    fn named(self, number: u32) -> String {
        let ordinal = match ORDINALS.get(number as usize) {
            Some(name) => (*name).to_owned(),
            None => format!("{number}{}", ordinal_suffix(number)),
        };
        format!("{} {ordinal}", self.specifier())
    }

    /// 1 for a unison, 2 for a second; the direction does not count.
    fn number(self) -> u32 {
        self.steps.unsigned_abs() + 1
    }

    /// 1 to 7.
    fn simple_number(self) -> u32 {
        self.steps.unsigned_abs() % 7 + 1
    }

    /// How far it is from the perfect or major interval of its number.
    fn specifier(self) -> &'static str {
        let octaves = (self.steps.unsigned_abs() / 7) as i32;
        let simple = self.simple_number() as usize;
        let normal = [0, 2, 4, 5, 7, 9, 11][simple - 1] + 12 * octaves;
        let against = self.steps.signum() * self.semitones.signum() < 0;
        let semitones = if against {
            -self.semitones.abs()
        } else if self.steps == 0 {
            self.semitones
        } else {
            self.semitones.abs()
        };
        let off = semitones - normal;
        if matches!(simple, 1 | 4 | 5) {
            return match off {
                0 => "Perfect",
                _ => altered(off),
            };
        }
        match off {
            0 => "Major",
            -1 => "Minor",
            ..-1 => altered(off + 1),
            _ => altered(off),
        }
    }
}

/// Beyond quadruply, music21 has no name and its answers wrap; no score of ours goes there.
fn altered(off: i32) -> &'static str {
    match off {
        1 => "Augmented",
        2 => "Doubly-Augmented",
        3 => "Triply-Augmented",
        4.. => "Quadruply-Augmented",
        -1 => "Diminished",
        -2 => "Doubly-Diminished",
        -3 => "Triply-Diminished",
        _ => "Quadruply-Diminished",
    }
}

fn ordinal_suffix(number: u32) -> &'static str {
    match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}
