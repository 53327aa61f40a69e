//! What paired rounds end in: a row for each figure of each entry, and rows for all entries together.

use music21_mcp_bench::client::ProtocolViolations;

use super::{Measured, Operation, Round, success};
use crate::compare::gate::{INTERIM_ANALYSES, Level, judge};
use crate::compare::outcome::SUITE;
use crate::compare::paired::{Block, suite_change};
use crate::compare::sequence::Series;
use crate::compare::{Change, ChangeVerdict, Figure, LimitTable, Row, Why, memory, success as rates};
use crate::measure::stats::mean;
use crate::measure::trend::{self, LeakReport, Slope};
use crate::record::P95_CALLS;

/// The times that are judged at each interim analysis, in the order of an operation's series.
pub(super) const FIGURES: [Figure; 3] = [Figure::Wall, Figure::Cpu, Figure::P95];

/// An operation and what its series have come to.
pub(super) type Judged<'a> = (&'a Operation, &'a [Series; FIGURES.len()]);

/// The log ratios of the rounds that have one.
pub(super) fn ratios(rounds: &[Round], figure: Figure) -> Vec<f64> {
    rounds.iter().filter_map(|round| round.ratio(figure)).collect()
}

/// The geometric mean of a side (0 is the baseline), nanoseconds a call; NaN without figures.
pub(super) fn level(rounds: &[Round], figure: Figure, side: usize) -> f64 {
    let slots = |block: &Block| if side == 0 { block.baseline_ns } else { block.candidate_ns };
    let of_round = |round: &Round| -> Vec<f64> {
        match figure {
            Figure::P95 => round.p95_ns[side].map(|ns| ns as f64).into_iter().collect(),
            Figure::Cpu => round.cpu.iter().flat_map(slots).collect(),
            _ => round.wall.iter().flat_map(slots).collect(),
        }
    };
    mean(&rounds.iter().flat_map(of_round).map(f64::ln).collect::<Vec<_>>()).exp()
}

/// The rows of one operation.
pub(super) fn of_operation(
    (operation, series): Judged<'_>,
    rounds: &[Round],
    limits: &LimitTable,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (figure, series) in FIGURES.into_iter().zip(series) {
        // OK because the last analysis closes every series.
        let verdict = series.verdict.clone().unwrap();
        match Change::paired(&series.rounds) {
            Some(change) => {
                let levels = [0, 1].map(|side| level(rounds, figure, side));
                let verdict = left_to_the_mean(figure, verdict);
                rows.push(Row::of_time(operation.name, figure, levels, &change, Level::INTERIM, verdict));
            }
            None => rows.extend(without_times(operation.name, figure, rounds, verdict)),
        }
    }
    let (a, b) = (success(rounds, 0), success(rounds, 1));
    if let (Some(before), Some(after)) = (a.share(), b.share()) {
        let verdict = rates::judge(a, b, limits.success(operation.name));
        rows.push(Row::of(operation.name, Figure::Success, before, after, verdict));
    }
    rows
}

/// A p95 rests on the slowest twentieth of the calls. Where that is too few to tell, the mean and CPU time have the verdict.
fn left_to_the_mean(figure: Figure, verdict: ChangeVerdict) -> ChangeVerdict {
    match verdict {
        ChangeVerdict::Inconclusive(why @ (Why::TooNoisy { .. } | Why::TooFewRounds { .. }))
            if figure == Figure::P95 =>
        {
            ChangeVerdict::NotMeasured(format!("{why}; the mean and CPU time decide"))
        }
        verdict => verdict,
    }
}

fn without_times(name: &str, figure: Figure, rounds: &[Round], verdict: ChangeVerdict) -> Option<Row> {
    let complaint = rounds.iter().find_map(|round| round.complaint.clone());
    let verdict = match figure {
        Figure::P95 if complaint.is_none() && !rounds.is_empty() => {
            let calls = rounds.iter().flat_map(|round| round.calls).min().unwrap_or(0);
            ChangeVerdict::NotMeasured(format!("too few calls ({calls} of {} in a round)", P95_CALLS))
        }
        // No CPU time at all is no failure: another machine's server tells none. Why there is no time, is said once.
        Figure::Cpu | Figure::P95 => return None,
        _ => match complaint {
            Some(reason) => ChangeVerdict::Inconclusive(Why::Missing(format!("calls failed: {reason}"))),
            None => verdict,
        },
    };
    Some(Row::bare(name, figure, verdict))
}

/// All entries together: times but for entries with a limit of their own, which are meant to change, and memory,
/// which is the server's and no entry's. Times are not judged where an analysis was `missed`, after so many rounds.
pub(super) fn of_all(
    judged: &[Judged<'_>],
    measured: &Measured,
    limits: &LimitTable,
    missed: Option<usize>,
) -> Vec<Row> {
    let times = [Figure::Wall, Figure::Cpu].into_iter().enumerate();
    let mut rows: Vec<Row> =
        times.filter_map(|(at, figure)| suite(at, figure, judged, measured, limits)).collect();
    for (row, need) in rows.iter_mut().zip(missed.into_iter().cycle()) {
        let have = row.ratio.map_or(0, |ratio| ratio.rounds);
        row.verdict = ChangeVerdict::Inconclusive(Why::TooFewRounds { have, need });
    }
    rows.push(growth(&measured.growth));
    rows.extend(replies(&measured.violations));
    rows
}

/// `None` where each call was answered once. More of them on the candidate's side tells nothing: sides make different
/// numbers of calls.
fn replies(violations: &[ProtocolViolations; 2]) -> Option<Row> {
    let [before, after] = violations.each_ref().map(|seen| seen.duplicates + seen.unmatched);
    let verdict = match (before, after) {
        (0, 0) => return None,
        (0, _) => ChangeVerdict::FAIL,
        (_, 0) => ChangeVerdict::Improved,
        _ => ChangeVerdict::Unchanged,
    };
    Some(Row::of(SUITE, Figure::Replies, before as f64, after as f64, verdict))
}

fn suite(
    at: usize,
    figure: Figure,
    judged: &[Judged<'_>],
    measured: &Measured,
    limits: &LimitTable,
) -> Option<Row> {
    let rounds_of = |(_, series): &Judged<'_>| series[at].rounds.len();
    let most = judged.iter().map(rounds_of).max()?.min(INTERIM_ANALYSES[0]);
    // An entry whose calls fail has few rounds, and must not leave few to the others.
    let kept: Vec<&Judged<'_>> =
        judged.iter().filter(|one| rounds_of(one) >= most.max(2) && !limits.has_own(one.0.name)).collect();
    if kept.len() < 2 {
        return None;
    }
    let ratios: Vec<&[f64]> = kept.iter().map(|(_, series)| series[at].rounds.as_slice()).collect();
    let change = suite_change(&ratios)?;
    let levels = [0, 1].map(|side| {
        let rounds =
            |operation: &Operation| measured.entries.get(operation.name).map_or(&[][..], Vec::as_slice);
        let logs = kept.iter().map(|(operation, _)| level(rounds(operation), figure, side).ln());
        mean(&logs.collect::<Vec<_>>()).exp()
    });
    let interim = Level::INTERIM.alone();
    let verdict = judge(&[(change, limits.suite(figure, levels[0]))], interim).remove(0);
    Some(Row::of_time(SUITE, figure, levels, &change, interim, verdict))
}

fn growth(rounds: &[[Option<LeakReport>; 2]]) -> Row {
    let slopes = [0, 1].map(|side| {
        let found = rounds.iter().filter_map(|round| round[side]).map(|report| report.mb_per_min);
        memory::mean_slope(&found.collect::<Vec<Slope>>())
    });
    match slopes {
        [Some(a), Some(b)] => Row::of(SUITE, Figure::Memory, a.estimate, b.estimate, memory::judge(a, b)),
        _ => {
            let needs = trend::needs();
            let why =
                format!("a round is too short: a slope needs {needs}; use 'run memory' and 'compare --from'");
            Row::bare(SUITE, Figure::Memory, ChangeVerdict::NotMeasured(why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ab::OPERATIONS;
    use crate::compare::{Limits, Severity};
    use crate::measure::trend::LeakVerdict;

    fn series(level: f64) -> [Series; 3] {
        let rounds: Vec<f64> = (0..10).map(|r| level + 0.002 * f64::from(r % 3)).collect();
        FIGURES.map(|_| Series { rounds: rounds.clone(), ..Series::new(Limits::default()) })
    }

    fn suite_of(levels: &[f64], limits: &LimitTable) -> Option<ChangeVerdict> {
        let series: Vec<_> = levels.iter().map(|level| series(*level)).collect();
        let judged: Vec<Judged<'_>> = OPERATIONS.iter().zip(&series).collect();
        suite(0, Figure::Wall, &judged, &Measured::default(), limits).map(|row| row.verdict)
    }

    #[test]
    fn all_entries_together_show_what_none_does_alone() {
        let limits = LimitTable::default();
        assert_eq!(suite_of(&[0.03; 8], &limits), Some(ChangeVerdict::Regressed(Severity::Warn)));
        assert_eq!(suite_of(&[0.0; 8], &limits), Some(ChangeVerdict::Unchanged));
        assert_eq!(suite_of(&[0.15; 8], &limits), Some(ChangeVerdict::FAIL));
        assert_eq!(suite_of(&[0.03], &limits), None, "one entry is its own row");
        let allowed = LimitTable::new(vec!["key_analysis=+80%".parse().unwrap()], std::time::Duration::ZERO);
        assert_eq!(suite_of(&[0.5, 0.0, 0.0], &allowed), Some(ChangeVerdict::Unchanged), "it may change");
    }

    #[test]
    fn stray_replies_of_the_candidate_alone_are_a_regression() {
        let sides = |counts: [u64; 2]| {
            let seen =
                counts.map(|duplicates| ProtocolViolations { duplicates, ..ProtocolViolations::default() });
            replies(&seen).map(|row| row.verdict)
        };
        assert_eq!(sides([0, 0]), None);
        assert_eq!(sides([0, 1]), Some(ChangeVerdict::FAIL));
        assert_eq!(sides([3, 0]), Some(ChangeVerdict::Improved));
        assert_eq!(sides([3, 9]), Some(ChangeVerdict::Unchanged));
    }

    #[test]
    fn memory_is_judged_where_the_rounds_are_long_enough_and_else_not_measured() {
        let report = |estimate: f64| {
            let mb_per_min = Slope { estimate, lower: estimate - 0.1, upper: estimate + 0.1 };
            Some(LeakReport {
                verdict: LeakVerdict::None,
                window_s: 300.0,
                mb_per_min,
                kb_per_call: None,
                second_half_mb_per_min: estimate,
                p: 0.5,
            })
        };
        assert_eq!(growth(&[[report(0.0), report(2.0)]; 10]).verdict, ChangeVerdict::FAIL);
        assert_eq!(growth(&[[report(0.0), report(0.1)]; 10]).verdict, ChangeVerdict::Unchanged);
        let short = growth(&[[None, None]; 10]).verdict;
        assert!(short.to_string().starts_with("not measured: a round is too short"), "{short}");
    }
}
