//! What a comparison ends in: rows for reports.

use std::fmt;

use serde::Serialize;

use super::gate::Level;
use super::profile::ProfileChange;
use super::units::duration;
use super::{Change, ChangeVerdict, Severity, Why};

/// The entry of the rows about all entries together; their level is the geometric mean.
pub(crate) const SUITE: &str = "all entries";

/// All verdicts of one comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// What the reader must know before the rows.
    pub notes: Vec<String>,
    /// One row for each figure of each entry.
    pub rows: Vec<Row>,
    /// Where the time went, if that was asked.
    pub profile: Option<ProfileChange>,
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
    /// Replies to no call, and second replies to one.
    Replies,
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

/// A ratio with its bounds, where there are rounds enough for any, and the rounds it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// The lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// The estimate.
    pub estimate: f64,
    /// The upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// Rounds.
    pub rounds: usize,
}

impl Row {
    /// A row of two plain figures.
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
    pub(crate) fn of_time(
        entry: &str,
        figure: Figure,
        [baseline_ns, candidate_ns]: [f64; 2],
        change: &Change,
        level: Level,
        verdict: ChangeVerdict,
    ) -> Self {
        let (lower, upper) = change.bounds(level.bound);
        let (lower, upper) = (Some(lower.exp()), Some(upper.exp()));
        let ratio = Ratio { lower, estimate: change.ratio(), upper, rounds: change.rounds };
        Self { ratio: Some(ratio), ..Self::of(entry, figure, baseline_ns, candidate_ns, verdict) }
    }

    /// A row of times that are shown and not judged, in so many rounds.
    pub(crate) fn unjudged(entry: &str, figure: Figure, [a, b]: [f64; 2], rounds: usize, why: Why) -> Self {
        let ratio = Ratio { lower: None, estimate: b / a, upper: None, rounds };
        Self { ratio: Some(ratio), ..Self::of(entry, figure, a, b, ChangeVerdict::Inconclusive(why)) }
    }

    /// A row without figures.
    pub(crate) fn bare(entry: &str, figure: Figure, verdict: ChangeVerdict) -> Self {
        Self { entry: entry.to_owned(), figure, baseline: None, candidate: None, ratio: None, verdict }
    }
}

impl Comparison {
    /// One verdict for each entry, in the order of the rows: that of its worst figure.
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
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Wall | Self::Cpu | Self::P95 => duration(value),
            Self::Success => format!("{:.2} %", value * 100.0),
            Self::Memory => format!("{value:.2} MB/min"),
            Self::Replies => format!("{value:.0} stray"),
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
            Self::Replies => "replies",
        })
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", percent(self.estimate))?;
        if let (Some(lower), Some(upper)) = (self.lower, self.upper) {
            write!(f, " ({} … {})", percent(lower), percent(upper))?;
        }
        write!(f, ", {} round{}", self.rounds, if self.rounds == 1 { "" } else { "s" })
    }
}

/// By how much a ratio differs from 1, in percent; beyond ten times as much the figure itself says nothing more.
fn percent(ratio: f64) -> String {
    const MOST: f64 = 1000.0;
    let percent = (ratio - 1.0) * 100.0;
    if percent > MOST { format!("> +{MOST:.0}") } else { format!("{percent:+.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_shows_what_there_is_of_it_and_no_percentages_beyond_reason() {
        let ratio = Ratio { lower: Some(0.98), estimate: 1.02, upper: Some(1.06), rounds: 10 };
        assert_eq!(ratio.to_string(), "+2.0 % (-2.0 … +6.0), 10 rounds");
        assert_eq!(Ratio { lower: None, upper: None, rounds: 1, ..ratio }.to_string(), "+2.0 %, 1 round");
        let wild = Ratio { estimate: 900.0, upper: Some(f64::INFINITY), ..ratio };
        assert_eq!(wild.to_string(), "> +1000 % (-2.0 … > +1000), 10 rounds");
    }
}
