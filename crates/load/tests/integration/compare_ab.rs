//! `ab` as a user runs it, on the embedded server as two child processes.

use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");

/// Short slots: these tests are about what is found, not about how precisely.
fn ab(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["ab", "--slot", "2ms", "--entry", "list_scores,score_info"]).args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn embedded(fault: &str) -> String {
    format!("'{PROGRAM}' serve --stdio --quiet --fault {fault}")
}

fn verdict(output: &Output, entry: &str, figure: &str) -> String {
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["entry"] == entry && row["figure"] == figure);
    row.unwrap_or_else(|| panic!("no {entry} {figure} in {json}"))["verdict"].to_string()
}

#[test]
fn a_tool_that_takes_20_ms_more_is_found_and_the_exit_code_is_1() {
    let slow = embedded("delay=20ms,tool=list_scores");
    let output = ab(&["--server", &slow, "--rounds", "10", "--format", "json"]).output().unwrap();
    // A busy machine may make two copies of the baseline differ: no time is believed then, and the table says so.
    let copies_differ = text(&output.stdout).contains("INVALID: ");
    let (code, wall) = if copies_differ { (3, "invalid") } else { (1, r#"{"regressed":"fail"}"#) };
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    let found = verdict(&output, "list_scores", "wall");
    assert!(found.contains(wall), "{found}");
    assert_eq!(verdict(&output, "list_scores", "success"), r#""unchanged""#);
    let p95 = verdict(&output, "list_scores", "p95");
    assert!(p95.contains("too few calls (") && p95.contains(" of 200 in a round)"), "{p95}");
    assert!(text(&output.stderr).contains("round 9, next interim analysis after 10 rounds; open entries: 2"));
}

#[test]
fn a_tool_that_fails_is_a_regression_of_its_success_and_has_no_time() {
    let failing = embedded("is-error=1,tool=list_scores");
    let output = ab(&["--server", &failing, "--rounds", "10", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(verdict(&output, "list_scores", "success"), r#"{"regressed":"fail"}"#);
    assert!(verdict(&output, "list_scores", "wall").contains("calls failed: "), "{}", text(&output.stdout));
}

#[test]
fn a_trace_holds_every_round_of_every_entry() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.json");
    let trace = ["--rounds", "2", "--all-rounds", "--trace", path.to_str().unwrap()];
    let output = ab(&["--server", "embedded"]).args(trace).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code != 4), "{}", text(&output.stderr));
    let file = std::fs::File::open(&path).unwrap();
    let measured: music21_mcp_load::ab::Measured = serde_json::from_reader(file).unwrap();
    let rounds: Vec<usize> = measured.entries.values().map(Vec::len).collect();
    assert_eq!(rounds, [2, 2]);
    assert!(measured.entries["list_scores"].iter().all(|round| round.calls[0] > 0));
}

#[test]
fn a_measured_record_holds_the_reference_and_never_regresses_against_itself() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new(PROGRAM).args(arguments).current_dir(directory.path()).output().unwrap()
    };
    let saved =
        run(&["baseline", "measure", "one", "--slot", "1ms", "--entry", "list_scores", "--rounds", "5"]);
    // A busy machine may make the two copies differ; the record is then marked invalid, and 3 says so.
    assert!(matches!(saved.status.code(), Some(0 | 3)), "{}", text(&saved.stderr));
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(directory.path().join("baselines/one.json")).unwrap()).unwrap();
    assert_eq!(record["kind"], "calls");
    let rounds = record["entries"]["list_scores"]["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 5);
    assert!(rounds.iter().all(|round| round["reference"]["wall_log"].as_f64().unwrap() > 0.0));
    assert_eq!(record["protocol"]["transport"], "stdio");
    let itself = run(&["compare", "one", "one"]);
    assert!(matches!(itself.status.code(), Some(0 | 3)), "{}{}", text(&itself.stdout), text(&itself.stderr));
}

#[test]
fn a_server_that_does_not_start_is_the_environments_fault() {
    let output = ab(&["--server", "/no/such/server"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("/no/such/server"), "{}", text(&output.stderr));
}

#[test]
fn more_rounds_than_looks_are_planned_for_are_refused() {
    let output = ab(&["--server", "embedded", "--rounds", "100"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("100 is not in 2..=40"), "{}", text(&output.stderr));
}

#[test]
fn a_revision_that_does_not_exist_is_a_wrong_command_line() {
    let output = ab(&["--server", "git:no-such"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("'no-such' is no revision of the repository"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn an_interrupt_keeps_what_was_measured() {
    use std::io::{BufRead, BufReader};

    use rustix::process::Signal;
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = ab(&["--server", "embedded", "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut progress = BufReader::new(child.stderr.take().unwrap()).lines();
        let third = progress.by_ref().map(Result::unwrap).find(|line| line.starts_with("round 3"));
        assert!(third.is_some(), "it ended before");
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let notes = json["notes"].to_string();
        assert!(notes.contains("stopped after"), "{notes}");
        assert!(json["rows"][0]["ratio"]["rounds"].as_u64().unwrap() >= 3, "{json}");
    }
}
