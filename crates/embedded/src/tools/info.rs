//! `score_info`: metadata, sizes, metres, tempos, instruments.

use std::collections::BTreeMap;

use music21_mcp_score::{KeySignature, Part, Score, Tempo, Tick, TimeSignature, Timed, Word};
use serde::Serialize;
use serde_json::Number;

use super::instrument::{Described, describe};
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
    /// `null` of a mark that prints no number.
    tempo_bpm: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_signature: Option<String>,
    duration: f64,
    instruments: Vec<PartInfo<'a>>,
    structure: Structure<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_signature: Option<Option<i8>>,
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
    bpm: Option<Number>,
    offset: f64,
    text: Option<&'static str>,
}

#[derive(Serialize)]
struct Structure<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    key_signatures: Vec<Key>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rehearsal_marks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dynamics_count: Option<usize>,
    /// The real server's order changes from run to run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dynamic_range: Vec<&'a str>,
}

#[derive(Serialize)]
struct Key {
    /// `null` of a key of single altered steps.
    sharps: Option<i8>,
    offset: f64,
}

#[derive(Serialize)]
struct PartInfo<'a> {
    part_number: usize,
    part_name: Option<&'a str>,
    #[serde(flatten)]
    instrument: Option<Described<'a>>,
    #[serde(flatten)]
    range: Option<Range>,
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
    let tempo = tempos.first().map_or(Some(120.0), |mark| mark.value.printed());
    let duration_quarters = quarters(score.parts.iter().map(end).max().unwrap_or(0));
    let duration_seconds = tenths(duration_quarters / 4.0 * (60.0 / tempo.unwrap_or(120.0)) * 4.0);
    let keys: Vec<Key> = marks(score, |part| &part.keys)
        .iter()
        .map(|Timed { at, value: KeySignature { fifths, steps, .. } }| Key {
            sharps: steps.is_none().then_some(*fifths),
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
        tempo_markings: tempos.iter().map(|Timed { at, value }| tempo_mark(*value, quarters(*at))).collect(),
        tempo_bpm: tempo.map(number),
        duration: duration_seconds,
        instruments: score
            .parts
            .iter()
            .enumerate()
            .map(|(index, part)| part_info(index, part, from_document))
            .collect(),
        key_signature: keys.first().map(|key| key.sharps),
        structure: structure(score, keys),
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
    let TimeSignature { beats, beat_type, .. } = value;
    let terms: Vec<String> = value.terms().iter().map(|(beats, unit)| format!("{beats}/{unit}")).collect();
    let signature = if terms.is_empty() { format!("{beats}/{beat_type}") } else { terms.join("+") };
    Meter { signature, offset, numerator: beats, denominator: beat_type }
}

fn tempo_mark(tempo: Tempo, offset: f64) -> TempoMark {
    let printed = tempo.printed();
    TempoMark { bpm: printed.map(number), offset, text: printed.and_then(tempo_word) }
}

/// The word music21 has for a tempo within two of this one.
fn tempo_word(number: f64) -> Option<&'static str> {
    const WORDS: [(f64, &str); 20] = [
        (16.0, "larghissimo"),
        (32.0, "largamente"),
        (40.0, "grave"),
        (46.0, "largo"),
        (52.0, "lento"),
        (56.0, "adagio"),
        (60.0, "larghetto"),
        (66.0, "adagietto"),
        (72.0, "andante"),
        (80.0, "andantino"),
        (83.0, "andante moderato"),
        (88.0, "maestoso"),
        (92.0, "moderate"),
        (108.0, "allegretto"),
        (120.0, "animato"),
        (128.0, "allegro moderato"),
        (132.0, "allegro"),
        (140.0, "allegrissimo"),
        (144.0, "molto allegro"),
        (160.0, "vivace"),
    ];
    const FAST: [(f64, &str); 3] = [(168.0, "vivacissimo"), (184.0, "presto"), (208.0, "prestissimo")];
    let mut words = WORDS.iter().chain(&FAST);
    words.find(|(tempo, _)| (number - tempo).abs() <= 2.0).map(|(_, word)| *word)
}

fn structure(score: &Score, key_signatures: Vec<Key>) -> Structure<'_> {
    /// The real server lists no more.
    const REHEARSALS: usize = 10;
    let mut words: Vec<&Timed<Word>> = score.parts.iter().flat_map(|part| &part.words).collect();
    words.sort_by_key(|word| word.at);
    let rehearsal = |word: &&Timed<Word>| match &word.value {
        Word::Rehearsal(mark) => Some(format!("<music21.expressions.RehearsalMark '{mark}'>")),
        Word::Dynamic(_) => None,
    };
    let dynamics: Vec<&str> = words
        .iter()
        .filter_map(|word| match &word.value {
            Word::Dynamic(name) => Some(name.as_str()),
            Word::Rehearsal(_) => None,
        })
        .collect();
    let mut dynamic_range = dynamics.clone();
    dynamic_range.sort_unstable();
    dynamic_range.dedup();
    Structure {
        key_signatures,
        rehearsal_marks: words.iter().filter_map(rehearsal).take(REHEARSALS).collect(),
        dynamics_count: (!dynamics.is_empty()).then_some(dynamics.len()),
        dynamic_range,
    }
}

fn part_info(index: usize, part: &Part, from_document: bool) -> PartInfo<'_> {
    let text = |text: &'_ str| (!text.is_empty()).then_some(());
    let some = |value| text(value).map(|()| value);
    PartInfo {
        part_number: index + 1,
        part_name: some(part.name.as_str()),
        instrument: from_document.then(|| describe(part)),
        range: Counts::of(part).range.map(|(low, high)| Range {
            lowest_note: low,
            highest_note: high,
            range: high - low,
        }),
    }
}

fn metadata(stored: &Stored) -> BTreeMap<&'static str, &str> {
    let score = &stored.score;
    [
        ("title", stored.work_title()),
        ("movementName", stored.movement_name()),
        ("movementNumber", score.movement_number.as_deref()),
        ("composer", score.composer.as_deref()),
        ("lyricist", score.lyricist.as_deref()),
        ("arranger", score.arranger.as_deref()),
        ("copyright", score.copyright.as_deref()),
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
            || stored.movement_name().is_some_and(|title| title.to_lowercase().contains("bwv"))
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
