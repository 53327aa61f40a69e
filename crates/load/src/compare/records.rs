//! Two records that were collected separately: may they be compared, and what changed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::gate::MIN_ROUNDS;
use super::limit::LimitTable;
use super::outcome::{Comparison, Figure, Row};
use super::times::{self, Times};
use super::{ChangeVerdict, Why, memory, success};
use crate::measure::trend;
use crate::record::{Entry, Growth, Kind, Record};

/// Why two records say nothing about each other.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NotComparable {
    #[error("{field} is {baseline} in the baseline and {candidate} in the candidate")]
    Differs { field: &'static str, baseline: String, candidate: String },
    #[error(
        "workload.sha256 differs: the servers were not asked to do the same (other entries, scores, scenarios or \
         seed); measure both with the same options"
    )]
    OtherWorkload,
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
pub(crate) fn compare(
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
                rows.push(missing(name, figures(baseline.kind), format!("not in the {side}")));
                continue;
            }
        };
        if throughput(before) != throughput(after) {
            let why = "its throughput differs: it is fed with something else".to_owned();
            rows.push(missing(name, figures(baseline.kind), why));
            continue;
        }
        for &figure in figures(baseline.kind) {
            match Times::of(name, figure, [before, after], same_machine) {
                Some(Ok(found)) => times.push(found),
                Some(Err(row)) => rows.push(row),
                None => {}
            }
        }
        rows.extend(others(name, before, after, limits));
    }
    rows.extend(times::rows(&times, limits));
    rows.sort_by(|a, b| (&a.entry, a.figure).cmp(&(&b.entry, b.figure)));
    let mut notes = notes(baseline, candidate, same_machine);
    notes.extend(what_to_do(baseline.kind, &rows));
    Ok(Comparison { notes, rows, profile: None })
}

/// The times of a kind of record that are judged. A load is judged by its p95; its median is in the record.
fn figures(kind: Kind) -> &'static [Figure] {
    match kind {
        Kind::Criterion => &[Figure::Wall],
        Kind::Calls => &[Figure::Wall, Figure::Cpu, Figure::P95],
        Kind::Load => &[Figure::P95, Figure::Cpu],
    }
}

/// An entry, by the first of its figures, that cannot be compared.
fn missing(entry: &str, figures: &[Figure], why: String) -> Row {
    Row::bare(entry, figures[0], ChangeVerdict::Inconclusive(Why::Missing(why)))
}

/// What one iteration processes, as Criterion has it.
fn throughput(entry: &Entry) -> Option<&Value> {
    entry.criterion.as_ref().and_then(|samples| samples.benchmark.get("throughput"))
}

fn refuse(baseline: &Record, candidate: &Record) -> Result<(), NotComparable> {
    fn same<T: PartialEq + Serialize>(field: &'static str, a: &T, b: &T) -> Result<(), NotComparable> {
        if a == b {
            return Ok(());
        }
        Err(NotComparable::Differs { field, baseline: shown(a), candidate: shown(b) })
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
    same("load.model", &a.load.model, &b.load.model)?;
    same("load.rate_per_s", &a.load.rate_per_s, &b.load.rate_per_s)?;
    same("load.sessions", &a.load.sessions, &b.load.sessions)?;
    same("load.deadline_ms", &a.load.deadline_ms, &b.load.deadline_ms)?;
    // After the load, which is part of it in a load's workload: the field that differs says more.
    if a.workload.sha256 != b.workload.sha256 {
        return Err(NotComparable::OtherWorkload);
    }
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

/// A field as a message quotes it.
fn shown(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => format!("'{text}'"),
        Ok(Value::Null) | Err(_) => "none".to_owned(),
        Ok(value) => value.to_string(),
    }
}

fn notes(baseline: &Record, candidate: &Record, same_machine: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if baseline.server.target != candidate.server.target {
        let (a, b) = (&baseline.server.target, &candidate.server.target);
        notes.push(format!("different targets: {a} and {b}"));
    }
    if baseline.tool.git_rev.is_none() {
        notes.push("which revision of this program took the baseline is not known".to_owned());
    }
    if !same_machine {
        notes.push("different machine: only ratios to the reference server are compared".to_owned());
    } else if baseline.reference.is_none() {
        notes.push(
            "collected separately without a reference server: a change of the whole machine counts as a change; \
             confirm a regression with 'ab'"
                .to_owned(),
        );
    }
    notes
}

/// What gets a verdict where there is none, once for all rows.
fn what_to_do(kind: Kind, rows: &[Row]) -> Vec<String> {
    let lacks = |is: fn(&Why) -> bool| {
        rows.iter().any(|row| matches!(&row.verdict, ChangeVerdict::Inconclusive(why) if is(why)))
    };
    let more = match kind {
        Kind::Criterion => "'cargo bench -- --save-baseline r1' (r2, … r5), then '--rounds r1,r2,r3,r4,r5'",
        Kind::Load => "'run … --out r1' (r2, … r5), then '--from r1 r2 r3 r4 r5'",
        Kind::Calls => "'baseline measure' with more '--rounds'",
    };
    let mut notes = Vec::new();
    if lacks(|why| matches!(why, Why::TooFewRounds { .. })) {
        notes.push(format!("a verdict on times needs {MIN_ROUNDS} rounds on either side: {more}"));
    }
    if lacks(|why| matches!(why, Why::Disturbed(_) | Why::TooNoisy { .. })) {
        let advice = "times of a busy machine are no evidence of a change: free it and measure again, or let 'ab' \
                      measure both servers in turn";
        notes.push(advice.to_owned());
    }
    notes
}

fn others(name: &str, before: &Entry, after: &Entry, limits: &LimitTable) -> Vec<Row> {
    let mut rows = Vec::new();
    let (a, b) = (before.success(), after.success());
    if let (Some(x), Some(y)) = (a.share(), b.share()) {
        rows.push(Row::of(name, Figure::Success, x, y, success::judge(a, b, limits.success(name))));
    }
    rows.extend(memory_row(name, before, after));
    rows
}

/// `None` if the server's memory is not among this entry's figures.
fn memory_row(name: &str, before: &Entry, after: &Entry) -> Option<Row> {
    let has_server = |entry: &Entry| entry.rounds.iter().any(|r| r.cpu_log.is_some() || r.growth.is_some());
    let is_load = |entry: &Entry| entry.rounds.iter().any(|round| round.response_hdr.is_some());
    let slope = |entry: &Entry| {
        let growths = entry.rounds.iter().filter_map(|round| round.growth);
        memory::mean_slope(&growths.map(|growth: Growth| growth.mb_per_min).collect::<Vec<_>>())
    };
    let unknown = |verdict| Some(Row::bare(name, Figure::Memory, verdict));
    match (slope(before), slope(after)) {
        (Some(a), Some(b)) => {
            Some(Row::of(name, Figure::Memory, a.estimate, b.estimate, memory::judge(a, b)))
        }
        (None, None) if is_load(before) && has_server(before) => {
            unknown(ChangeVerdict::NotMeasured(format!("a slope needs {}", trend::needs())))
        }
        (None, None) => None,
        (a, _) => {
            let side = if a.is_some() { "candidate" } else { "baseline" };
            unknown(ChangeVerdict::Inconclusive(Why::Missing(format!("no slope in the {side}"))))
        }
    }
}

/// Whether two records say anything about each other.
pub(crate) fn comparable(baseline: &Record, candidate: &Record) -> bool {
    refuse(baseline, candidate).is_ok()
}

/// The newest of `records` that `candidate` may be compared with, of the same target if there is one.
pub(crate) fn newest_comparable<'a>(records: &'a [Record], candidate: &Record) -> Option<&'a Record> {
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
