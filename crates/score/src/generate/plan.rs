//! What all parts share: metre, key and chords of every measure.

use super::OrchestraSpec;
use super::random::{PLAN_STREAM, Random};
use crate::{KeySignature, Mode, TimeSignature};

/// The plan of a piece.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) bars: Vec<Bar>,
}

/// One measure of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) metre: &'static Metre,
    pub(super) key: Key,
    /// The chord of the first half and of the second.
    pub(super) chords: [Chord; 2],
    /// Quarters a minute, where a section begins.
    pub(super) tempo: Option<u8>,
}

/// A metre and how its time divides, in ticks of a twelfth of a quarter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metre {
    pub(super) signature: TimeSignature,
    /// Ticks of a beat: 12, or 18 in a compound metre.
    pub(super) beat: u32,
    /// Beats that are felt: two in 6/8.
    pub(super) beats: u32,
    /// The note values that fill a measure.
    pub(super) whole: &'static [u32],
}

const fn metre(beats: u16, beat_type: u16, beat: u32, felt: u32, whole: &'static [u32]) -> Metre {
    Metre { signature: TimeSignature::new(beats, beat_type), beat, beats: felt, whole }
}

static METRES: [Metre; 6] = [
    metre(4, 4, 12, 4, &[48]),
    metre(3, 4, 12, 3, &[36]),
    metre(2, 4, 12, 2, &[24]),
    metre(6, 8, 18, 2, &[36]),
    metre(9, 8, 18, 3, &[36, 18]),
    metre(5, 4, 12, 5, &[36, 24]),
];

/// How often a section takes each metre: half the pieces' music is in 4/4.
const METRE_DRAW: [usize; 10] = [0, 0, 0, 0, 0, 1, 1, 2, 3, 4];

/// A concert key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// -4 to 4: with a transposing instrument's shift it stays within seven accidentals.
    pub(super) fifths: i8,
    pub(super) major: bool,
}

const MAX_FIFTHS: i8 = 4;

impl Key {
    /// The letter of the tonic, 0 for C.
    pub(super) fn tonic(self) -> i32 {
        // A fifth up is four letters; the relative minor's tonic is five letters up.
        (i32::from(self.fifths) * 4 + if self.major { 0 } else { 5 }).rem_euclid(7)
    }

    pub(super) fn signature(self) -> KeySignature {
        KeySignature::new(self.fifths, Some(if self.major { Mode::Major } else { Mode::Minor }))
    }
}

/// A chord on a degree of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chord {
    /// 0 for the tonic's.
    pub(super) degree: u8,
    pub(super) seventh: bool,
}

impl Chord {
    const TONIC: Self = Self { degree: 0, seventh: false };
    const DOMINANT: Self = Self { degree: 4, seventh: true };

    /// The harmonic minor's leading note belongs to the chords of V and VII.
    pub(super) fn is_dominant(self) -> bool {
        self.degree == 4 || self.degree == 6
    }
}

/// Where a degree goes: functional harmony, the most usual step twice.
const NEXT: [[u8; 4]; 7] = [
    [3, 4, 5, 1], // I
    [4, 4, 6, 4], // ii
    [5, 3, 5, 3], // iii
    [4, 0, 1, 4], // IV
    [0, 0, 5, 0], // V
    [3, 1, 3, 4], // vi
    [0, 0, 0, 5], // vii
];

/// A phrase ends with a cadence.
const PHRASE: u32 = 8;

impl Plan {
    pub(super) fn new(spec: &OrchestraSpec) -> Self {
        let mut random = Random::new(spec.seed, PLAN_STREAM);
        let mut bars = Vec::with_capacity(spec.measures as usize);
        let mut key = Key { fifths: random.below(7) as i8 - 3, major: !random.once_in(3) };
        while bars.len() < spec.measures as usize {
            let left = spec.measures - bars.len() as u32;
            let length = (16 + PHRASE * random.below(4)).min(left);
            section(&mut bars, &mut random, key, length);
            key = modulated(&mut random, key);
        }
        Self { bars }
    }
}

/// One metre, key and tempo.
fn section(bars: &mut Vec<Bar>, random: &mut Random, key: Key, length: u32) {
    let metre = &METRES[random.pick(&METRE_DRAW)];
    let tempo = 60 + 4 * random.below(20) as u8;
    let mut chord = Chord::TONIC;
    for index in 0..length {
        let cadence = (index + 1) % PHRASE == 0 || index + 1 == length;
        let before_cadence = (index + 2).is_multiple_of(PHRASE) || index + 2 == length;
        let first = match (cadence, before_cadence) {
            (true, _) => Chord::TONIC,
            (_, true) => Chord { degree: random.pick(&[1, 3]), seventh: false },
            _ => chord,
        };
        let second = match (cadence, before_cadence) {
            (true, _) => Chord::TONIC,
            (_, true) => Chord::DOMINANT,
            // One chord a measure or two.
            _ if random.once_in(2) => following(random, first),
            _ => first,
        };
        bars.push(Bar { metre, key, chords: [first, second], tempo: (index == 0).then_some(tempo) });
        chord = following(random, second);
    }
}

fn following(random: &mut Random, chord: Chord) -> Chord {
    let degree = random.pick(&NEXT[usize::from(chord.degree)]);
    Chord { degree, seventh: degree == 4 && random.once_in(2) }
}

/// The dominant's or subdominant's key, or the relative one.
fn modulated(random: &mut Random, key: Key) -> Key {
    match random.below(3) {
        0 if key.fifths < MAX_FIFTHS => Key { fifths: key.fifths + 1, ..key },
        1 if key.fifths > -MAX_FIFTHS => Key { fifths: key.fifths - 1, ..key },
        _ => Key { major: !key.major, ..key },
    }
}
