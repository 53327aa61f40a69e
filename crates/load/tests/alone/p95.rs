//! A change of some milliseconds in some calls, found by `ab` in the p95: with six tests on two CPUs, waiting for one
//! of them takes longer than that.

use std::process::Command;

use crate::alone;

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");

#[test]
fn one_call_in_ten_that_takes_5_ms_is_found_in_the_p95() {
    let _alone = alone();
    let slow = format!("'{PROGRAM}' serve --stdio --quiet --fault delay=90%0ms+10%5ms,tool=list_scores");
    // It stops at ten rounds unless the machine is too busy to tell by then.
    let arguments = ["ab", "--slot", "150ms", "--entry", "list_scores", "--rounds", "20", "--format", "json"];
    let output = Command::new(PROGRAM).args(arguments).args(["--server", &slow]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdict = |entry: &str, figure: &str| {
        let rows = json["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["entry"] == entry && row["figure"] == figure);
        row.unwrap_or_else(|| panic!("no {entry} {figure} in {json}"))["verdict"].to_string()
    };
    let p95 = verdict("list_scores", "p95");
    assert!(p95.contains("regressed"), "{p95}");
    let memory = verdict("all entries", "memory");
    assert!(memory.starts_with(r#"{"not_measured":"a round is too short"#), "{memory}");
}
