//! Scores of several sizes in one table: sizes down, operations and memory across.

use std::collections::BTreeMap;

use music21_mcp_bench::client::{Outcome, Tool};

use super::units::{digits, duration, megabytes};
use crate::measure::summary::Summary;
use crate::result::{ScenarioResult, StageResult, ToolResult};

/// The head and a row for each size; `None` for a scenario whose stages are not each about one of its scores.
pub(crate) fn table(scenario: &ScenarioResult) -> Option<Vec<Vec<String>>> {
    let size_of = |stage: &StageResult| {
        let of = |name: &str| stage.name.strip_prefix(name).is_some_and(|rest| rest.starts_with(' '));
        scenario.definition.scores.iter().position(|score| of(&score.name))
    };
    let mut sizes = BTreeMap::<usize, Vec<&StageResult>>::new();
    for stage in &scenario.stages {
        sizes.entry(size_of(stage)?).or_default().push(stage);
    }
    let called = |name: &str| scenario.stages.iter().any(|stage| stage.tools.contains_key(name));
    let columns: Vec<&str> = Tool::ALL
        .into_iter()
        .filter(|&tool| tool != Tool::DeleteScore)
        .map(Tool::name)
        .filter(|name| called(name))
        .collect();
    if sizes.is_empty() || columns.is_empty() {
        return None;
    }
    let short = |name: &&str| name.replace("_analysis", "").replace("_score", "").replace("score_", "");
    let head = ["size".to_owned()].into_iter().chain(columns.iter().map(short)).chain(["peak MB".to_owned()]);
    let rows = sizes.into_iter().map(|(size, stages)| {
        let peak = stages.iter().filter_map(|stage| stage.peak_rss_bytes).max();
        let cells = columns.iter().map(|name| cell(&stages, name));
        let peak = peak.map_or_else(|| "–".to_owned(), |bytes| digits(megabytes(bytes)));
        [scenario.definition.scores[size].name.clone()].into_iter().chain(cells).chain([peak]).collect()
    });
    Some(std::iter::once(head.collect()).chain(rows).collect())
}

/// The mean of the tool's good calls, or of its first one where there was no other, and how many ended otherwise.
fn cell(stages: &[&StageResult], name: &str) -> String {
    let found = || stages.iter().filter_map(|stage| Some((*stage, stage.tools.get(name)?)));
    let times: Vec<&Summary> = found().filter_map(|(stage, tool)| stage.times(tool)).collect();
    let firsts: Vec<f64> = found().flat_map(|(_, tool)| &tool.first_calls_ns).map(|&ns| ns as f64).collect();
    let calls: u64 = times.iter().map(|summary| summary.count).sum();
    let sum: f64 = times.iter().map(|summary| summary.mean_ns * summary.count as f64).sum();
    let mean = if calls > 0 { sum / calls as f64 } else { firsts.first().copied().unwrap_or(f64::NAN) };
    let side = match (times.iter().any(|one| one.censored > 0), times.iter().any(|one| one.is_disturbed)) {
        (false, false) => "",
        (true, false) => "≥",
        (false, true) => "≤",
        (true, true) => "~",
    };
    let bad: u64 = found()
        .map(|(_, tool): (_, &ToolResult)| tool.accounts.sent - tool.accounts.count(Outcome::Ok))
        .sum();
    let time = if mean.is_nan() { "–".to_owned() } else { format!("{side}{}", duration(mean)) };
    if bad > 0 { format!("{time} ({bad} bad)") } else { time }
}
