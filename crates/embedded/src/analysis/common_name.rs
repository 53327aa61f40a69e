//! What a chord is called, root or bass aside (music21's `commonName`).

use music21_mcp_score::Pitch;

use super::chord::{Chord, count_distinct};
use super::interval::Interval;

/// `major triad`, `Perfect Fifth`, `enharmonic equivalent to minor triad`, `forte class 5-1`, ….
pub(super) fn common_name(chord: &Chord<'_>) -> String {
    if chord.is_microtonal() {
        return "microtonal chord".to_owned();
    }
    match chord.classes.count_ones() {
        1 => one_class(chord),
        2 => two_classes(chord),
        _ => many_classes(chord),
    }
}

fn one_class(chord: &Chord<'_>) -> String {
    let pitches = chord.pitches;
    if pitches.len() == 1 {
        return "note".to_owned();
    }
    let heights = distinct_heights(pitches);
    match (chord.distinct_names(), heights) {
        (1, 1) => "unison".to_owned(),
        (1, 2) => Interval::between(pitches[0], pitches[1]).nice_name(),
        (1, _) => "multiple octaves".to_owned(),
        (_, 1) => "enharmonic unison".to_owned(),
        _ => "enharmonic octaves".to_owned(),
    }
}

fn two_classes(chord: &Chord<'_>) -> String {
    let pitches = chord.pitches;
    let other = pitches.iter().find(|pitch| pitch.class() != pitches[0].class());
    // OK because there are two classes.
    let interval = Interval::between(pitches[0], *other.expect("a pitch of the second class"));
    if chord.distinct_names() > 2 {
        let semitones = interval.semitones.abs() % 12;
        return format!("{semitones} semitone{}", if semitones == 1 { "" } else { "s" });
    }
    if distinct_heights(pitches) > 2 {
        return format!("{} with octave doublings", interval.semi_simple_name());
    }
    Interval::between(pitches[0], pitches[1]).nice_name()
}

fn many_classes(chord: &Chord<'_>) -> String {
    let forte = chord.forte();
    let Some(&usual) = forte.names.first() else { return format!("forte class {}", forte.class) };
    let spelled_so = match forte.class {
        "3-8A" | "4-25" | "4-27B" => return sixth_or(chord, &forte.names),
        "3-11A" => chord.is_triad_of(3, 7),
        "3-11B" => chord.is_triad_of(4, 7),
        "3-10" => chord.is_triad_of(3, 6),
        "3-12" => chord.is_triad_of(4, 8),
        "4-27A" => chord.is_seventh_of([0, 3, 6, 10]),
        "4-28" => chord.is_seventh_of([0, 3, 6, 9]),
        "4-20" | "4-26" => is_seventh_of_two_fifths(chord),
        "5-27A" | "5-27B" | "5-34" => chord.is_ninth(),
        _ => true,
    };
    if spelled_so { usual.to_owned() } else { format!("enharmonic equivalent to {usual}") }
}

/// The sets that may be spelled as augmented sixths.
fn sixth_or(chord: &Chord<'_>, names: &[&str]) -> String {
    if names.len() == 4 && chord.is_seventh_of([0, 4, 7, 10]) {
        return names[0].to_owned();
    }
    let Some(sixth) = AugmentedSixth::of(chord) else {
        return if names.len() == 4 { format!("enharmonic to {}", names[0]) } else { names[0].to_owned() };
    };
    let name = match sixth {
        AugmentedSixth::Italian | AugmentedSixth::French => names[1],
        AugmentedSixth::German => names[2],
        AugmentedSixth::Swiss => names[3],
    };
    match chord.inversion() {
        inversion if inversion == sixth.usual_inversion() => name.to_owned(),
        0 => format!("{name} in root position"),
        inversion => {
            let ordinal =
                ["", "first", "second", "third", "fourth", "fifth", "sixth"][usize::from(inversion)];
            format!("{name} in {ordinal} inversion")
        }
    }
}

/// An augmented sixth chord by its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AugmentedSixth {
    Italian,
    French,
    German,
    Swiss,
}

impl AugmentedSixth {
    /// In any inversion.
    pub(super) fn of(chord: &Chord<'_>) -> Option<Self> {
        if chord.distinct_names() as u32 != chord.classes.count_ones() {
            return None;
        }
        let members = (chord.semitones(3)?, chord.semitones(5)?, chord.semitones(7));
        match (chord.forte().class, members) {
            ("3-8A", (2, 6, _)) => Some(Self::Italian),
            ("4-25", (4, 6, Some(10))) => Some(Self::French),
            ("4-27B", (2, 6, Some(9))) => Some(Self::German),
            ("4-27B", (3, 5, Some(9))) => Some(Self::Swiss),
            _ => None,
        }
    }

    const fn usual_inversion(self) -> u8 {
        match self {
            Self::Italian | Self::German => 1,
            Self::French | Self::Swiss => 2,
        }
    }
}

/// A seventh chord with perfect fifths above its root and above its third.
fn is_seventh_of_two_fifths(chord: &Chord<'_>) -> bool {
    let fifth_is_perfect = chord.semitones(5) == Some(7);
    let seventh_over_third = match (chord.semitones(3), chord.semitones(7)) {
        (Some(third), Some(seventh)) => seventh == third + 7,
        _ => false,
    };
    chord.is_seventh() && fifth_is_perfect && seventh_over_third
}

fn distinct_heights(pitches: &[Pitch]) -> usize {
    count_distinct(pitches.iter().map(|pitch| pitch.midi()))
}
