//! Scores of several sizes: what each operation takes with each. As a table: sizes down, operations and memory across.

use std::collections::BTreeMap;

use music21_mcp_bench::client::Tool;

use super::units::{digits, duration, megabytes};
use crate::measure::summary::Summary;
use crate::result::{ScenarioResult, ScoreFile, StageResult, ToolResult};

/// The stages of each of several scores.
pub(crate) struct Sizes<'a> {
    /// Each score with its stages, in the order of the definition.
    pub(crate) scores: Vec<(&'a ScoreFile, Vec<&'a StageResult>)>,
    /// What was called of them.
    pub(crate) tools: Vec<&'static str>,
}

impl<'a> Sizes<'a> {
    /// `None` for a scenario whose stages are not each about one of its scores.
    pub(crate) fn of(scenario: &'a ScenarioResult) -> Option<Self> {
        let size_of = |stage: &StageResult| {
            let of = |name: &str| stage.name.strip_prefix(name).is_some_and(|rest| rest.starts_with(' '));
            scenario.definition.scores.iter().position(|score| of(&score.name))
        };
        let mut sizes = BTreeMap::<usize, Vec<&StageResult>>::new();
        for stage in &scenario.stages {
            sizes.entry(size_of(stage)?).or_default().push(stage);
        }
        let called = |name: &str| scenario.stages.iter().any(|stage| stage.tools.contains_key(name));
        let tools: Vec<&str> = Tool::ALL
            .into_iter()
            .filter(|&tool| tool != Tool::DeleteScore)
            .map(Tool::name)
            .filter(|name| called(name))
            .collect();
        let named = |(at, stages): (usize, _)| (&scenario.definition.scores[at], stages);
        let is_told = !sizes.is_empty() && !tools.is_empty();
        is_told.then(|| Self { scores: sizes.into_iter().map(named).collect(), tools })
    }

    /// The mean of the tool's good calls with the score of that number, or its first call where there was no other.
    pub(crate) fn mean_ns(&self, at: usize, tool: &str) -> Option<f64> {
        let found = || self.found(at, tool);
        let times: Vec<&Summary> = found().filter_map(|(stage, tool)| stage.times(tool)).collect();
        let calls: u64 = times.iter().map(|summary| summary.count).sum();
        let sum: f64 = times.iter().map(|summary| summary.mean_ns * summary.count as f64).sum();
        let first = || found().flat_map(|(_, tool)| &tool.first_calls_ns).map(|&ns| ns as f64).next();
        if calls > 0 { Some(sum / calls as f64) } else { first() }
    }

    fn found(&self, at: usize, tool: &str) -> impl Iterator<Item = (&'a StageResult, &'a ToolResult)> {
        let stages = self.scores[at].1.iter().copied();
        stages.filter_map(move |stage| Some((stage, stage.tools.get(tool)?)))
    }

    /// The mean as it is shown, and how many calls ended otherwise.
    fn cell(&self, at: usize, tool: &str) -> String {
        let times: Vec<&Summary> =
            self.found(at, tool).filter_map(|(stage, tool)| stage.times(tool)).collect();
        let side = match (times.iter().any(|one| one.censored > 0), times.iter().any(|one| one.is_disturbed))
        {
            (false, false) => "",
            (true, false) => "≥",
            (false, true) => "≤",
            (true, true) => "~",
        };
        let bad: u64 = self.found(at, tool).map(|(_, tool)| tool.accounts.success().failures()).sum();
        let mean = self.mean_ns(at, tool);
        let time = mean.map_or_else(|| "–".to_owned(), |mean| format!("{side}{}", duration(mean)));
        if bad > 0 { format!("{time} ({bad} bad)") } else { time }
    }

    /// The head and a row for each size.
    pub(crate) fn table(&self) -> Vec<Vec<String>> {
        let short = |name: &&str| name.replace("_analysis", "").replace("_score", "").replace("score_", "");
        let ends = |first: &str, last: &str| [first.to_owned(), last.to_owned()];
        let [size, peak] = ends("size", "peak MB");
        let head = [size].into_iter().chain(self.tools.iter().map(short)).chain([peak]).collect();
        let rows = self.scores.iter().enumerate().map(|(at, (score, stages))| {
            let peak = stages.iter().filter_map(|stage| stage.peak_rss_bytes).max();
            let peak = peak.map_or_else(|| "–".to_owned(), |bytes| digits(megabytes(bytes)));
            let cells = self.tools.iter().map(|tool| self.cell(at, tool));
            [score.name.clone()].into_iter().chain(cells).chain([peak]).collect()
        });
        std::iter::once(head).chain(rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::fixture;
    use crate::scenario::{Options, find};

    #[test]
    fn a_call_that_the_run_cut_off_is_not_bad() {
        let definition = find("large-scores").unwrap().definition(&Options::default());
        let mut result = fixture::scenario(definition);
        let import = json!({
            "accounts": { "scheduled": 3, "sent": 3, "ended": { "tool_error": 2, "cancelled": 1 } }, "first_calls_ns": [],
            "response": null, "service": null, "steadiness": null, "response_hdr": "", "service_hdr": "", "examples": []
        });
        result.stages =
            vec![fixture::stage(&json!({ "name": "20x100 key", "tools": { "import_score": import } }))];
        assert_eq!(Sizes::of(&result).unwrap().table()[1][..2], ["20x100", "– (2 bad)"]);
    }
}
