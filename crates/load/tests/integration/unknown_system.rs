//! On a system that tells nothing of processes a run has its times and its accounts, and no more than these. Linux tells it
//! unless the feature `music21-mcp-proc/hidden` is on, with which CI runs these tests, too.

use music21_mcp_load::result::{ScenarioResult, StageResult, Verdict};
use music21_mcp_proc::IS_KNOWN;

use crate::run::{Bench, text};

fn run(arguments: &[&str]) -> (Option<i32>, ScenarioResult, String) {
    let bench = Bench::new(arguments);
    let output = bench.command().output().unwrap();
    let scenario = bench.result().scenarios.remove(0);
    (output.status.code(), scenario, text(&output.stdout))
}

fn is_watched(stage: &StageResult) -> bool {
    stage.peak_rss_bytes.is_some() && stage.generator.others_cpu_share.is_some()
}

#[test]
fn times_and_accounts_are_there_in_any_case() {
    let (code, scenario, shown) = run(&["tools", "--duration", "2"]);
    assert_eq!(code, Some(0), "{shown}");
    let stage = &scenario.stages[0];
    assert!(stage.tools.values().any(|tool| tool.service.is_some()), "{shown}");
    assert!(stage.generator.own_cpu_share.is_some_and(|share| share > 0.0), "any Unix tells that");
    assert_eq!(is_watched(stage), IS_KNOWN, "{shown}");
    let is_said = |said: &str| said.contains("this system tells neither what the server uses");
    assert_eq!(scenario.notes.iter().any(|note| is_said(note)), !IS_KNOWN, "{:?}", scenario.notes);
    assert_eq!(is_said(&shown), !IS_KNOWN, "{shown}");
}

#[test]
fn what_needs_more_is_inconclusive_and_does_not_pass() {
    let (code, scenario, shown) = run(&["cleanup", "--quick"]);
    let threads = scenario.checks.iter().find(|check| check.name == "threads").unwrap();
    let (expected, exit) = if IS_KNOWN { (Verdict::Pass, 0) } else { (Verdict::Inconclusive, 3) };
    assert_eq!((threads.verdict, code), (expected, Some(exit)), "{shown}");
    // What was answered needs nobody's memory.
    let answers: Vec<_> = scenario.checks.iter().filter(|check| check.name.ends_with("answers")).collect();
    assert!(answers.len() > 2 && answers.iter().all(|check| check.verdict == Verdict::Pass), "{shown}");
}
