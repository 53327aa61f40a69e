//! `score_info`: metadata, sizes, metres, tempos, instruments.

use std::collections::BTreeMap;

use music21_mcp_score::{KeySignature, Part, Score, Tempo, Tick, TimeSignature, Timed};
use serde::Serialize;
use serde_json::Number;

use crate::reply::{COMPLETED, Reply, success};
use crate::store::{Counts, Origin, Stored};

#[derive(Serialize)]
struct Info<'a> {
    exists: bool,
    score_id: &'a str,
    metadata: BTreeMap<&'static str, &'a str>,
    title: String,
    composer: &'a str,
    num_parts: usize,
    num_measures: usize,
    num_notes: usize,
    duration_quarters: f64,
    duration_seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    time_signatures: Vec<Meter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tempo_markings: Vec<TempoMark>,
    tempo_bpm: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_signature: Option<String>,
    duration: f64,
    instruments: Vec<PartInfo<'a>>,
    structure: Structure,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_signature: Option<i8>,
}

#[derive(Serialize)]
struct Meter {
    signature: String,
    offset: f64,
    numerator: u16,
    denominator: u16,
}

#[derive(Serialize)]
struct TempoMark {
    bpm: Number,
    offset: f64,
    text: Option<&'static str>,
}

#[derive(Serialize)]
struct Structure {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key_signatures: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    sharps: i8,
    offset: f64,
}

#[derive(Serialize)]
struct PartInfo<'a> {
    part_number: usize,
    part_name: Option<&'a str>,
    #[serde(flatten)]
    instrument: Option<Instrument<'a>>,
    #[serde(flatten)]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Instrument<'a> {
    instrument: Option<&'a str>,
    abbreviation: Option<&'a str>,
    /// General MIDI, from 0, where MusicXML counts from 1.
    midi_program: Option<u8>,
}

#[derive(Serialize)]
struct Range {
    lowest_note: i32,
    highest_note: i32,
    range: i32,
}

/// The real server lists only the first of each kind of mark.
const MARKS: usize = 5;

pub(crate) fn run(stored: &Stored) -> Reply {
    Ok(success(COMPLETED, info(stored)))
}

fn info(stored: &Stored) -> Info<'_> {
    let score = &stored.score;
    let from_document = matches!(stored.origin, Origin::Document(_));
    // A list of note names has neither measures nor metre; the store gave it some, to be written.
    let measured = stored.origin != Origin::NoteNames;
    let quarters = |at: Tick| f64::from(at) / f64::from(score.divisions.max(1));
    let meters = marks(score, |part| &part.times);
    let meters: Vec<Meter> =
        meters.iter().filter(|_| measured).map(|mark| meter(mark.value, quarters(mark.at))).collect();
    let tempos = marks(score, |part| &part.tempos);
    let tempo = tempos.first().map_or(120.0, |mark| mark.value.quarters_per_minute);
    let duration_quarters = quarters(score.parts.iter().map(end).max().unwrap_or(0));
    let duration_seconds = tenths(duration_quarters * 60.0 / tempo);
    let keys: Vec<Key> = marks(score, |part| &part.keys)
        .iter()
        .map(|Timed { at, value: KeySignature { fifths, .. } }| Key {
            sharps: *fifths,
            offset: quarters(*at),
        })
        .collect();
    Info {
        exists: true,
        score_id: &stored.id,
        metadata: metadata(stored),
        title: stored.title().map_or_else(|| format!("Score {}", stored.id), str::to_owned),
        composer: composer(stored),
        num_parts: score.parts.len(),
        num_measures: score.parts.first().filter(|_| measured).map_or(0, |part| part.measures.len()),
        num_notes: stored.counts.notes,
        duration_quarters,
        duration_seconds,
        time_signature: meters.first().map(|meter| meter.signature.clone()),
        time_signatures: meters,
        tempo_markings: tempos
            .iter()
            .map(|Timed { at, value: Tempo { quarters_per_minute } }| TempoMark {
                bpm: number(*quarters_per_minute),
                offset: quarters(*at),
                text: None,
            })
            .collect(),
        tempo_bpm: number(tempo),
        duration: duration_seconds,
        instruments: score
            .parts
            .iter()
            .enumerate()
            .map(|(index, part)| part_info(index, part, from_document))
            .collect(),
        key_signature: keys.first().map(|key| key.sharps),
        structure: Structure { key_signatures: keys },
    }
}

/// The first marks of all parts, by time and then by part.
fn marks<T: Copy>(score: &Score, of: impl Fn(&Part) -> &Vec<Timed<T>>) -> Vec<Timed<T>> {
    let mut all: Vec<Timed<T>> =
        score.parts.iter().flat_map(|part| of(part).iter().take(MARKS).copied()).collect();
    all.sort_by_key(|mark| mark.at);
    all.truncate(MARKS);
    all
}

fn meter(value: TimeSignature, offset: f64) -> Meter {
    let TimeSignature { beats, beat_type } = value;
    Meter { signature: format!("{beats}/{beat_type}"), offset, numerator: beats, denominator: beat_type }
}

fn part_info(index: usize, part: &Part, from_document: bool) -> PartInfo<'_> {
    let text = |text: &'_ str| (!text.is_empty()).then_some(());
    let some = |value| text(value).map(|()| value);
    PartInfo {
        part_number: index + 1,
        part_name: some(part.name.as_str()),
        instrument: from_document.then(|| Instrument {
            instrument: some(part.instrument.name.as_str()),
            abbreviation: some(part.abbreviation.as_str()),
            midi_program: part.instrument.midi_program.map(|program| program.saturating_sub(1)),
        }),
        range: Counts::of(part).range.map(|(low, high)| Range {
            lowest_note: low,
            highest_note: high,
            range: high - low,
        }),
    }
}

fn metadata(stored: &Stored) -> BTreeMap<&'static str, &str> {
    let Origin::Document(file) = &stored.origin else { return BTreeMap::new() };
    let score = &stored.score;
    let file = score.work_title.is_none().then_some(file.as_str());
    [
        ("title", score.work_title.as_deref()),
        ("movementName", score.movement_title.as_deref().or(file)),
        ("composer", score.composer.as_deref()),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

/// The composer, or the real server's guess from the names.
fn composer(stored: &Stored) -> &str {
    let id = stored.id.to_lowercase();
    let bach = || {
        id.contains("bach")
            || id.contains("bwv")
            || stored.title().is_some_and(|title| title.to_lowercase().contains("bwv"))
    };
    match &stored.score.composer {
        Some(composer) => composer,
        None if bach() => "J.S. Bach",
        None => "Unknown",
    }
}

fn end(part: &Part) -> Tick {
    part.measures.last().map_or(0, |measure| measure.start + measure.length)
}

/// Whole numbers without a fraction, as Python prints an int.
fn number(value: f64) -> Number {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Number::from(value as i64);
    }
    // Not finite is no tempo: 0 shows it.
    Number::from_f64(value).unwrap_or_else(|| Number::from(0))
}

fn tenths(value: f64) -> f64 {
    // OK because a formatted float parses. The formatter rounds as Python's `round` does.
    format!("{value:.1}").parse().expect("a float")
}
