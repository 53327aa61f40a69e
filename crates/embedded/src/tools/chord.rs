//! `chord_analysis`: what sounds together, read in the score's key, with a summary.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::harmony::CacheStats;
use crate::analysis::{
    HarmonicRhythm, Harmony, PlacedChord, chordified_harmony, harmonic_rhythm, most_common, pitch_name,
    pitch_weights,
};
use crate::reply::{COMPLETED, Failure, Reply, success};
use crate::store::Stored;

/// The real server's replies hold no more chords than this, whatever they count.
const LISTED: usize = 50;

#[derive(Serialize)]
struct ChordReply<'a> {
    total_chords: usize,
    chord_progression: Vec<Listed<'a>>,
    harmonic_rhythm: Rhythm,
    roman_numerals: Vec<&'a str>,
    analysis_key: String,
    summary: Summary<'a>,
    performance_stats: Stats,
}

#[derive(Serialize)]
struct Listed<'a> {
    pitches: Vec<String>,
    symbol: &'a str,
    root: Option<String>,
    quality: &'static str,
    /// From the score's start.
    offset: f64,
    duration: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    inversion: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bass: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roman_numeral: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_degree: Option<u8>,
}

#[derive(Serialize, Default)]
struct Rhythm {
    average_duration: f64,
    changes_per_measure: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    common_durations: Vec<Common>,
}

#[derive(Serialize)]
struct Common {
    duration: f64,
    count: usize,
}

#[derive(Serialize)]
struct Summary<'a> {
    unique_chords: usize,
    most_common_chords: Vec<CommonChord<'a>>,
    chord_qualities: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct CommonChord<'a> {
    chord: &'a str,
    count: usize,
}

/// The real server boasts of its caches; here readings are shared between equal chords.
#[derive(Serialize)]
struct Stats {
    #[serde(flatten)]
    cache: CacheStats,
    parallel_processing: bool,
    max_workers: usize,
}

pub(crate) fn run(stored: &Stored) -> Reply {
    let Harmony { key, chords } = chordified_harmony(&stored.score);
    let score = &stored.score;
    let rhythm = harmonic_rhythm(&chords, score.divisions);
    // Without a pitch there is no key either, and that is what the real server says. Grace notes alone have one.
    if rhythm.is_none() && pitch_weights(&score.parts, score.divisions).is_none() {
        return Err(broke("failed to get likely keys for Stream component"));
    }
    let listed = &chords[..chords.len().min(LISTED)];
    let quarters = |ticks: u32| f64::from(ticks) / f64::from(stored.score.divisions);
    Ok(success(
        COMPLETED,
        ChordReply {
            total_chords: chords.len(),
            chord_progression: listed.iter().map(|chord| list(chord, quarters)).collect(),
            harmonic_rhythm: rhythm.map(Rhythm::from).unwrap_or_default(),
            roman_numerals: listed.iter().map(|chord| chord.reading.numeral()).collect(),
            analysis_key: key.to_string(),
            summary: summarize(&chords),
            performance_stats: Stats {
                cache: CacheStats::of(&chords),
                parallel_processing: false,
                max_workers: 1,
            },
        },
    ))
}

/// The failure of an analysis that took too long.
pub(crate) fn late(limit: Duration) -> Failure {
    broke(&format!("Music21 operation _chordify_score timed out after {}s", limit.as_secs_f64()))
}

fn broke(what: &str) -> Failure {
    Failure::Broke { tool: "chord_analysis", error: format!("Chord analysis failed: {what}") }
}

fn list(chord: &PlacedChord, quarters: impl Fn(u32) -> f64) -> Listed<'_> {
    let reading = &*chord.reading;
    let inverted = reading.inversion != 0;
    Listed {
        pitches: reading.pitches.iter().map(|&pitch| pitch_name(pitch)).collect(),
        symbol: &reading.symbol,
        root: reading.root.map(pitch_name),
        quality: reading.quality.name(),
        offset: quarters(chord.onset),
        duration: quarters(chord.duration),
        inversion: inverted.then_some(reading.inversion),
        bass: reading.bass.filter(|_| inverted).map(pitch_name),
        roman_numeral: reading.roman.as_ref().map(|roman| roman.numeral.as_str()),
        scale_degree: reading.roman.as_ref().map(|roman| roman.degree),
    }
}

fn summarize(chords: &[PlacedChord]) -> Summary<'_> {
    let mut by_symbol = most_common(chords.iter().map(|chord| chord.reading.symbol.as_str()), usize::MAX);
    let unique_chords = by_symbol.len();
    by_symbol.truncate(5);
    let mut chord_qualities = BTreeMap::new();
    for chord in chords {
        *chord_qualities.entry(chord.reading.quality.name()).or_insert(0) += 1;
    }
    Summary {
        unique_chords,
        most_common_chords: by_symbol
            .into_iter()
            .map(|(chord, count)| CommonChord { chord, count })
            .collect(),
        chord_qualities,
    }
}

impl From<HarmonicRhythm> for Rhythm {
    fn from(rhythm: HarmonicRhythm) -> Self {
        let HarmonicRhythm { average_duration, changes_per_measure, common_durations } = rhythm;
        let common_durations =
            common_durations.into_iter().map(|(duration, count)| Common { duration, count }).collect();
        Self { average_duration, changes_per_measure, common_durations }
    }
}
