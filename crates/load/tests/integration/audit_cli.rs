//! `audit` as a user runs it. Only audits that count are run here: those that time anything say nothing on a
//! machine that also compiles.

use std::process::{Command, Output};

use serde_json::Value;

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench")).arg("audit").args(arguments).output().unwrap()
}

#[test]
fn audits_that_count_pass_on_any_machine() {
    let names = ["histogram", "refusal", "schedule", "records", "accounting", "integrity"];
    let output = audit(&[&["--quick", "--json"], &names[..]].concat());
    let done: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done.iter().map(|done| done["audit"].as_str().unwrap()).collect::<Vec<_>>(), names);
    let findings = done.iter().flat_map(|done| done["findings"].as_array().unwrap());
    let failed: Vec<&Value> = findings.filter(|finding| finding["verdict"] != "pass").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_table_has_a_legend() {
    let output = audit(&["refusal"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("refusal: a percentile without enough samples is refused\n  ok    p95"),
        "{text}"
    );
    assert!(text.contains("4 ok (the number was reached), 0 FAIL (it was not), 0 ?"), "{text}");
}

#[test]
fn an_audit_that_does_not_exist_is_a_usage_error_that_names_those_that_do() {
    let output = audit(&["telepathy"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("accounting"));
}

#[test]
fn the_findings_are_written_between_two_lines_of_a_document() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("METHOD.md");
    std::fs::write(&file, "head\n<!-- audit -->\nstale\n<!-- /audit -->\ntail\n").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(audit(&["refusal", "--into", path]).status.code(), Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("head\n<!-- audit -->\n| test | audit |"), "{text}");
    assert!(text.contains("| T15 | refusal | p95 of 199 samples | refused | refused | ok |\n"), "{text}");
    assert!(text.ends_with("|\n<!-- /audit -->\ntail\n") && !text.contains("stale"), "{text}");

    std::fs::write(&file, "nothing to replace").unwrap();
    let output = audit(&["refusal", "--into", path]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stderr).unwrap().contains("has no lines '<!-- audit -->'"));
}
