//! Orchestral scores: what size does to each tool.

use music21_mcp_bench::client::Tool;
use music21_mcp_score::OrchestraSpec;

use super::calls::{delete, export, import_from, on_score, stage, warm_up_calls};
use super::{Options, Scenario, nothing_more};
use crate::result::{Definition, ScoreFile, Stage, Step};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "large-scores",
    about: "20×100 to 150×500 parts × measures: time, server memory, success by size",
    explanation: "\
Generated orchestral scores (20×100, 50×200, 100×300, 150×500 parts × measures) are handed over as files.
For each size one client makes three groups of calls, each twice: info and key; harmony; export. The score is
imported afresh before each group, because music21 keeps what it has computed: the same chords of one score were
seen to take 25 s before a key analysis and 737 s after it.
The first time of each call stands apart from the second. --deadline seconds a call (60).
A server other than the embedded one gets the first two sizes; --all-sizes gives it all of them.

The time of a call that timed out is censored: it is longer than the one printed.
Fails if fewer than 90 % of the calls end well.

It cannot show percentiles: two calls are no distribution.",
    define,
    judge: nothing_more,
};

/// Seconds after which a stage makes no more calls.
const STAGE_S: f64 = 600.0;

pub(super) fn define(options: &Options) -> Definition {
    let sizes = if options.quick || !options.all_sizes { 2 } else { OrchestraSpec::PRESETS.len() };
    let sizes = &OrchestraSpec::PRESETS[..sizes];
    let score =
        |&(name, parts, measures): &(&str, u32, u32)| ScoreFile { name: name.into(), parts, measures };
    Definition {
        prepare: warm_up_calls(),
        scores: sizes.iter().map(score).collect(),
        stages: sizes.iter().flat_map(|(name, ..)| stages(name, options)).collect(),
        ..Definition::default()
    }
}

fn stages(size: &str, options: &Options) -> Vec<Stage> {
    let key = vec![on_score(Tool::ScoreInfo), on_score(Tool::KeyAnalysis)];
    let stages = [
        ("key", key),
        ("harmony", vec![on_score(Tool::HarmonyAnalysis)]),
        ("export", vec![export("musicxml")]),
    ];
    stages.into_iter().map(|(name, steps)| one(size, name, steps, options)).collect()
}

fn one(size: &str, name: &str, steps: Vec<Step>, options: &Options) -> Stage {
    let file = format!("{{{{score:{size}}}}}");
    let steps: Vec<Step> = [import_from(&file, "file")].into_iter().chain(steps).chain([delete()]).collect();
    let calls = 2 * steps.len() as u64;
    Stage {
        calls: Some(calls),
        duration_s: Some(options.duration_s.unwrap_or(STAGE_S)),
        deadline_s: options.deadline_s.unwrap_or(60.0),
        ..stage(format!("{size} {name}"), 1, steps)
    }
}
