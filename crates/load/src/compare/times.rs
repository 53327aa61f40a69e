//! Times of two records: a value a round on each side, changes of single entries and of all together.

use std::collections::BTreeSet;

use super::gate::{Level, MIN_ROUNDS, judge};
use super::limit::LimitTable;
use super::outcome::{Figure, Row, SUITE};
use super::{Change, ChangeVerdict, Why};
use crate::measure::stats::mean;
use crate::record::{Entry, P95_CALLS, Round};

/// One figure of one entry.
pub(super) struct Times<'a> {
    entry: &'a str,
    figure: Figure,
    baseline: Side,
    candidate: Side,
    change: Change,
}

/// The rounds of one side, as logarithms.
struct Side {
    /// The geometric mean, nanoseconds.
    level_ns: f64,
    /// What is compared, by round: minus the reference's if every round of both sides has one.
    values: Vec<(u32, f64)>,
    /// Some value is only known not to be smaller.
    is_least: bool,
}

impl<'a> Times<'a> {
    /// `None` if neither side has the figure; else the times, or the row that says why there are none.
    pub(super) fn of(
        entry: &'a str,
        figure: Figure,
        [before, after]: [&Entry; 2],
        same_machine: bool,
    ) -> Option<Result<Self, Row>> {
        let [a, b] = [before, after].map(|entry| Logs::of(figure, entry));
        let unknown = |verdict| Some(Err(Row::bare(entry, figure, verdict)));
        match (a.all.is_empty(), b.all.is_empty()) {
            (true, true) if figure == Figure::P95 && calls(before) > 0 && calls(after) > 0 => {
                return unknown(ChangeVerdict::NotMeasured(no_p95(calls(before).min(calls(after)))));
            }
            (true, true) if figure != Figure::Wall => return None,
            (no_baseline, no_candidate) if no_baseline != no_candidate => {
                let side = if no_baseline { "baseline" } else { "candidate" };
                return unknown(ChangeVerdict::Inconclusive(Why::Missing(format!(
                    "no {figure} in the {side}"
                ))));
            }
            _ => {}
        }
        let relative = a.relative.is_some() && b.relative.is_some();
        if let Some(why) = why_unjudged([&a, &b], same_machine || relative) {
            let rounds = a.all.len().min(b.all.len());
            let levels = [a, b].map(|logs| mean(&logs.all).exp());
            return Some(Err(Row::unjudged(entry, figure, levels, rounds, why)));
        }
        let [baseline, candidate] = [a, b].map(|logs| logs.side(relative));
        let change = Change::welch(&baseline.logs(), &candidate.logs())?;
        Some(Ok(Self { entry, figure, baseline, candidate, change }))
    }

    fn row(&self, verdict: ChangeVerdict) -> Row {
        let (a, b) = (self.baseline.level_ns, self.candidate.level_ns);
        let verdict = match verdict {
            // Where both lie at the deadline they look alike.
            _ if self.baseline.is_least => timed_out("baseline"),
            ChangeVerdict::Unchanged | ChangeVerdict::Improved if self.candidate.is_least => {
                timed_out("candidate")
            }
            verdict => verdict,
        };
        Row::of_time(self.entry, self.figure, [a, b], &self.change, Level::RECORDS, verdict)
    }
}

/// What keeps two sides that both have times from being judged.
fn why_unjudged(sides: [&Logs; 2], is_same_scale: bool) -> Option<Why> {
    let too_few = |logs: &Logs| logs.raw.len() < MIN_ROUNDS;
    // Rounds of a disturbed machine are never mixed with others.
    let disturbed = |logs: &Logs| too_few(logs) && logs.all.len() > logs.raw.len();
    match sides.map(disturbed) {
        [true, true] => return Some(Why::Disturbed("machine".to_owned())),
        [true, false] => return Some(Why::Disturbed("baseline".to_owned())),
        [false, true] => return Some(Why::Disturbed("candidate".to_owned())),
        [false, false] => {}
    }
    if !is_same_scale {
        return Some(Why::Missing("different machine and no reference server".to_owned()));
    }
    let have = sides.map(|logs| logs.raw.len()).into_iter().min()?;
    (have < MIN_ROUNDS).then_some(Why::TooFewRounds { have, need: MIN_ROUNDS })
}

fn timed_out(side: &str) -> ChangeVerdict {
    let why = format!("calls timed out in the {side}, so that its value is at least this");
    ChangeVerdict::Inconclusive(Why::Missing(why))
}

/// Why neither side has a p95, with so many calls in the shortest round.
fn no_p95(calls: u64) -> String {
    match calls {
        0..P95_CALLS => format!("too few calls ({calls} of {P95_CALLS} in a round)"),
        // Records made before there were any p95.
        _ => "these records hold no p95".to_owned(),
    }
}

/// Calls in the shortest round.
fn calls(entry: &Entry) -> u64 {
    entry.rounds.iter().map(|round| round.outcomes.values().sum()).min().unwrap_or(0)
}

struct Logs {
    /// Of all rounds, also of those whose times are upper bounds.
    all: Vec<f64>,
    /// Of the rounds that are judged.
    raw: Vec<(u32, f64)>,
    /// Minus the reference's, if every round has it.
    relative: Option<Vec<(u32, f64)>>,
    is_least: bool,
}

impl Logs {
    fn of(figure: Figure, entry: &Entry) -> Self {
        let of_round = |round: &Round| match figure {
            Figure::Wall => Some((round.wall_log?, round.reference.map(|r| r.wall_log))),
            Figure::Cpu => Some((round.cpu_log?, round.reference.and_then(|r| r.cpu_log))),
            Figure::P95 => {
                let reference = round.reference.and_then(|r| r.p95_ns);
                Some(((round.p95_ns? as f64).ln(), reference.map(|ns| (ns as f64).ln())))
            }
            Figure::Success | Figure::Memory | Figure::Replies => None,
        };
        let numbered = |round: &Round| of_round(round).map(|values| (round.round, values));
        let judged = entry.rounds.iter().filter(|round| !round.is_disturbed);
        let found: Vec<_> = judged.filter_map(numbered).collect();
        Self {
            all: entry.rounds.iter().filter_map(of_round).map(|(log, _)| log).collect(),
            raw: found.iter().map(|&(round, (log, _))| (round, log)).collect(),
            relative: found.iter().map(|&(round, (log, of))| Some((round, log - of?))).collect(),
            is_least: figure == Figure::P95 && entry.rounds.iter().any(|round| round.p95_is_least),
        }
    }

    fn side(self, relative: bool) -> Side {
        let level_ns = mean(&self.raw.iter().map(|(_, log)| *log).collect::<Vec<_>>()).exp();
        let values = self.relative.filter(|_| relative).unwrap_or(self.raw);
        Side { level_ns, values, is_least: self.is_least }
    }
}

impl Side {
    fn logs(&self) -> Vec<f64> {
        self.values.iter().map(|(_, log)| *log).collect()
    }
}

/// The rows of all times, judged together, and those of all entries together.
pub(super) fn rows(times: &[Times<'_>], limits: &LimitTable) -> Vec<Row> {
    let open: Vec<_> =
        times.iter().map(|t| (t.change, limits.time(t.entry, t.figure, t.baseline.level_ns))).collect();
    let verdicts = judge(&open, Level::RECORDS);
    let mut rows: Vec<Row> = times.iter().zip(verdicts).map(|(times, verdict)| times.row(verdict)).collect();
    rows.extend([Figure::Wall, Figure::Cpu].into_iter().filter_map(|figure| suite(figure, times, limits)));
    rows
}

/// All entries together: a value a round, the mean over the entries, so that what a round's entries share is counted
/// once. An entry with a limit of its own is meant to change and is left out.
fn suite(figure: Figure, times: &[Times<'_>], limits: &LimitTable) -> Option<Row> {
    let entries: Vec<&Times<'_>> =
        times.iter().filter(|t| t.figure == figure && !limits.has_own(t.entry)).collect();
    if entries.len() < 2 {
        return None;
    }
    let baselines: Vec<&Side> = entries.iter().map(|times| &times.baseline).collect();
    let candidates: Vec<&Side> = entries.iter().map(|times| &times.candidate).collect();
    let (before, after) = (means_by_round(&baselines), means_by_round(&candidates));
    let have = before.len().min(after.len());
    if have < MIN_ROUNDS {
        let why = Why::TooFewRounds { have, need: MIN_ROUNDS };
        return Some(Row::bare(SUITE, figure, ChangeVerdict::Inconclusive(why)));
    }
    let change = Change::welch(&before, &after)?;
    let (a, b) = (level_ns(&baselines), level_ns(&candidates));
    let level = Level::RECORDS.alone();
    let verdict = judge(&[(change, limits.suite(figure, a))], level).remove(0);
    Some(Row::of_time(SUITE, figure, [a, b], &change, level, verdict))
}

fn level_ns(sides: &[&Side]) -> f64 {
    mean(&sides.iter().map(|side| side.level_ns.ln()).collect::<Vec<_>>()).exp()
}

/// Of the rounds that every entry has.
fn means_by_round(sides: &[&Side]) -> Vec<f64> {
    let numbers = |side: &&Side| side.values.iter().map(|(round, _)| *round).collect::<BTreeSet<u32>>();
    let common = sides.iter().map(numbers).reduce(|a, b| &a & &b).unwrap_or_default();
    let of_round = |round: u32| {
        let values = sides.iter().flat_map(|side| &side.values).filter(|(number, _)| *number == round);
        mean(&values.map(|(_, log)| *log).collect::<Vec<_>>())
    };
    common.into_iter().map(of_round).collect()
}
