//! What the `chord_analysis` and `harmony_analysis` tools say of a score: each chord read in the
//! score's key, and summaries over the sequence.

use std::collections::HashMap;
use std::rc::Rc;

use music21_mcp_score::{Measure, Pitch, Score, Tick};

use super::chord::{Chord, Quality};
use super::chordify::{Slice, chordify};
use super::key::{Key, Profile, pitch_weights, rank_keys};
use super::roman::{RomanNumeral, roman_numeral};
use super::written::written_chords;

/// A score's chords, read in one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Harmony {
    /// The key of the whole score by the Aarden-Essen profile; C major if nothing pitched sounds.
    pub key: Key,
    /// The chords, in the order of the reply.
    pub chords: Vec<PlacedChord>,
}

/// A chord where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedChord {
    /// What it is; chords of the same pitches share it.
    pub reading: Rc<ChordReading>,
    /// The number of its measure.
    pub measure_number: i32,
    /// Ticks as `harmony_analysis` counts them: from the start of its measure for a slice, from the
    /// start of the score for a chord that the score writes.
    pub offset: Tick,
    /// Ticks from the start of the score.
    pub onset: Tick,
    /// Ticks it lasts.
    pub duration: Tick,
    /// Beat in its measure, from 1.
    pub beat: f64,
}

/// A chord and its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChordReading {
    /// Its pitches; lowest first if chordified, as written if from the score.
    pub pitches: Vec<Pitch>,
    /// `A-major triad` (music21's `pitchedCommonName`).
    pub symbol: String,
    /// The root.
    pub root: Pitch,
    /// The lowest pitch.
    pub bass: Pitch,
    /// Major, minor, diminished, augmented or other.
    pub quality: Quality,
    /// 0 in root position.
    pub inversion: u8,
    /// In the key of the score.
    pub roman: RomanNumeral,
}

/// The chords of `chord_analysis`: the score's slices.
#[must_use]
pub fn chordified_harmony(score: &Score) -> Harmony {
    let mut reader = Reader::of(score);
    let measures = score.parts.first().map_or(&[][..], |part| &part.measures);
    let numbers = measure_numbers(measures);
    let slices = chordify(score);
    let place = |slice: Slice<'_>| reader.place(slice, &measures[slice.measure], numbers[slice.measure]);
    let chords = slices.iter().filter_map(place).collect();
    Harmony { key: reader.key, chords }
}

/// The chords of `harmony_analysis`: those written as chords, part by part, if the score has any;
/// else the score's slices.
#[must_use]
pub fn harmony(score: &Score) -> Harmony {
    let mut reader = Reader::of(score);
    let mut chords = Vec::new();
    for part in &score.parts {
        let numbers = measure_numbers(&part.measures);
        for (at, pitches) in written_chords(part, score.divisions) {
            let measure = &part.measures[at.measure];
            let placed = reader.place(at.slice(&pitches), measure, numbers[at.measure]);
            chords.extend(placed.map(|chord| PlacedChord { offset: chord.onset, ..chord }));
        }
    }
    if chords.is_empty() { chordified_harmony(score) } else { Harmony { key: reader.key, chords } }
}

/// Reads each set of pitches once.
struct Reader {
    key: Key,
    known: HashMap<Vec<Pitch>, Rc<ChordReading>>,
}

impl Reader {
    fn of(score: &Score) -> Self {
        let weights = pitch_weights(&score.parts, score.divisions).unwrap_or([0.0; 12]);
        let silent = weights.iter().all(|&weight| weight == 0.0);
        let key = if silent { Key::C_MAJOR } else { rank_keys(&weights, Profile::Aarden)[0].key };
        Self { key, known: HashMap::new() }
    }

    fn place(&mut self, slice: Slice<'_>, measure: &Measure, number: i32) -> Option<PlacedChord> {
        Some(PlacedChord {
            reading: self.read(slice.pitches)?,
            measure_number: number,
            offset: slice.offset,
            onset: measure.start + slice.offset,
            duration: slice.duration,
            beat: slice.beat,
        })
    }

    fn read(&mut self, pitches: &[Pitch]) -> Option<Rc<ChordReading>> {
        if let Some(known) = self.known.get(pitches) {
            return Some(Rc::clone(known));
        }
        let chord = Chord::new(pitches)?;
        let reading = Rc::new(ChordReading {
            pitches: pitches.to_vec(),
            symbol: chord.symbol(),
            root: chord.root(),
            bass: chord.bass(),
            quality: chord.quality(),
            inversion: chord.inversion(),
            roman: roman_numeral(&chord, self.key),
        });
        self.known.insert(pitches.to_vec(), Rc::clone(&reading));
        Some(reading)
    }
}

/// The digits of each measure's printed number, 0 if there are none. A measure printed as `X1`,
/// outside the count, has its predecessor's number.
fn measure_numbers(measures: &[Measure]) -> Vec<i32> {
    let mut last = 0;
    let number = |measure: &Measure| {
        let (digits, rest): (String, String) = measure.number.chars().partition(char::is_ascii_digit);
        let number = digits.parse().unwrap_or(0);
        if rest != "X" || number == last + 1 {
            last = number;
        }
        last
    };
    measures.iter().map(number).collect()
}
