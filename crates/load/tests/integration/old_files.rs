//! What the first release wrote is still read. Words have changed since, and what the files say has not: a result,
//! a record and a scenario of schema version 1, as its program left them.

use std::path::{Path, PathBuf};
use std::process::Command;

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::RunFile;
use serde_json::{Value, json};

use crate::run::{Bench, PROGRAM, text};
use crate::server::Server;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The old result in a directory of its own, as a run leaves it.
fn old_run() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("result-v1.json"), directory.path().join("result.json")).unwrap();
    directory
}

#[test]
fn a_result_says_in_todays_words_what_it_said_in_those_of_its_time() {
    let before = std::fs::read_to_string(fixture("result-v1.json")).unwrap();
    let file: RunFile = serde_json::from_str(&before).unwrap();
    let after = serde_json::to_string(&file).unwrap();
    for (then, now, expected) in [
        ("\"own_nonce\":true", "\"must_echo_nonce\":true", 11),
        ("\"own_nonce\":false", "\"must_echo_nonce\":false", 17),
        ("\"gen_lag\"", "\"scheduling_delay\"", 1),
        ("\"gen_lag_p99_ns\"", "\"scheduling_delay_p99_ns\"", 3),
        ("\"foreign_answer\"", "\"misrouted_answer\"", 9),
        ("\"backlog_after_rises\"", "\"backlog_after_ramps\"", 1),
    ] {
        let count = |text: &str, name: &str| text.matches(name).count();
        assert_eq!([count(&before, then), count(&after, now)], [expected; 2], "{then}");
        assert_eq!([count(&before, now), count(&after, then)], [0; 2], "{then}");
    }
    let after: Value = serde_json::from_str(&after).unwrap();
    let [day, nonces, one] = [0, 1, 2].map(|scenario| &after["scenarios"][scenario]["stages"][0]);
    assert_eq!(day["validity"]["invalid"][0], json!({ "scheduling_delay": 74_504_781 }));
    assert_eq!(day["backlog_after_ramps"], json!([0]));
    assert_eq!(nonces["accounts"]["ended"], json!({ "misrouted_answer": 10, "ok": 240 }));
    assert_eq!(one["accounts"]["ended"], json!({ "ok": 81 }));
    let tried = &after["scenarios"][2]["capacity"]["tried"][0];
    assert_eq!((&tried["clients"], &tried["served"]), (&json!(1), &json!("inconclusive")));
}

#[test]
fn a_result_can_be_reported_and_its_reasons_are_read() {
    let run = old_run();
    let output = Command::new(PROGRAM).arg("report").arg(run.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let html = std::fs::read_to_string(run.path().join("report.html")).unwrap();
    for part in ["misrouted_answer", "10 foreign and 0 wrong answers of 250", "up to 74.5 ms late"] {
        assert!(html.contains(part), "{part}");
    }
    let mut save = Command::new(PROGRAM);
    let output =
        save.args(["baseline", "save", "old", "--from", "."]).current_dir(run.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    // What that program called INVALID only disturbs.
    let line = "round 0 of stability/day was disturbed, its times are upper bounds: calls were sent up to 74.5 ms late";
    assert!(told.contains(line), "{told}");
}

#[test]
fn a_record_is_verified_and_compared() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("baselines")).unwrap();
    std::fs::copy(fixture("record-v1.json"), directory.path().join("baselines/old.json")).unwrap();
    let program = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).current_dir(directory.path()).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    assert_eq!(program(&["baseline", "verify"]), (Some(0), "old: ok, 4 entries\n".to_owned()));
    let (code, shown) = program(&["compare", "old", "old"]);
    // Eight rounds of a busy machine are too few for its times, also between a record and itself.
    assert_eq!(code, Some(3), "{shown}");
    let figures: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains(" wall "))
        .map(|line| line.split_once("  +").unwrap().0.trim_end())
        .collect();
    insta::assert_snapshot!(figures.join("\n"), @r"
    all entries       wall     251 ms    251 ms
    export_musicxml   wall     1.13 s    1.13 s
    harmony_analysis  wall     118 ms    118 ms
    import_score      wall     209 ms    209 ms
    key_analysis      wall     144 ms    144 ms
    ");
}

#[test]
fn a_scenario_asks_for_nonces_by_their_old_name() {
    let server = Server::start(&["--fault", "swap=5,tool=score_info"]);
    let file = fixture("scenario-v1.toml");
    let bench = Bench::new(&[file.to_str().unwrap(), "--server", &server.url]);
    let output = bench.command().output().unwrap();
    let ended = &bench.result().scenarios[0].stages[0].accounts;
    assert_eq!(ended.scheduled, 60, "{}", text(&output.stdout));
    // Nothing else than its own nonce tells a misrouted answer from a good one.
    assert!(ended.count(Outcome::MisroutedAnswer) > 0, "{ended:?}");
}
