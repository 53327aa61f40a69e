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
    /// The number of its measure; `None` of a slice if the first part has no measures.
    pub measure_number: Option<i32>,
    /// Ticks as `harmony_analysis` counts them: from the start of its measure for a slice, from the
    /// start of the score for a chord that the score writes.
    pub offset: Tick,
    /// Ticks from the start of the score.
    pub onset: Tick,
    /// Ticks it lasts.
    pub duration: Tick,
    /// Beat in its measure, from 1; not a number before the first time signature.
    pub beat: f64,
}

/// A chord and its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChordReading {
    /// Its pitches; lowest first if chordified, as written if from the score.
    pub pitches: Vec<Pitch>,
    /// `A-major triad` (music21's `pitchedCommonName`).
    pub symbol: String,
    /// The root; `None` of a symbol that stands for no chord.
    pub root: Option<Pitch>,
    /// The lowest pitch, or the bass that a symbol says.
    pub bass: Option<Pitch>,
    /// Major, minor, diminished, augmented or other.
    pub quality: Quality,
    /// 0 in root position, -1 of no chord.
    pub inversion: i8,
    /// In the key of the score; `None` if the root is a quarter tone off.
    pub roman: Option<RomanNumeral>,
}

impl ChordReading {
    /// The roman numeral as replies have it.
    #[must_use]
    pub fn numeral(&self) -> &str {
        self.roman.as_ref().map_or("?", |roman| &roman.numeral)
    }

    /// What music21 says of `N.C.`.
    fn empty() -> Self {
        let roman = RomanNumeral { figure: String::new(), numeral: String::new(), degree: 0 };
        Self {
            pitches: Vec::new(),
            symbol: "empty chord".to_owned(),
            root: None,
            bass: None,
            quality: Quality::Other,
            inversion: -1,
            roman: Some(roman),
        }
    }
}

/// The chords of `chord_analysis`: the score's slices.
#[must_use]
pub fn chordified_harmony(score: &Score) -> Harmony {
    let mut reader = Reader::of(score);
    let measures = score.parts.first().map_or(&[][..], |part| &part.measures);
    let numbers = measure_numbers(measures);
    let slices = chordify(score);
    let place = |slice: Slice<'_>| PlacedChord {
        reading: reader.read(slice.pitches, None, None),
        measure_number: slice.measure.map(|measure| numbers[measure]),
        offset: slice.offset,
        onset: slice.measure.map_or(0, |measure| measures[measure].start) + slice.offset,
        duration: slice.duration,
        beat: slice.beat,
    };
    let chords = slices.iter().map(place).collect();
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
        for written in written_chords(part, score.divisions) {
            let chord = &written.chord;
            let onset = part.measures[written.measure].start + written.offset;
            chords.push(PlacedChord {
                reading: reader.read(&chord.pitches, chord.root, chord.bass),
                measure_number: Some(numbers[written.measure]),
                offset: onset,
                onset,
                duration: written.duration,
                beat: written.beat,
            });
        }
    }
    if chords.is_empty() { chordified_harmony(score) } else { Harmony { key: reader.key, chords } }
}

/// Pitches, and the root and bass that a symbol says they have.
type Said = (Vec<Pitch>, Option<Pitch>, Option<Pitch>);

/// Reads each set of pitches once.
struct Reader {
    key: Key,
    known: HashMap<Vec<Pitch>, Rc<ChordReading>>,
    /// The same of symbols.
    symbols: HashMap<Said, Rc<ChordReading>>,
}

impl Reader {
    fn of(score: &Score) -> Self {
        let weights = pitch_weights(&score.parts, score.divisions);
        let key = weights.map_or(Key::C_MAJOR, |weights| rank_keys(&weights, Profile::Aarden)[0].key);
        Self { key, known: HashMap::new(), symbols: HashMap::new() }
    }

    fn read(&mut self, pitches: &[Pitch], root: Option<Pitch>, bass: Option<Pitch>) -> Rc<ChordReading> {
        if root.is_none() && bass.is_none() {
            if let Some(known) = self.known.get(pitches) {
                return Rc::clone(known);
            }
            let reading = Rc::new(name(self.key, pitches, None, None));
            self.known.insert(pitches.to_vec(), Rc::clone(&reading));
            return reading;
        }
        let key = self.key;
        let said = (pitches.to_vec(), root, bass);
        let reading = self.symbols.entry(said).or_insert_with(|| Rc::new(name(key, pitches, root, bass)));
        Rc::clone(reading)
    }
}

fn name(key: Key, pitches: &[Pitch], root: Option<Pitch>, bass: Option<Pitch>) -> ChordReading {
    let Some(chord) = Chord::new(pitches) else { return ChordReading::empty() };
    let chord = chord.said(root, bass);
    ChordReading {
        pitches: pitches.to_vec(),
        symbol: chord.symbol(),
        root: Some(chord.root()),
        bass: Some(chord.bass()),
        quality: chord.quality(),
        inversion: chord.inversion() as i8,
        roman: roman_numeral(&chord, key),
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
