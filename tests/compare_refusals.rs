//! Every field that makes two records say nothing about each other, through the program: a committed record beside
//! a copy of it in which one thing is different.

use std::path::Path;
use std::process::{Command, Output};

use music21_mcp_bench::record::{Kind, Record, Store};

/// What is said, and what is different.
type Change = (&'static str, fn(&mut Record));

/// A committed record of calls.
fn committed() -> Record {
    let store = Store::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("baselines"));
    let records = store.list().into_iter().map(|found| found.record.unwrap());
    records.into_iter().find(|record| record.kind == Kind::Calls).expect("baselines/ holds one")
}

fn compare(baseline: &Record, candidate: &Record) -> Output {
    let directory = tempfile::tempdir().unwrap();
    baseline.save(&directory.path().join("a.json")).unwrap();
    candidate.save(&directory.path().join("b.json")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"))
        .args(["compare", "./a.json", "./b.json"])
        .current_dir(directory.path())
        .output()
        .unwrap()
}

#[test]
fn a_committed_record_beside_itself_has_not_changed() {
    let record = committed();
    let output = compare(&record, &record);
    let text = String::from_utf8_lossy(&output.stdout);
    // Its own noise may be too large to exclude a change; a regression it is never.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{text}");
    assert!(text.contains("+0.0 %") && text.contains("0 regressed, 0 regressed (warning)"), "{text}");
}

#[test]
fn every_refused_difference_is_named_and_exits_with_3() {
    let record = committed();
    let changes: [Change; 13] = [
        ("kind is 'calls' in the baseline and 'load' in the candidate", |r| r.kind = Kind::Load),
        ("workload.id", |r| r.workload.id.push('x')),
        ("workload.version", |r| r.workload.version += 1),
        ("workload.sha256", |r| r.workload.sha256 = "0".repeat(64)),
        ("load.model", |r| r.load.model = "open".to_owned()),
        ("load.rate_per_s", |r| r.load.rate_per_s = Some(10.0)),
        ("load.sessions", |r| r.load.sessions += 1),
        ("load.deadline_ms", |r| r.load.deadline_ms = None),
        ("protocol.transport", |r| r.protocol.transport = "http".to_owned()),
        ("protocol.mcp_version", |r| r.protocol.mcp_version = None),
        ("tool.profile", |r| r.tool.profile.push('x')),
        ("reference.sha256", |r| r.reference = None),
        ("the candidate is marked invalid: noise", |r| r.invalid = Some("noise".to_owned())),
    ];
    for (reason, change) in changes {
        let mut other = record.clone();
        change(&mut other);
        let output = compare(&record, &other);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{reason}: {error}");
        assert!(error.starts_with(&format!("not comparable: {reason}")), "{reason}: {error}");
        assert!(output.stdout.is_empty(), "{reason}: no verdict");
    }
    let mut dirty = record.clone();
    dirty.tool.dirty = Some(true);
    let error = compare(&dirty, &record);
    assert_eq!(error.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&error.stderr).contains("working tree with changes"));
}

#[test]
fn another_machine_is_compared_by_its_ratios_to_the_reference() {
    let record = committed();
    let mut other = record.clone();
    other.machine.fingerprint = "0".repeat(64);
    let with = compare(&record, &other);
    let text = String::from_utf8_lossy(&with.stdout);
    assert!(text.contains("note: different machine: only ratios to the reference server"), "{text}");
    assert!(text.contains("+0.0 %"), "{text}");

    let mut without = record.clone();
    without.reference = None;
    let rounds = without.entries.values_mut().flat_map(|entry| &mut entry.rounds);
    rounds.for_each(|round| round.reference = None);
    let mut elsewhere = without.clone();
    elsewhere.machine.fingerprint = "0".repeat(64);
    let output = compare(&without, &elsewhere);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("cannot tell: different machine and no reference server"), "{text}");
}
