//! Two records that were taken apart: may they be compared, and what changed.

use std::collections::BTreeSet;
use std::fmt::Debug;

use thiserror::Error;

use super::gate::{Level, MIN_ROUNDS, judge};
use super::limit::LimitTable;
use super::outcome::{Comparison, Figure, Row};
use super::{Change, Limits, Verdict, Why, memory, success};
use crate::measure::stats::mean;
use crate::record::{Entry, Kind, Record, Round};

/// Why two records say nothing about each other.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum NotComparable {
    #[error("{field} is {baseline} in the baseline and {candidate} in the candidate")]
    Differs { field: &'static str, baseline: String, candidate: String },
    #[error("the {side} is marked invalid: {reason}")]
    Invalid { side: &'static str, reason: String },
    #[error("the baseline was made from a working tree with changes, so that nobody can rebuild it")]
    Dirty,
    #[error("they have no entry in common")]
    NothingInCommon,
}

/// Compares two records.
///
/// # Errors
///
/// The first field that makes them say nothing about each other.
pub fn compare(
    baseline: &Record,
    candidate: &Record,
    limits: &LimitTable,
) -> Result<Comparison, NotComparable> {
    refuse(baseline, candidate)?;
    let same_machine = baseline.machine.fingerprint == candidate.machine.fingerprint;
    let mut rows = Vec::new();
    let mut times = Vec::new();
    let names: BTreeSet<&String> = baseline.entries.keys().chain(candidate.entries.keys()).collect();
    for name in names {
        let (before, after) = match (baseline.entries.get(name), candidate.entries.get(name)) {
            (Some(before), Some(after)) => (before, after),
            (before, _) => {
                let side = if before.is_some() { "candidate" } else { "baseline" };
                let why = Why::Missing(format!("not in the {side}"));
                rows.push(Row::unknown(name, Figure::Wall, why));
                continue;
            }
        };
        if throughput(before) != throughput(after) {
            let why = Why::Missing("its throughput differs: it is fed with something else".to_owned());
            rows.push(Row::unknown(name, Figure::Wall, why));
            continue;
        }
        for figure in [Figure::Wall, Figure::Cpu, Figure::P95] {
            match Times::of(figure, before, after, same_machine) {
                Some(Ok(found)) => times.push((name, figure, found)),
                Some(Err(why)) => rows.push(Row::unknown(name, figure, why)),
                None => {}
            }
        }
        rows.extend(others(name, before, after, limits));
    }
    rows.extend(judge_times(&times, limits));
    rows.sort_by(|a, b| (&a.entry, a.figure).cmp(&(&b.entry, b.figure)));
    Ok(Comparison { notes: notes(baseline, candidate, same_machine), rows })
}

/// What Criterion was told that one iteration processes.
fn throughput(entry: &Entry) -> Option<&serde_json::Value> {
    entry.criterion.as_ref().and_then(|samples| samples.benchmark.get("throughput"))
}

fn refuse(baseline: &Record, candidate: &Record) -> Result<(), NotComparable> {
    fn same<T: PartialEq + Debug>(field: &'static str, a: &T, b: &T) -> Result<(), NotComparable> {
        let text = |value: &T| format!("{value:?}");
        if a == b {
            return Ok(());
        }
        Err(NotComparable::Differs { field, baseline: text(a), candidate: text(b) })
    }
    for (side, record) in [("baseline", baseline), ("candidate", candidate)] {
        if let Some(reason) = record.invalid.clone() {
            return Err(NotComparable::Invalid { side, reason });
        }
    }
    if baseline.tool.dirty == Some(true) {
        return Err(NotComparable::Dirty);
    }
    let (a, b) = (baseline, candidate);
    same("kind", &a.kind, &b.kind)?;
    same("workload.id", &a.workload.id, &b.workload.id)?;
    same("workload.version", &a.workload.version, &b.workload.version)?;
    same("workload.sha256", &a.workload.sha256, &b.workload.sha256)?;
    same("load.model", &a.load.model, &b.load.model)?;
    same("load.rate_per_s", &a.load.rate_per_s, &b.load.rate_per_s)?;
    same("load.sessions", &a.load.sessions, &b.load.sessions)?;
    same("load.deadline_ms", &a.load.deadline_ms, &b.load.deadline_ms)?;
    same("protocol.transport", &a.protocol.transport, &b.protocol.transport)?;
    same("protocol.mcp_version", &a.protocol.mcp_version, &b.protocol.mcp_version)?;
    same("tool.profile", &a.tool.profile, &b.tool.profile)?;
    let reference = |record: &Record| record.reference.as_ref().map(|reference| reference.sha256.clone());
    same("reference.sha256", &reference(a), &reference(b))?;
    if !a.entries.keys().any(|name| b.entries.contains_key(name)) {
        return Err(NotComparable::NothingInCommon);
    }
    Ok(())
}

fn notes(baseline: &Record, candidate: &Record, same_machine: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if baseline.server.target != candidate.server.target {
        let (a, b) = (&baseline.server.target, &candidate.server.target);
        notes.push(format!("different targets: {a} and {b}"));
    }
    if !same_machine {
        notes.push("different machine: only ratios to the reference server are compared".to_owned());
    } else if baseline.reference.is_none() {
        notes.push(
            "taken apart without a reference server: a change of the whole machine counts as a change; \
             confirm a regression with 'ab'"
                .to_owned(),
        );
    }
    notes
}

/// One figure of one entry, a value a round on each side.
struct Times {
    baseline_ns: f64,
    candidate_ns: f64,
    change: Change,
}

impl Times {
    /// `None` if neither side has the figure.
    fn of(figure: Figure, before: &Entry, after: &Entry, same_machine: bool) -> Option<Result<Self, Why>> {
        let (a, b) = (Logs::of(figure, before), Logs::of(figure, after));
        if a.raw.is_empty() && b.raw.is_empty() {
            return None;
        }
        let relative = a.relative.is_some() && b.relative.is_some();
        let have = a.raw.len().min(b.raw.len());
        if have < MIN_ROUNDS {
            return Some(Err(Why::TooFewRounds { have, need: MIN_ROUNDS }));
        }
        if !same_machine && !relative {
            return Some(Err(Why::Missing("different machine and no reference server".to_owned())));
        }
        let values = |logs: &Logs| logs.relative.clone().filter(|_| relative).unwrap_or(logs.raw.clone());
        let change = Change::welch(&values(&a), &values(&b))?;
        Some(Ok(Self { baseline_ns: mean(&a.raw).exp(), candidate_ns: mean(&b.raw).exp(), change }))
    }
}

struct Logs {
    raw: Vec<f64>,
    /// Minus the reference's, if every round has it.
    relative: Option<Vec<f64>>,
}

impl Logs {
    fn of(figure: Figure, entry: &Entry) -> Self {
        let of_round = |round: &Round| match figure {
            Figure::Wall => Some((round.wall_log, round.reference.map(|r| r.wall_log))),
            Figure::Cpu => Some((round.cpu_log?, round.reference.and_then(|r| r.cpu_log))),
            Figure::P95 => Some(((round.p95_ns? as f64).ln(), None)),
            Figure::Success | Figure::Memory => None,
        };
        let pairs: Vec<_> = entry.rounds.iter().filter_map(of_round).collect();
        Self {
            raw: pairs.iter().map(|(log, _)| *log).collect(),
            relative: pairs.iter().map(|(log, reference)| Some(log - (*reference)?)).collect(),
        }
    }
}

fn judge_times(times: &[(&String, Figure, Times)], limits: &LimitTable) -> Vec<Row> {
    let limit = |name: &str, times: &Times| -> Limits { limits.time(name, times.baseline_ns) };
    let open: Vec<_> = times.iter().map(|(name, _, t)| (t.change, limit(name, t))).collect();
    let row = |((name, figure, times), verdict): (&(&String, Figure, Times), Verdict)| {
        Row::of_time(
            name,
            *figure,
            times.baseline_ns,
            times.candidate_ns,
            &times.change,
            Level::RECORDS,
            verdict,
        )
    };
    times.iter().zip(judge(&open, Level::RECORDS)).map(row).collect()
}

fn others(name: &str, before: &Entry, after: &Entry, limits: &LimitTable) -> Vec<Row> {
    let mut rows = Vec::new();
    let (a, b) = (before.success(), after.success());
    if let (Some(x), Some(y)) = (a.share(), b.share()) {
        rows.push(Row::of(name, Figure::Success, x, y, success::judge(a, b, limits.success(name))));
    }
    if let (Some(a), Some(b)) = (before.memory, after.memory) {
        rows.push(Row::of(name, Figure::Memory, a.estimate, b.estimate, memory::judge(a, b)));
    }
    rows
}

/// Whether two records say anything about each other.
#[must_use]
pub fn comparable(baseline: &Record, candidate: &Record) -> bool {
    refuse(baseline, candidate).is_ok()
}

/// The newest of `records` that `candidate` may be compared with, of the same target if there is one.
#[must_use]
pub fn newest_comparable<'a>(records: &'a [Record], candidate: &Record) -> Option<&'a Record> {
    let same_target = |record: &&Record| record.server.target == candidate.server.target;
    records
        .iter()
        .filter(|record| comparable(record, candidate))
        .filter(same_target)
        .max_by_key(|record| &record.created_utc)
}

impl Kind {
    /// As it is called in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Criterion => "criterion",
            Self::Calls => "calls",
            Self::Load => "load",
        }
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
