//! What a comparison ends in: rows for reports.

use std::fmt;

use serde::Serialize;

use super::gate::Level;
use super::units::duration;
use super::{Change, ChangeVerdict, Severity};

/// The entry of the rows about all entries together; their level is the geometric mean.
pub(crate) const SUITE: &str = "all entries";

/// All verdicts of one comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// What the reader must know before the rows.
    pub notes: Vec<String>,
    /// One row for each figure of each entry.
    pub rows: Vec<Row>,
}

/// What kind of figure a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Wall time of a call, nanoseconds.
    Wall,
    /// CPU time of the server for a call, nanoseconds.
    Cpu,
    /// The quantile 0.95 of the wall time, nanoseconds.
    P95,
    /// The share of calls that ended well.
    Success,
    /// Memory growth, MB/min.
    Memory,
}

/// One figure of one entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    /// The benchmark or tool.
    pub entry: String,
    /// Which figure.
    pub figure: Figure,
    /// In the figure's unit.
    pub baseline: Option<f64>,
    /// In the figure's unit.
    pub candidate: Option<f64>,
    /// Candidate ÷ baseline with its bounds, for times.
    pub ratio: Option<Ratio>,
    /// What it means.
    pub verdict: ChangeVerdict,
}

/// A ratio with its bounds and the rounds it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// The lower bound.
    pub lower: f64,
    /// The estimate.
    pub estimate: f64,
    /// The upper bound.
    pub upper: f64,
    /// Rounds.
    pub rounds: usize,
}

impl Row {
    /// A row of two plain figures.
    #[must_use]
    pub(crate) fn of(
        entry: &str,
        figure: Figure,
        baseline: f64,
        candidate: f64,
        verdict: ChangeVerdict,
    ) -> Self {
        let (baseline, candidate) = (Some(baseline), Some(candidate));
        Self { entry: entry.to_owned(), figure, baseline, candidate, ratio: None, verdict }
    }

    /// A row of baseline's and candidate's times; the ratio is that of `change`, which may be relative to a reference.
    #[must_use]
    pub(crate) fn of_time(
        entry: &str,
        figure: Figure,
        [baseline_ns, candidate_ns]: [f64; 2],
        change: &Change,
        level: Level,
        verdict: ChangeVerdict,
    ) -> Self {
        let (lower, upper) = change.bounds(level.bound);
        let ratio =
            Ratio { lower: lower.exp(), estimate: change.ratio(), upper: upper.exp(), rounds: change.rounds };
        Self { ratio: Some(ratio), ..Self::of(entry, figure, baseline_ns, candidate_ns, verdict) }
    }

    /// A row without figures.
    #[must_use]
    pub(crate) fn bare(entry: &str, figure: Figure, verdict: ChangeVerdict) -> Self {
        Self { entry: entry.to_owned(), figure, baseline: None, candidate: None, ratio: None, verdict }
    }
}

impl Comparison {
    /// One verdict for each entry, in the order of the rows: that of its worst figure.
    #[must_use]
    pub(crate) fn entries(&self) -> Vec<(&str, &ChangeVerdict)> {
        let mut entries: Vec<(&str, &ChangeVerdict)> = Vec::new();
        for row in &self.rows {
            match entries.iter_mut().find(|(entry, _)| *entry == row.entry) {
                Some((_, worst)) if rank(worst) < rank(&row.verdict) => *worst = &row.verdict,
                Some(_) => {}
                None => entries.push((&row.entry, &row.verdict)),
            }
        }
        entries
    }

    /// How many rows there are of each verdict.
    #[must_use]
    pub(crate) fn counts(&self) -> Counts {
        Counts::of(self.rows.iter().map(|row| &row.verdict))
    }
}

/// From the best to the worst.
fn rank(verdict: &ChangeVerdict) -> u8 {
    match verdict {
        ChangeVerdict::NotMeasured(_) => 0,
        ChangeVerdict::Unchanged => 1,
        ChangeVerdict::Improved => 2,
        ChangeVerdict::Inconclusive(_) => 3,
        ChangeVerdict::Regressed(Severity::Warn) => 4,
        ChangeVerdict::Regressed(Severity::Fail) => 5,
    }
}

/// How many verdicts there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub not_measured: usize,
    pub unchanged: usize,
    pub improved: usize,
    pub unknown: usize,
    pub warned: usize,
    pub failed: usize,
}

impl Counts {
    /// Counts verdicts.
    pub(crate) fn of<'a>(verdicts: impl Iterator<Item = &'a ChangeVerdict>) -> Self {
        let mut counts = [0; 6];
        verdicts.for_each(|verdict| counts[usize::from(rank(verdict))] += 1);
        let [not_measured, unchanged, improved, unknown, warned, failed] = counts;
        Self { not_measured, unchanged, improved, unknown, warned, failed }
    }
}

impl Figure {
    /// A value in this figure's unit, as reports print it.
    #[must_use]
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Wall | Self::Cpu | Self::P95 => duration(value),
            Self::Success => format!("{:.2} %", value * 100.0),
            Self::Memory => format!("{value:.2} MB/min"),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wall => "wall",
            Self::Cpu => "cpu",
            Self::P95 => "p95",
            Self::Success => "success",
            Self::Memory => "memory",
        })
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        let (lower, upper) = (percent(self.lower), percent(self.upper));
        write!(f, "{:+.1} % ({lower:+.1} … {upper:+.1}), {} rounds", percent(self.estimate), self.rounds)
    }
}
