//! `harmony_analysis`: roman numerals, functions, progressions. The `analysis_type` changes nothing,
//! as in the real server.

use std::collections::HashSet;
use std::rc::Rc;

use music21_mcp_score::{NoteFlags, Score};
use serde::Serialize;

use crate::analysis::{Harmony, PlacedChord, functions, harmony, pitch_name, progressions};
use crate::reply::{Reply, success};
use crate::store::{Origin, Stored};

#[derive(Serialize)]
struct HarmonyReply<'a> {
    roman_numerals: Vec<Numeral<'a>>,
    chord_progressions: Vec<Progression>,
    functional_analysis: Functional<'a>,
    harmonic_rhythm: Vec<Change<'a>>,
    chord_count: usize,
    performance_stats: CacheStats,
}

/// Nothing pitched sounds.
#[derive(Serialize)]
struct Silence {
    roman_numerals: [(); 0],
    chord_progressions: [(); 0],
    functional_analysis: Empty,
    harmonic_rhythm: [(); 0],
    chord_count: usize,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize, Clone)]
struct Numeral<'a> {
    position: usize,
    chord: &'a str,
    roman_numeral: &'a str,
    scale_degree: Option<u8>,
    key: Rc<str>,
    root: String,
    quality: &'static str,
    inversion: i8,
    measure: Option<i32>,
    offset: f64,
    /// `null` before the first time signature.
    beat: f64,
}

#[derive(Serialize)]
struct Progression {
    name: &'static str,
    start_position: usize,
    end_position: usize,
    chords: &'static [&'static str],
}

#[derive(Serialize)]
struct Functional<'a> {
    tonic_function: usize,
    dominant_function: usize,
    subdominant_function: usize,
    tonic_chords: Vec<Numeral<'a>>,
    dominant_chords: Vec<Numeral<'a>>,
    subdominant_chords: Vec<Numeral<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    position: usize,
    duration: f64,
    chord: &'a str,
}

/// How many chords' readings were found among those read before.
#[derive(Serialize)]
pub(super) struct CacheStats {
    cache_hit_rate: f64,
    cache_entries: usize,
    processing_optimized: bool,
}

impl CacheStats {
    pub(super) fn of(chords: &[PlacedChord]) -> Self {
        let readings: HashSet<_> = chords.iter().map(|chord| Rc::as_ptr(&chord.reading)).collect();
        let hits = chords.len() - readings.len();
        let percent = 100.0 * hits as f64 / chords.len().max(1) as f64;
        Self {
            cache_hit_rate: (percent * 100.0).round() / 100.0,
            cache_entries: readings.len(),
            processing_optimized: true,
        }
    }
}

pub(crate) fn run(stored: &Stored) -> Reply {
    let analysis = harmony(&stored.score);
    if analysis.chords.is_empty() {
        let silence = Silence {
            roman_numerals: [],
            chord_progressions: [],
            functional_analysis: Empty {},
            harmonic_rhythm: [],
            chord_count: 0,
        };
        return Ok(success("No chords found in score", silence));
    }
    let message = format!("Harmony analysis complete: {} chords analyzed", analysis.chords.len());
    Ok(success(&message, reply(stored, &analysis)))
}

fn reply<'a>(stored: &Stored, analysis: &'a Harmony) -> HarmonyReply<'a> {
    let chords = &analysis.chords;
    let numerals = numerals(stored, analysis);
    let functions = functions(chords);
    let pick = |positions: &[usize]| positions.iter().map(|&at| numerals[at].clone()).collect::<Vec<_>>();
    let quarters = |ticks: u32| f64::from(ticks) / f64::from(stored.score.divisions);
    HarmonyReply {
        chord_progressions: progressions(chords)
            .into_iter()
            .map(|found| Progression {
                name: found.name,
                start_position: found.start,
                end_position: found.start + found.numerals.len() - 1,
                chords: found.numerals,
            })
            .collect(),
        functional_analysis: Functional {
            tonic_function: functions.tonic.len(),
            dominant_function: functions.dominant.len(),
            subdominant_function: functions.subdominant.len(),
            tonic_chords: pick(&functions.tonic),
            dominant_chords: pick(&functions.dominant),
            subdominant_chords: pick(&functions.subdominant),
        },
        harmonic_rhythm: chords
            .iter()
            .enumerate()
            .map(|(position, chord)| Change {
                position,
                duration: quarters(chord.duration),
                chord: &chord.reading.symbol,
            })
            .collect(),
        chord_count: chords.len(),
        performance_stats: CacheStats::of(chords),
        roman_numerals: numerals,
    }
}

fn numerals<'a>(stored: &Stored, analysis: &'a Harmony) -> Vec<Numeral<'a>> {
    let key: Rc<str> = analysis.key.to_string().into();
    // A chord of the score stands where music21 last looked for it, in the score as a whole; a
    // chord of the slices stands in its measure, if there is one.
    let from_score = has_written_chords(&stored.score);
    let measured = stored.origin != Origin::NoteNames;
    let number = |(position, chord): (usize, &'a PlacedChord)| {
        let reading = &*chord.reading;
        let offset = if from_score || !measured { chord.onset } else { chord.offset };
        Numeral {
            position,
            chord: &reading.symbol,
            roman_numeral: reading.numeral(),
            scale_degree: reading.roman.as_ref().map(|roman| roman.degree),
            key: Rc::clone(&key),
            root: reading.root.map_or_else(|| "None".to_owned(), pitch_name),
            quality: reading.quality.name(),
            inversion: reading.inversion,
            measure: chord.measure_number.filter(|_| measured),
            offset: f64::from(offset) / f64::from(stored.score.divisions),
            beat: chord.beat,
        }
    };
    analysis.chords.iter().enumerate().map(number).collect()
}

fn has_written_chords(score: &Score) -> bool {
    let chord = NoteFlags::CHORD.with(NoteFlags::LONE_CHORD);
    let written = |flags: &NoteFlags| flags.any(chord) && !flags.has(NoteFlags::UNPITCHED);
    score.parts.iter().any(|part| !part.harmonies.is_empty() || part.notes.flags.iter().any(written))
}
