//! Several runs of the same thing beside each other: what each figure was, and by how much runs differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::quantile::Quantile;
use crate::measure::stats::{mean, median, standard_deviation, t_quantile};
use crate::measure::validity::{Figures, Standing};
use crate::result::{RunFile, SCHEMA_VERSION, StageResult, Verdict};

/// What `run --repeat` leaves beside the runs' own directories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Repeats {
    /// The layout of the file, which is that of the runs.
    pub schema_version: u32,
    /// The command line that made it, in words.
    pub command_line: Vec<String>,
    /// Each run started a server of its own; otherwise what one run left in it was there for the next.
    pub has_fresh_servers: bool,
    /// In the order of running.
    pub runs: Vec<Repeat>,
    /// Of the runs that were completed.
    pub figures: Vec<Spread>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Repeat {
    /// Its directory, beside this file.
    pub directory: String,
    /// When it began.
    pub created_utc: String,
    /// Whether it came to its end; otherwise it is in no figure.
    pub complete: bool,
    /// How each scenario ended.
    pub verdicts: BTreeMap<String, Verdict>,
}

/// What is compared between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Calls answered a second.
    CallsPerS,
    /// The share of good answers.
    GoodShare,
    /// The most memory that was resident at once.
    PeakRssBytes,
    /// The median of a tool's times, response times of an open loop and service times of a closed one.
    MedianNs,
    /// Their quantile 0.95.
    P95Ns,
}

/// One figure over all completed runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Spread {
    /// The scenario.
    pub scenario: String,
    /// Its stage.
    pub stage: String,
    /// The tool, where it is one's.
    pub tool: Option<String>,
    /// What it is.
    pub figure: Figure,
    /// By completed run; `None` where that run does not know it: too few calls, DISTURBED or INVALID.
    pub values: Vec<Option<f64>>,
    /// The median of those that are known; `None` if none is.
    pub median: Option<f64>,
    /// The least of them.
    pub least: Option<f64>,
    /// The most.
    pub most: Option<f64>,
    /// Standard deviation ÷ mean; `None` for fewer than two runs.
    pub coefficient_of_variation: Option<f64>,
    /// Where the geometric mean over runs lies with 95 % confidence; `None` for fewer than three runs.
    pub interval: Option<[f64; 2]>,
}

/// Runs from which an interval is given: that of two is thirteen standard deviations wide.
const RUNS_FOR_INTERVAL: usize = 3;

impl Repeats {
    /// Puts runs beside each other, each with the name of its directory.
    #[must_use]
    pub fn of(runs: &[(String, RunFile)]) -> Self {
        let complete: Vec<&RunFile> =
            runs.iter().map(|(_, file)| file).filter(|file| file.complete).collect();
        let first = runs.first().map(|(_, file)| file);
        let figures = complete.first().map(|first| spreads(first, &complete));
        Self {
            schema_version: SCHEMA_VERSION,
            command_line: first.map(|file| file.command_line.clone()).unwrap_or_default(),
            has_fresh_servers: first.is_some_and(|file| !file.server.spec.starts_with("http")),
            runs: runs.iter().map(|(directory, file)| Repeat::of(directory, file)).collect(),
            figures: figures.unwrap_or_default(),
        }
    }
}

impl Repeat {
    fn of(directory: &str, file: &RunFile) -> Self {
        Self {
            directory: directory.to_owned(),
            created_utc: file.created_utc.clone(),
            complete: file.complete,
            verdicts: file.scenarios.iter().map(|one| (one.name.clone(), one.verdict)).collect(),
        }
    }
}

/// By scenario and stage of the first run: one whose stages are searched for may have others.
fn spreads(first: &RunFile, runs: &[&RunFile]) -> Vec<Spread> {
    let mut all = Vec::new();
    for (scenario, stage) in first.stages() {
        let same = |run: &&RunFile| {
            run.stages()
                .find(|(of, one)| *of == scenario && one.name == stage.name)
                .map(|(_, one)| one.clone())
        };
        let stages: Vec<Option<StageResult>> = runs.iter().map(same).collect();
        let of_stage =
            [Figure::CallsPerS, Figure::GoodShare, Figure::PeakRssBytes].map(|figure| (None, figure));
        let tools = stage
            .tools
            .keys()
            .flat_map(|tool| [Figure::MedianNs, Figure::P95Ns].map(|figure| (Some(tool), figure)));
        for (tool, figure) in of_stage.into_iter().chain(tools) {
            let value = |stage: &Option<StageResult>| figure.of(stage.as_ref()?, tool.map(String::as_str));
            let values = stages.iter().map(value).collect();
            let names = (scenario.to_owned(), stage.name.clone(), tool.cloned());
            all.extend(Spread::of(names, figure, values));
        }
    }
    all
}

impl Figure {
    fn of(self, stage: &StageResult, tool: Option<&str>) -> Option<f64> {
        let is_valid = |figures| stage.validity.of(figures) == Standing::Valid;
        let quantile = |of: fn(&crate::measure::summary::Summary) -> Quantile| match stage
            .times(stage.tools.get(tool?)?)
            .map(of)?
        {
            Quantile::Value { ns, .. } if is_valid(Figures::Times) => Some(ns as f64),
            _ => None,
        };
        match self {
            Self::CallsPerS => is_valid(Figures::Times).then_some(stage.calls_per_s),
            Self::GoodShare => stage.accounts.success().share().filter(|_| is_valid(Figures::Counts)),
            Self::PeakRssBytes => {
                stage.peak_rss_bytes.filter(|_| is_valid(Figures::Resources)).map(|bytes| bytes as f64)
            }
            Self::MedianNs => quantile(|summary| summary.median),
            Self::P95Ns => quantile(|summary| summary.p95),
        }
    }
}

impl Spread {
    /// `None` where no run knows it.
    fn of(
        (scenario, stage, tool): (String, String, Option<String>),
        figure: Figure,
        values: Vec<Option<f64>>,
    ) -> Option<Self> {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let middle = median(&known)?;
        let mean = mean(&known);
        let varies = known.len() > 1 && mean > 0.0;
        Some(Self {
            scenario,
            stage,
            tool,
            figure,
            values,
            median: Some(middle),
            least: known.iter().copied().reduce(f64::min),
            most: known.iter().copied().reduce(f64::max),
            coefficient_of_variation: varies.then(|| standard_deviation(&known) / mean),
            interval: interval(&known),
        })
    }
}

/// Student's t over the logarithms, as times are compared everywhere else; runs are independent of each other.
fn interval(values: &[f64]) -> Option<[f64; 2]> {
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).filter(|log| log.is_finite()).collect();
    if logs.len() < RUNS_FOR_INTERVAL || logs.len() < values.len() {
        return None;
    }
    let runs = logs.len() as f64;
    let half = t_quantile(0.975, runs - 1.0) * standard_deviation(&logs) / runs.sqrt();
    let middle = mean(&logs);
    Some([(middle - half).exp(), (middle + half).exp()])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::{Definition, ScenarioResult, fixture};

    fn run(calls_per_s: f64, complete: bool) -> (String, RunFile) {
        let accounts = json!({ "scheduled": 10, "sent": 10, "ended": { "ok": 9, "tool_error": 1 } });
        let stage = fixture::stage(&json!({ "calls_per_s": calls_per_s, "accounts": accounts }));
        let definition = Definition { name: "s".to_owned(), ..Definition::default() };
        let scenario = ScenarioResult { stages: vec![stage], ..fixture::scenario(definition) };
        ("1".to_owned(), RunFile { complete, ..fixture::run(&[scenario]) })
    }

    fn calls_per_s(runs: &[(String, RunFile)]) -> Spread {
        let repeats = Repeats::of(runs);
        repeats.figures.into_iter().find(|one| one.figure == Figure::CallsPerS).unwrap()
    }

    #[test]
    fn the_spread_is_that_of_completed_runs() {
        let runs = [run(100.0, true), run(110.0, true), run(121.0, true), run(7.0, false)];
        let found = calls_per_s(&runs);
        assert_eq!((found.median, found.least, found.most), (Some(110.0), Some(100.0), Some(121.0)));
        assert_eq!(found.values.len(), 3, "one that was interrupted is in no figure");
        // Logarithms a step of ln 1.1 apart: t(0.975, 2) = 4.302653, s = ln 1.1.
        let half = 4.302_653 * 1.1_f64.ln() / 3.0_f64.sqrt();
        let [low, high] = found.interval.unwrap();
        assert!((low - 110.0 * (-half).exp()).abs() < 1e-3 && (high - 110.0 * half.exp()).abs() < 1e-3);
        assert!((found.coefficient_of_variation.unwrap() - 0.0953).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn two_runs_have_no_interval_and_one_has_no_spread() {
        let two = calls_per_s(&[run(100.0, true), run(110.0, true)]);
        assert!(two.interval.is_none() && two.coefficient_of_variation.is_some());
        let one = calls_per_s(&[run(100.0, true)]);
        assert!(one.coefficient_of_variation.is_none() && one.median == Some(100.0));
        assert!(Repeats::of(&[run(100.0, false)]).figures.is_empty());
    }

    #[test]
    fn what_a_run_does_not_know_is_none_of_its_figures() {
        let mut disturbed = run(500.0, true);
        let stage = &mut disturbed.1.scenarios[0].stages[0];
        stage.validity.disturbed.push(crate::measure::validity::Reason::LoopLag(11_000_000));
        let runs = [run(100.0, true), disturbed];
        assert_eq!(calls_per_s(&runs).values, [Some(100.0), None]);
        let good =
            Repeats::of(&runs).figures.into_iter().find(|one| one.figure == Figure::GoodShare).unwrap();
        assert_eq!(good.values, [Some(0.9), Some(0.9)], "counts stand");
    }
}
