//! One work's analysis beside music21's, counted property by property.

use std::collections::{BTreeMap, VecDeque};

use music21_mcp_embedded::analysis::{
    Harmony, PROFILES, PlacedChord, chordified_harmony, harmony, pitch_class_name, pitch_name, pitch_weights,
    rank_keys,
};
use music21_mcp_score::{Measure, Part, Pitch, Score};
use serde_json::Value;

/// Answers compared, over all works.
#[derive(Default)]
pub(crate) struct Agreement {
    /// The work being compared.
    pub(crate) work: String,
    /// By property: how many agree, of how many.
    counts: BTreeMap<&'static str, (usize, usize)>,
    disagreements: Vec<String>,
}

/// Properties of which 99.5 % must agree, and all others of chords; counts, measures and keys in full.
const NEARLY: [&str; 4] = ["chord slice", "root", "figure", "romanNumeral"];

impl Agreement {
    fn count(&mut self, property: &'static str, ours: &str, theirs: &str, place: &str) {
        let (same, of) = self.counts.entry(property).or_default();
        *of += 1;
        if ours == theirs {
            *same += 1;
        } else {
            let work = &self.work;
            self.disagreements.push(format!("{work} {place}: {property}: ours {ours}, music21 {theirs}"));
        }
    }

    /// Prints the figures and every disagreement.
    pub(crate) fn report(&self) {
        for (property, (same, of)) in &self.counts {
            eprintln!("{property}: {same} of {of} agree ({:.3} %)", *same as f64 / *of as f64 * 100.0);
        }
        for disagreement in &self.disagreements {
            eprintln!("  {disagreement}");
        }
    }

    /// Only works that are listed with a reason may differ.
    pub(crate) fn assert_known<'k>(&self, known: impl Iterator<Item = &'k str>) {
        let known: Vec<&str> = known.collect();
        let new = |text: &&String| !known.iter().any(|work| text.starts_with(&format!("{work} ")));
        let new: Vec<&String> = self.disagreements.iter().filter(new).collect();
        assert!(new.is_empty(), "not in disagreements.txt: {new:#?}");
    }

    /// Nothing may differ.
    pub(crate) fn assert_all(&self) {
        assert!(self.disagreements.is_empty(), "{}", self.disagreements.join("\n"));
    }

    pub(crate) fn assert_bounds(&self) {
        for (property, &(same, of)) in &self.counts {
            let whole =
                ["key", "notes", "parts", "measures", "end"].iter().any(|&all| property.starts_with(all));
            let least = if whole { of } else { (of * 995).div_ceil(1000) };
            assert!(same >= least, "{property}: {same} of {of} agree, at least {least} must");
        }
        for property in NEARLY.iter().chain(&["key rank", "key correlation"]) {
            assert!(self.counts.contains_key(property), "'{property}' was never compared");
        }
    }
}

pub(crate) fn compare_work(score: &Score, golden: &Value, agreement: &mut Agreement) {
    compare_shape(score, golden, agreement);
    compare_keys(&score.parts[..1], score.divisions, &golden["keys"][0], agreement);
    compare_keys(&score.parts, score.divisions, &golden["keys"][1], agreement);
    let slices = chordified_harmony(score);
    agreement.count("key of the score", &slices.key.to_string(), text(&golden["key"]), "");
    compare_chords("slices", score, &slices, golden, agreement);
    if !golden["written"].as_array().unwrap().is_empty() {
        compare_chords("written", score, &harmony(score), golden, agreement);
    }
}

/// Counts of notes, where measures begin and where the score ends.
fn compare_shape(score: &Score, golden: &Value, agreement: &mut Agreement) {
    agreement.count("notes", &score.note_count().to_string(), &golden["notes"].to_string(), "");
    let theirs = golden["measures"].as_array().unwrap();
    agreement.count("parts", &score.parts.len().to_string(), &theirs.len().to_string(), "");
    let whole = |times: &[String]| times.join(" ");
    let mut ends: [f64; 2] = [0.0; 2];
    for (part, theirs) in score.parts.iter().zip(theirs) {
        let start = |measure: &Measure| f64::from(measure.start) / f64::from(score.divisions);
        let ours: Vec<String> = part.measures.iter().map(|m| format!("{:.4}", start(m))).collect();
        let mut theirs: Vec<f64> = theirs.as_array().unwrap().iter().map(quarters).collect();
        // A staff that falls silent ends later here than there: the score's end is compared.
        let end = part.measures.last().map_or(0, |last| last.start + last.length);
        ends[0] = ends[0].max(f64::from(end) / f64::from(score.divisions));
        ends[1] = ends[1].max(theirs.pop().unwrap());
        let theirs: Vec<String> = theirs.iter().map(|time| format!("{time:.4}")).collect();
        let first = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        let place = format!("part {}, first at measure {first:?}", part.id);
        agreement.count("measures", &whole(&ours), &whole(&theirs), &place);
    }
    agreement.count("end", &format!("{:.4}", ends[0]), &format!("{:.4}", ends[1]), "");
}

fn compare_keys(parts: &[Part], divisions: u32, golden: &Value, agreement: &mut Agreement) {
    let weights = pitch_weights(parts, divisions);
    for profile in PROFILES {
        let theirs = golden[profile.name()].as_array().unwrap();
        let ours = weights.map(|weights| rank_keys(&weights, profile));
        let place = format!("{} {} parts", profile.name(), parts.len());
        let found = [ours.is_some(), !theirs.is_empty()].map(|found| found.to_string());
        agreement.count("key found", &found[0], &found[1], &place);
        for (rank, (ours, theirs)) in ours.iter().flatten().zip(theirs).enumerate() {
            let place = format!("{} {} parts, rank {rank}", profile.name(), parts.len());
            let mode = if ours.key.major { "major" } else { "minor" };
            let name = format!("{} {mode}", pitch_class_name(ours.key.step, ours.key.alter));
            let their_name = format!("{} {}", text(&theirs[0]), text(&theirs[1]));
            agreement.count("key rank", &name, &their_name, &place);
            let correlation = theirs[2].as_f64().unwrap();
            let is_near = (ours.correlation - correlation).abs() <= 1e-6;
            let shown = if is_near { correlation } else { ours.correlation };
            agreement.count("key correlation", &shown.to_string(), &correlation.to_string(), &place);
        }
    }
}

fn compare_chords(kind: &str, score: &Score, ours: &Harmony, golden: &Value, agreement: &mut Agreement) {
    // By place, so that a chord that only one of the two has puts no later one out of step.
    let mut by_place: BTreeMap<String, VecDeque<&PlacedChord>> = BTreeMap::new();
    for chord in &ours.chords {
        by_place.entry(our_place(chord, score)).or_default().push_back(chord);
    }
    for row in golden[kind].as_array().unwrap() {
        let place = place(row[0].as_i64().unwrap_or_default(), quarters(&row[1]));
        let Some(chord) = by_place.get_mut(&place).and_then(VecDeque::pop_front) else {
            agreement.count("chord slice", "nothing", &place, kind);
            continue;
        };
        let reading = &golden["readings"][row[4].as_u64().unwrap() as usize];
        let ours =
            sounding(f64::from(chord.duration) / f64::from(score.divisions), chord.beat, &names(chord));
        let theirs = sounding(quarters(&row[2]), row[3].as_f64().unwrap_or(f64::NAN), text(&reading[0]));
        agreement.count("chord slice", &ours, &theirs, &format!("{kind}, {place}"));
        compare_reading(chord, reading, &format!("{kind}, {place}, {theirs}"), agreement);
    }
    for extra in by_place.values().flatten() {
        agreement.count("chord slice", &our_place(extra, score), "nothing", kind);
    }
}

fn compare_reading(chord: &PlacedChord, theirs: &Value, place: &str, agreement: &mut Agreement) {
    let ours = &chord.reading;
    agreement.count("symbol", &ours.symbol, text(&theirs[1]), place);
    let name = |pitch: Option<Pitch>| pitch.map_or_else(|| "None".to_owned(), pitch_name);
    agreement.count("root", &name(ours.root), text(&theirs[2]), place);
    agreement.count("bass", &name(ours.bass), text(&theirs[3]), place);
    agreement.count("quality", ours.quality.name(), text(&theirs[4]), place);
    agreement.count("inversion", &ours.inversion.to_string(), &theirs[5].to_string(), place);
    let figure = ours.roman.as_ref().map_or("none", |roman| &roman.figure);
    agreement.count("figure", figure, text(&theirs[6]), place);
    if let Some(roman) = &ours.roman {
        agreement.count("romanNumeral", &roman.numeral, text(&theirs[7]), place);
        agreement.count("scale degree", &roman.degree.to_string(), &theirs[8].to_string(), place);
    }
}

fn names(chord: &PlacedChord) -> String {
    chord.reading.pitches.iter().map(|&pitch| pitch_name(pitch)).collect::<Vec<_>>().join(" ")
}

fn our_place(chord: &PlacedChord, score: &Score) -> String {
    let offset = f64::from(chord.offset) / f64::from(score.divisions);
    place(chord.measure_number.unwrap_or_default().into(), offset)
}

fn place(measure: i64, offset: f64) -> String {
    format!("measure {measure} + {offset:.4}")
}

fn sounding(duration: f64, beat: f64, pitches: &str) -> String {
    format!("{pitches} for {duration:.4} on beat {beat:.4}")
}

fn quarters(value: &Value) -> f64 {
    match value {
        Value::String(fraction) => {
            let (over, under) = fraction.split_once('/').unwrap();
            over.parse::<f64>().unwrap() / under.parse::<f64>().unwrap()
        }
        number => number.as_f64().unwrap(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("none")
}
