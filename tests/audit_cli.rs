//! `audit` as a user runs it. Only audits that count are run here: those that time anything say nothing on a
//! machine that also compiles.

use std::process::{Command, Output};

use serde_json::Value;

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench")).arg("audit").args(arguments).output().unwrap()
}

#[test]
fn audits_that_count_pass_on_any_machine() {
    let names = ["histogram", "refusal", "schedule", "accounting", "integrity"];
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
