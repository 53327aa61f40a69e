//! What the `chord_analysis` and `harmony_analysis` tools say of a score: each chord read in the
//! score's key, and summaries over the sequence.

use std::collections::HashMap;
use std::rc::Rc;

use super::chord::{Chord, Quality};
use super::chordify::{Slice, chordify};
use super::key::{Key, Profile, pitch_weights, rank_keys};
use super::roman::{RomanNumeral, roman_numeral};
use super::written::written_chords;
use crate::score::{Measure, Pitch, Score, Tick};

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
    /// Ticks from the start of its measure.
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
    let slices = chordify(score);
    let chords = slices.iter().filter_map(|slice| reader.place(slice, measures)).collect();
    Harmony { key: reader.key, chords }
}

/// The chords of `harmony_analysis`: those written as chords, part by part, if the score has any;
/// else the score's slices.
#[must_use]
pub fn harmony(score: &Score) -> Harmony {
    let mut reader = Reader::of(score);
    let mut chords = Vec::new();
    for part in &score.parts {
        let written = written_chords(part, score.divisions);
        chords.extend(
            written.iter().filter_map(|(at, pitches)| reader.place(at.slice(pitches), &part.measures)),
        );
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

    fn place(&mut self, slice: Slice<'_>, measures: &[Measure]) -> Option<PlacedChord> {
        let measure = measures.get(slice.measure)?;
        Some(PlacedChord {
            reading: self.read(slice.pitches)?,
            measure_number: number(&measure.number),
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

/// The number in a measure's printed number: 12 of `12a`, 0 if there is none.
fn number(printed: &str) -> i32 {
    let from = printed.find(|c: char| c.is_ascii_digit()).unwrap_or(printed.len());
    let digits = printed[from..].split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
