//! A record is what was measured: written, read and written again it is the same bytes, beside itself it is a ratio of
//! one, and what says nothing about it is refused.

use std::path::Path;

use anyhow::Context;
use music21_mcp_bench::client::{Outcome, Tool};

use super::{Finding, Length};
use crate::compare::LimitTable;
use crate::compare::records::compare;
use crate::record::{Entry, Kind, Record, Reference, Round, plain_record};

type Change = fn(&mut Record);

/// What makes two records say nothing about each other: the field that a refusal names, and another value of it in the
/// candidate.
pub(crate) const REFUSED: [(&str, Change); 15] = [
    ("kind", |record| record.kind = Kind::Load),
    ("workload.id", |record| record.workload.id.push('x')),
    ("workload.version", |record| record.workload.version += 1),
    ("workload.sha256", |record| record.workload.sha256 = "0".repeat(64)),
    ("load.model", |record| record.load.model = "open".to_owned()),
    ("load.rate_per_s", |record| record.load.rate_per_s = Some(10.0)),
    ("load.sessions", |record| record.load.sessions = 50),
    ("load.deadline_ms", |record| record.load.deadline_ms = None),
    ("protocol.transport", |record| record.protocol.transport = "http".to_owned()),
    ("protocol.mcp_version", |record| record.protocol.mcp_version = None),
    ("tool.profile", |record| record.tool.profile = "debug".to_owned()),
    ("reference.sha256", |record| {
        record.reference = Some(Reference { id: "r".to_owned(), sha256: String::new() });
    }),
    ("the candidate is marked invalid", |record| record.invalid = Some("suspended".to_owned())),
    ("they have no entry in common", |record| record.entries.clear()),
    ("they have no entry in common", |record| {
        record.entries = std::mem::take(&mut record.entries)
            .into_iter()
            .map(|(name, entry)| (name + "x", entry))
            .collect();
    }),
];

pub(super) async fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let record = record();
    let [first, second] = ["first.json", "second.json"].map(|name| directory.path().join(name));
    record.save(&first)?;
    let read = Record::load(&first)?;
    read.save(&second)?;
    let bytes = std::fs::read(&first)?;
    let same = bytes == std::fs::read(&second)? && read == record;
    let comparison = compare(&record, &read, &LimitTable::default())?;
    let ratios: Vec<f64> =
        comparison.rows.iter().filter_map(|row| Some(row.ratio.as_ref()?.estimate)).collect();
    let apart = ratios.iter().filter(|&&ratio| ratio != 1.0).count();
    let refused = REFUSED.iter().filter(|(field, change)| is_refused(&record, field, *change)).count();
    Ok(vec![
        Finding::new(
            "a record written, read and written again",
            "the same bytes",
            format!("{} bytes, {}", bytes.len(), if same { "the same" } else { "others" }),
            same,
        ),
        Finding::new(
            "its figures beside those that were read",
            "a ratio of 1",
            format!("{apart} of {} another", ratios.len()),
            apart == 0 && !ratios.is_empty(),
        ),
        Finding::exact(
            "another value of each field that must not differ",
            &*format!("{} refused by name", REFUSED.len()),
            &*format!("{refused} refused by name"),
        ),
        damaged(&record, &bytes, &directory.path().join("damaged.json"))?,
    ])
}

fn record() -> Record {
    let round = |round: u32| Round {
        round,
        outcomes: [(Outcome::Ok, 300)].into(),
        // Logarithms that no short decimal is.
        wall_log: Some(15.3 + f64::from(round) / 7.0),
        cpu_log: Some(14.9 - f64::from(round) / 13.0),
        p50_ns: Some(4_000_000 + u64::from(round)),
        p95_ns: Some(5_000_000 + u64::from(round)),
        ..Round::default()
    };
    let entry = || Entry { rounds: (0..10).map(round).collect(), ..Entry::default() };
    plain_record(
        Kind::Calls,
        [Tool::ImportScore, Tool::KeyAnalysis].map(|tool| (tool.to_string(), entry())).into(),
    )
}

fn is_refused(record: &Record, field: &str, change: Change) -> bool {
    let mut other = record.clone();
    change(&mut other);
    compare(record, &other, &LimitTable::default()).is_err_and(|error| error.to_string().starts_with(field))
}

/// One bit of each byte in turn. A record that still loads must say what it said: another way to write a number.
fn damaged(record: &Record, bytes: &[u8], path: &Path) -> anyhow::Result<Finding> {
    let mut believed = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1;
        std::fs::write(path, damaged)?;
        believed += u32::from(Record::load(path).is_ok_and(|read| read != *record));
    }
    Ok(Finding::exact(format!("{} files of which one bit was turned, believed", bytes.len()), 0, believed))
}
