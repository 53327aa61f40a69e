//! Summaries over a sequence of chords, as the tools report them.

use music21_mcp_score::Tick;

use super::harmony::PlacedChord;

/// How fast chords change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HarmonicRhythm {
    /// Mean duration in quarter notes, rounded to hundredths.
    pub average_duration: f64,
    /// Four quarters divided by the mean, rounded to hundredths: the server assumes 4/4.
    pub changes_per_measure: f64,
    /// Up to three durations in quarter notes, the most frequent first, with their counts.
    pub common_durations: Vec<(f64, usize)>,
}

/// A well-known progression found among the numerals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProgressionMatch {
    /// What it is called.
    pub name: &'static str,
    /// Position of its first chord.
    pub start: usize,
    /// Its numerals.
    pub numerals: &'static [&'static str],
}

/// Positions of the chords of each function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Functions {
    /// I, i, vi, VI.
    pub tonic: Vec<usize>,
    /// V, v, vii, VII.
    pub dominant: Vec<usize>,
    /// IV, iv, ii, II.
    pub subdominant: Vec<usize>,
}

const PROGRESSIONS: [(&str, &[&str]); 5] = [
    ("Authentic Cadence", &["I", "IV", "V", "I"]),
    ("vi-IV-V Progression", &["I", "vi", "IV", "V"]),
    ("ii-V-I", &["ii", "V", "I"]),
    ("I-V-vi-IV", &["I", "V", "vi", "IV"]),
    ("vi-IV-I-V", &["vi", "IV", "I", "V"]),
];

/// `None` if there is no chord or none lasts.
pub(crate) fn harmonic_rhythm(chords: &[PlacedChord], divisions: u32) -> Option<HarmonicRhythm> {
    let quarters = |ticks: Tick| f64::from(ticks) / f64::from(divisions);
    let total: f64 = chords.iter().map(|chord| quarters(chord.duration)).sum();
    let average = total / chords.len() as f64;
    if chords.is_empty() || average <= 0.0 {
        return None;
    }
    let durations = most_common(chords.iter().map(|chord| chord.duration), 3);
    Some(HarmonicRhythm {
        average_duration: hundredths(average),
        changes_per_measure: hundredths(4.0 / average),
        common_durations: durations.into_iter().map(|(ticks, count)| (quarters(ticks), count)).collect(),
    })
}

/// Five well-known progressions, each wherever it occurs.
pub(crate) fn progressions(chords: &[PlacedChord]) -> Vec<ProgressionMatch> {
    let mut found = Vec::new();
    for (name, numerals) in PROGRESSIONS {
        for (start, window) in chords.windows(numerals.len()).enumerate() {
            if window.iter().map(|chord| chord.reading.numeral()).eq(numerals.iter().copied()) {
                found.push(ProgressionMatch { name, start, numerals });
            }
        }
    }
    found
}

/// Sorts chords by function; a numeral with an accidental has none.
pub(crate) fn functions(chords: &[PlacedChord]) -> Functions {
    let mut functions = Functions::default();
    for (position, chord) in chords.iter().enumerate() {
        match chord.reading.numeral() {
            "I" | "i" | "vi" | "VI" => functions.tonic.push(position),
            "V" | "v" | "vii" | "VII" => functions.dominant.push(position),
            "IV" | "iv" | "ii" | "II" => functions.subdominant.push(position),
            _ => {}
        }
    }
    functions
}

/// Up to `limit` values with their counts, the most frequent first; among equals the first seen.
pub(crate) fn most_common<T: Eq + std::hash::Hash + Clone>(
    values: impl Iterator<Item = T>,
    limit: usize,
) -> Vec<(T, usize)> {
    let mut rows = std::collections::HashMap::new();
    let mut counts: Vec<(T, usize)> = Vec::new();
    for value in values {
        let row = *rows.entry(value.clone()).or_insert(counts.len());
        match counts.get_mut(row) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(limit);
    counts
}

/// Rounded for a reply.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round_ties_even() / 100.0
}
