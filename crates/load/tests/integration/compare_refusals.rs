//! Every field that makes two records say nothing about each other, through the program: a committed record beside
//! a copy of it in which one thing is different. And what the command line asks for in vain.

use std::path::Path;
use std::process::{Command, Output};

use music21_mcp_load::record::{Kind, Record, Store};

/// What is said, and what is different.
type Change = (&'static str, fn(&mut Record));

/// A committed record of calls.
fn committed() -> Record {
    let store = Store::at(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../baselines"));
    let records = store.all().unwrap().into_iter().map(|found| found.record.unwrap());
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
    assert!(text.contains("inconclusive: different machine and no reference server"), "{text}");
}

/// The program in a directory with the records `good` and `damaged` and something that cannot be read.
fn with_records(arguments: &[&str], server: &str) -> (Option<i32>, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let records = directory.path().join("baselines");
    committed().save(&records.join("good.json")).unwrap();
    std::fs::write(records.join("damaged.json"), "{").unwrap();
    std::fs::create_dir(records.join("unreadable.json")).unwrap();
    std::fs::create_dir(directory.path().join("empty")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"))
        .args(arguments)
        .current_dir(directory.path())
        .env("MUSIC21_MCP_SERVER", server)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn of_several_records_the_worst_decides_in_whatever_order() {
    for verb in ["verify", "restore"] {
        for (names, expected) in [
            (&["good"][..], 0),
            (&["damaged", "good"], 3),
            (&["missing", "damaged"], 2),
            (&["damaged", "missing"], 2),
            (&["unreadable", "missing", "good"], 4),
            (&[], 4),
        ] {
            let (code, out, error) = with_records(&[&["baseline", verb], names].concat(), "");
            assert_eq!(code, Some(expected), "{verb} {names:?}: {out}{error}");
            assert!(names.iter().all(|name| out.contains(&format!("{name}: "))), "{verb} {names:?}: {out}");
        }
    }
    for (name, expected) in [("damaged", 3), ("missing", 2), ("unreadable", 4)] {
        for arguments in
            [&["baseline", "show", name][..], &["compare", "good", name], &["compare", name, "good"]]
        {
            let (code, _, error) = with_records(arguments, "");
            assert_eq!(code, Some(expected), "{arguments:?}: {error}");
        }
    }
}

#[test]
fn what_is_mistyped_is_a_wrong_command_line_and_told_before_anything_is_measured() {
    let https = "built without TLS";
    for (arguments, server, reason) in [
        (&["ab", "--server", "https://x"][..], "", https),
        (&["ab", "--server", "'open"], "", "unclosed quote"),
        (
            &["ab", "--server", "/no/such", "--limit", "typo=+5%"],
            "",
            "no entry begins with 'typo'; there are ",
        ),
        (&["run", "tools", "--server", "https://x"], "", https),
        // Above the highest that Linux gives.
        (&["run", "tools", "--server", "embedded", "--pid", "4194305"], "", "there is no process 4194305"),
        (&["baseline", "save", "new"], "https://x", https),
        (&["baseline", "restore"], "https://x", https),
        (&["baseline", "verify", "--dir", "typo"], "", "there is no directory 'typo'"),
        (&["baseline", "restore", "--dir", "typo"], "", "there is no directory 'typo'"),
        (&["history", "--dir", "typo"], "", "there is no directory 'typo'"),
        (&["history", "--entry", "typo"], "", "no entry begins with 'typo'; there are "),
        (&["compare", "good", "good", "--from", "x"], "", "cannot be used with"),
        (&["compare", "good", "good", "--rounds", "x"], "", "cannot be used with"),
        (&["compare", "good", "good", "--target", "x"], "", "cannot be used with"),
        (&["compare", "good", "good", "--limit", "typo=+5%"], "", "no entry begins with 'typo'; there are "),
        (&["compare", "good", "--from", "typo"], "", "there is no run 'typo'"),
        (&["report", "typo"], "", "there is no run 'typo'"),
        (&["merge", "typo", "--out", "merged"], "", "there is no run 'typo'"),
    ] {
        let (code, _, error) = with_records(arguments, server);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is_measured() {
    let absent = ["--server", "/no/such/server"];
    for (arguments, reason) in [
        (&["baseline", "measure", "good", "--allow-dirty"][..], "exists and is never overwritten"),
        (&["ab", "--trace", "nowhere/trace.json"], "failed to write 'nowhere/trace.json'"),
        (&["ab", "--out", "ab.md", "--out", "empty"], "failed to write 'empty'"),
    ] {
        let (code, _, error) = with_records(&[arguments, &absent].concat(), "");
        assert_eq!(code, Some(4), "{arguments:?}: {error}");
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
}

#[test]
fn a_directory_without_records_says_so() {
    for verb in ["verify", "restore", "list"] {
        let (code, out, _) = with_records(&["baseline", verb, "--dir", "empty"], "embedded");
        assert_eq!(
            (code, out.as_str()),
            (Some(0), "no records; 'baseline save NAME' makes the first\n"),
            "{verb}"
        );
    }
}
