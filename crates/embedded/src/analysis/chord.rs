//! A chord's root, bass, inversion and quality by music21's rules.

use music21_mcp_score::Pitch;

use super::common_name::common_name;
use super::forte::{Forte, forte};
use super::spelling::{flat_name, name_of};
use super::symbol_pitches::lower_of;

/// A chord: at least one pitch, in music21's order (by staff step, then by height, if chordified;
/// as written, if from the score).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chord<'a> {
    pub(super) pitches: &'a [Pitch],
    /// Found once: most answers need it.
    root: Pitch,
    /// The bass that a chord symbol is said to have.
    bass: Option<Pitch>,
    /// The pitch classes, one bit each.
    pub(super) classes: u16,
}

/// What a chord's third and fifth say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Major third, perfect fifth or none.
    Major,
    /// Minor third, perfect fifth or none.
    Minor,
    /// Major third, augmented fifth.
    Augmented,
    /// Minor third, diminished fifth.
    Diminished,
    /// Anything else.
    Other,
}

impl Quality {
    /// As in replies: `major`, `minor`, `augmented`, `diminished`, `other`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Augmented => "augmented",
            Self::Diminished => "diminished",
            Self::Other => "other",
        }
    }
}

impl<'a> Chord<'a> {
    /// `None` if there is no pitch.
    pub(crate) fn new(pitches: &'a [Pitch]) -> Option<Self> {
        let root = find_root(pitches)?;
        let classes = pitches.iter().fold(0, |set, pitch| set | 1 << pitch.class());
        Some(Self { pitches, root, bass: None, classes })
    }

    /// A chord symbol, whose root and bass are what it says and not what its pitches say.
    pub(super) fn said(self, root: Option<Pitch>, bass: Option<Pitch>) -> Self {
        Self { root: root.unwrap_or(self.root), bass: bass.or(self.bass), ..self }
    }

    /// The pitch on which the chord stands in thirds, or comes nearest to it.
    pub(crate) const fn root(&self) -> Pitch {
        self.root
    }

    /// The lowest pitch as written.
    pub(crate) fn bass(&self) -> Pitch {
        // OK because a chord has a pitch.
        self.bass.or_else(|| lower_of(self.pitches)).expect("a chord has a pitch")
    }

    /// 0 for root position; 1 to 6 by the chord member in the bass: 3rd, 5th, 7th, 9th, 11th, 13th.
    pub(crate) fn inversion(&self) -> u8 {
        let up_to_root = (self.root.diatonic() - self.bass().diatonic()).rem_euclid(7);
        [0, 3, 6, 2, 5, 1, 4][up_to_root as usize]
    }

    /// Major, minor, augmented, diminished or other.
    pub(crate) fn quality(&self) -> Quality {
        let Some(third) = self.semitones(3) else { return Quality::Other };
        if self.is_mixed(1) || self.is_mixed(3) || self.is_mixed(5) {
            return Quality::Other;
        }
        match (third, self.semitones(5)) {
            (4, None | Some(7)) => Quality::Major,
            (3, None | Some(7)) => Quality::Minor,
            (4, Some(8)) => Quality::Augmented,
            (3, Some(6)) => Quality::Diminished,
            _ => Quality::Other,
        }
    }

    /// The name and what it is called after: `A-major triad`, `Perfect Fifth above C`, `F#` for a
    /// single note (music21's `pitchedCommonName`).
    pub(crate) fn symbol(&self) -> String {
        let name = common_name(self);
        if name == "note" || name == "unison" {
            return name_of(self.pitches[0]);
        }
        let by_bass = ["enharmonic", "forte class", " semitone"].iter().any(|word| name.contains(word));
        if by_bass || self.classes.count_ones() <= 2 {
            return format!("{name} above {}", flat_name(self.bass()));
        }
        format!("{}-{name}", flat_name(self.root))
    }

    /// The row of the first pitch that stands `number - 1` steps above the root, octaves aside.
    pub(super) fn member(&self, number: i32) -> Option<usize> {
        self.pitches.iter().position(|&pitch| self.number_of(pitch) == number)
    }

    /// Whether a pitch is a quarter tone off: music21 has few names for such.
    pub(super) fn is_microtonal(&self) -> bool {
        self.pitches.iter().any(|pitch| pitch.quarter_below)
    }

    /// Semitones from the root to that pitch, 0 to 11; no such number if one of the two is a quarter tone off.
    pub(super) fn semitones(&self, number: i32) -> Option<u8> {
        self.member(number).map(|row| self.above_root(self.pitches[row]))
    }

    /// Four names, with third, fifth and seventh.
    pub(super) fn is_seventh(&self) -> bool {
        self.distinct_names() == 4 && self.has_members(&[3, 5, 7])
    }

    /// Five names, with third, fifth, seventh and ninth.
    pub(super) fn is_ninth(&self) -> bool {
        self.distinct_names() == 5 && self.has_members(&[3, 5, 7, 2])
    }

    /// A seventh chord of just these semitones above the root.
    pub(super) fn is_seventh_of(&self, semitones: [u8; 4]) -> bool {
        self.is_seventh() && self.pitches.iter().all(|&pitch| semitones.contains(&self.above_root(pitch)))
    }

    /// A triad of just this third and fifth, spelled so.
    pub(super) fn is_triad_of(&self, third: u8, fifth: u8) -> bool {
        self.classes.count_ones() == 3
            && self.distinct_names() == 3
            && self.semitones(3) == Some(third)
            && self.semitones(5) == Some(fifth)
    }

    pub(super) fn forte(&self) -> &'static Forte {
        // OK because the table has every set but the empty one.
        forte(self.classes).expect("every set of pitch classes has a class")
    }

    /// How many spelled names, octaves aside.
    pub(super) fn distinct_names(&self) -> usize {
        count_distinct(self.pitches.iter().map(|pitch| (pitch.step, pitch.alter, pitch.quarter_below)))
    }

    fn has_members(&self, numbers: &[i32]) -> bool {
        numbers.iter().all(|&number| self.member(number).is_some())
    }

    /// Whether the member occurs with two alterations.
    fn is_mixed(&self, number: i32) -> bool {
        let mut of_member = self.pitches.iter().filter(|&&pitch| self.number_of(pitch) == number);
        let first = of_member.next().map(|pitch| pitch.class());
        of_member.any(|pitch| Some(pitch.class()) != first)
    }

    fn number_of(&self, pitch: Pitch) -> i32 {
        (pitch.diatonic() - self.root.diatonic()).rem_euclid(7) + 1
    }

    fn above_root(&self, pitch: Pitch) -> u8 {
        if pitch.quarter_below != self.root.quarter_below {
            return u8::MAX;
        }
        (pitch.class() + 12 - self.root.class()) % 12
    }
}

pub(super) fn count_distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> usize {
    let mut seen: Vec<T> = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen.len()
}

/// One letter name: the first pitch. All seven: the bass. Else the pitch on which the others stand
/// in unbroken thirds; else the one with most thirds, fifths, … above it, weighed 1/6, 1/7, ….
fn find_root(pitches: &[Pitch]) -> Option<Pitch> {
    let mut first_of_step: [Option<Pitch>; 7] = [None; 7];
    let mut in_order: Vec<Pitch> = Vec::with_capacity(7);
    for &pitch in pitches {
        let slot = &mut first_of_step[pitch.step as usize];
        if slot.is_none() {
            *slot = Some(pitch);
            in_order.push(pitch);
        }
    }
    match in_order.len() {
        0 | 1 => return pitches.first().copied(),
        7 => return lower_of(pitches),
        _ => {}
    }
    let has = |step: usize| first_of_step[step % 7].is_some();
    let stands_in_thirds = |step: usize| (0..in_order.len()).all(|i| has(step + 2 * i));
    if let Some(root) = (0..7).filter(|&step| stands_in_thirds(step)).find_map(|step| first_of_step[step]) {
        return Some(root);
    }
    // Steps above the candidate of its 3rd, 5th, 7th, 9th, 11th and 13th.
    let rootness = |pitch: &Pitch| -> f64 {
        let members = [2, 4, 6, 1, 3, 5].into_iter().enumerate();
        members.filter(|(_, up)| has(pitch.step as usize + up)).map(|(i, _)| 1.0 / (i as f64 + 6.0)).sum()
    };
    let mut best = in_order[0];
    for &pitch in &in_order[1..] {
        if rootness(&pitch) > rootness(&best) {
            best = pitch;
        }
    }
    Some(best)
}
