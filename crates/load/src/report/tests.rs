//! What people and programs read of one made-up run, word for word.

use serde_json::json;

use super::screen::Screen;
use super::{csv, junit, prometheus, terminal};
use crate::measure::Latency;
use crate::measure::histogram::Histogram;
use crate::measure::summary::Summary;
use crate::result::{Definition, RunFile, ScenarioResult, Verdict, fixture};

/// Two hundred calls of one tool, of which some failed, in two seconds.
fn run() -> RunFile {
    let of_calls = |ns: u64| {
        let mut histogram = Histogram::default();
        (1..=200).for_each(|call| histogram.record(Latency { ns: call * ns, censored: false }));
        histogram
    };
    let histogram = of_calls(50_000);
    let summary = Summary::of_histogram(&histogram, 0.0);
    let first_bytes = of_calls(1_000);
    let first_byte = Summary::of_histogram(&first_bytes, 0.0);
    let accounts = json!({ "scheduled": 204, "sent": 204, "ended": { "ok": 200, "tool_error": 4 } });
    let example = json!({ "outcome": "tool_error", "message": "Score \"x\" not found,\nor gone" });
    let stage = fixture::stage(&json!({
        "name": "4 clients, warm", "clients": 4, "elapsed_ns": 2_000_000_000_u64, "calls_per_s": 102.0, "accounts": accounts,
        "tools": { "key_analysis": {
            "accounts": accounts, "response": summary, "service": summary, "response_hdr": histogram.to_base64(),
            "service_hdr": histogram.to_base64(), "examples": [example], "first_calls_ns": [9_000_000], "intervals": [],
            "steadiness": null, "first_byte": first_byte, "first_byte_hdr": first_bytes.to_base64()
        } },
        "timeline": [
            { "at_s": 0, "ok": 120, "errors": {}, "p50_ns": 5_000_000, "p95_ns": 9_000_000, "max_ns": 9_900_000, "in_flight": 3.5 },
            { "at_s": 1, "ok": 80, "errors": { "tool_error": 4 }, "p50_ns": null, "p95_ns": null, "max_ns": null, "in_flight": 4.0 }
        ],
        "validity": { "invalid": [], "warnings": [], "saturated": false }
    }));
    let check = |name: &str, verdict, text: &str| {
        serde_json::from_value(json!({ "name": name, "verdict": verdict, "text": text })).unwrap()
    };
    let scenario = ScenarioResult {
        name: "tools".to_owned(),
        verdict: Verdict::Fail,
        checks: vec![
            check("success", "fail", "200 of 204 calls, at least 99 %"),
            check("p95", "inconclusive", "too few calls"),
            check("memory", "pass", "no growth"),
        ],
        notes: vec!["the server's words: \u{1b}[2J".to_owned()],
        error: None,
        definition: Definition { name: "tools".to_owned(), ..Definition::default() },
        stages: vec![stage],
        rate_limit: None,
        capacity: None,
        rate_capacity: None,
        clients: None,
    };
    fixture::run(&[scenario])
}

#[test]
fn a_terminal_shows_the_scenario_and_all_of_them() {
    let mut run = run();
    let stage = &mut run.scenarios[0].stages[0];
    let (_, tool) = stage.tools.pop_first().unwrap();
    stage.tools.insert("the_analysis_of_all_keys".to_owned(), tool);
    run.scenarios[0].checks[0].text += &", word after word".repeat(12);
    for (name, screen) in [("60", Screen::of(60)), ("120", Screen::of(120)), ("pipe", Screen::NONE)] {
        let shown = terminal::scenario(&run.scenarios[0], screen) + "\n" + &terminal::overview(&run, screen);
        if let Some(columns) = screen.columns {
            // What may take two lines is words.
            let table = shown.lines().filter(|line| line.starts_with("  the_") || line.starts_with("tools "));
            assert!(
                table.clone().count() == 2 && table.clone().all(|line| line.chars().count() <= columns),
                "{shown}"
            );
        }
        insta::assert_snapshot!(format!("terminal-{name}"), shown);
    }
}

#[test]
fn prometheus_reads_a_finished_run() {
    insta::assert_snapshot!(prometheus::text(&run()));
}

#[test]
fn tables_hold_a_row_a_tool_and_a_row_a_second() {
    let run = run();
    insta::assert_snapshot!(csv::tools(&run) + "\n" + &csv::timeline(&run));
}

#[test]
fn junit_has_a_case_a_check_and_one_for_whether_it_could_be_judged() {
    insta::assert_snapshot!(junit::of_run(&run()).unwrap());
}
