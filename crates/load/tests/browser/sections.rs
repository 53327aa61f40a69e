//! Sections that only some results have: trials of a search, faults, shards, temporary files.

use music21_mcp_load::measure::validity::{self, GeneratorFacts};
use music21_mcp_load::merge::merge;
use music21_mcp_load::result::{
    Capacity, RunFile, ScenarioResult, Served, Shard, ShardFacts, StageResult, Tried,
};
use music21_mcp_load::scenario::{Options, find};
use serde_json::json;

use super::page;
use super::report::{memory_run, probed};

/// A run with every section there is.
pub(crate) fn everything() -> RunFile {
    let mut file = merge(&shards(), &music21_mcp_load::scenario::conclude_by_name).unwrap();
    file.scenarios.extend([probed(), searched(), faulted(), exporting()]);
    file
}

fn memory() -> ScenarioResult {
    memory_run(60, "a server").scenarios.remove(0)
}

fn with(scenario: ScenarioResult) -> RunFile {
    RunFile { scenarios: vec![scenario], ..memory_run(1, "a server") }
}

/// Three clients are served within the objective, of four it is sure that they are not.
fn searched() -> ScenarioResult {
    let definition = find("capacity").unwrap().definition(&Options::default());
    let [capacity, rate_capacity] = Capacity::begun(&definition.search.unwrap());
    let (scenario, mut capacity, mut rate_capacity) = (memory(), capacity.unwrap(), rate_capacity.unwrap());
    let (mut stages, mut open) = (Vec::new(), Vec::new());
    for (clients, served) in
        [(1, Served::Within), (2, Served::Within), (4, Served::Beyond), (3, Served::Inconclusive)]
    {
        let name = format!("{clients} clients");
        stages.push(StageResult { name, clients, open_loop: false, ..scenario.stages[0].clone() });
        let rate_per_s = Some(clients as f64 * 10.0);
        let tried = Tried { clients, rate_per_s: None, served, is_disturbed: false, text: String::new() };
        rate_capacity.observe(Tried { rate_per_s, ..tried.clone() });
        capacity.observe(tried);
        open.push(StageResult { name: format!("{clients}0 calls/s"), ..scenario.stages[0].clone() });
    }
    stages.extend(open);
    let (capacity, rate_capacity) = (Some(capacity), Some(rate_capacity));
    ScenarioResult { name: "capacity".into(), definition, stages, capacity, rate_capacity, ..scenario }
}

/// Killed after 24 s, and itself again 12.5 s later.
fn faulted() -> ScenarioResult {
    let mut scenario = memory();
    let fault = json!({
        "injection": { "at_s": 24.0, "kind": "kill" }, "at_ns": 24_000_000_000_u64, "p95_before_ns": 12_000_000,
        "recovery": {
            "recovered_after_ns": 12_500_000_000_u64, "first_success_after_ns": 2_020_000_000, "calls_lost": 7,
            "watched_ns": 36_000_000_000_u64
        },
        "reconnected_after_ns": 1_900_000_000
    });
    scenario.name = "recovery".into();
    scenario.stages[0].fault = serde_json::from_value(fault).unwrap();
    scenario
}

/// Leaves one file of a megabyte every second.
fn exporting() -> ScenarioResult {
    let mut scenario = memory();
    for (second, at) in scenario.stages[0].resources.iter_mut().enumerate().step_by(10) {
        (at.temp_bytes, at.temp_files) = (Some(second as u64 * 1_000_000), Some(second as u64));
    }
    scenario
}

/// Both halves of a run; the generator of the second is to blame for its figures.
fn shards() -> Vec<(String, RunFile)> {
    let shard = |index| {
        let mut file = memory_run(60, "a server");
        let shard = Shard { index, count: 2 };
        file.shard = Some(ShardFacts { shard, whole_sha256: "same".into() });
        (index.to_string(), file)
    };
    let mut shards = vec![shard(1), shard(2)];
    let facts = GeneratorFacts { internal_errors: 2, ..GeneratorFacts::default() };
    let stage = &mut shards[1].1.scenarios[0].stages[0];
    (stage.validity, stage.generator) = (validity::judge_generator(&facts), facts);
    shards
}

/// What a section begins with, up to the next heading of its level.
fn section<'a>(html: &'a str, heading: &str) -> &'a str {
    let level = heading.split('>').next().unwrap();
    let (_, rest) = html.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    rest.split(level).next().unwrap()
}

#[test]
fn a_search_shows_every_number_that_it_tried_with_its_bounds_and_verdict() {
    let html = page(&with(searched()));
    let section = section(&html, "<h3>Clients tried</h3>");
    for (clients, verdict) in [(1, "within"), (2, "within"), (4, "beyond"), (3, "inconclusive")] {
        let row = format!(
            "<th scope=\"row\">{clients}</th><td class=\"word\">{verdict}</td><td class=\"word\">chord_analysis</td>"
        );
        assert!(section.contains(&row), "{row} in {section}");
    }
    assert!(section.contains("role=\"img\"") && section.contains("<details open"), "{section}");
    assert!(section.contains("the objective") && section.contains("≤ 1.00 s"), "{section}");
}

#[test]
fn a_fault_shows_what_came_of_it_and_the_seconds_around_it() {
    let html = page(&with(faulted()));
    let section = section(&html, "<h4>Fault “kill”</h4>");
    for (name, value) in [
        ("came after", "24.00 s"),
        ("p95 before it", "12.0 ms"),
        ("first success after it", "2.02 s"),
        ("first new session after it", "1.90 s"),
        ("recovered after it", "12.50 s"),
        ("calls lost", "7"),
    ] {
        assert!(section.contains(&format!("<dt>{name}</dt><dd>{value}</dd>")), "{name} in {section}");
    }
    for title in ["Calls and errors per second around the fault", "Response times around the fault"] {
        assert!(section.contains(title), "{title}");
    }
    let drawn = section.matches(">recovered</text>").count();
    assert_eq!(drawn, 2, "its line is named in both charts: {section}");
}

#[test]
fn a_server_that_does_not_recover_says_how_long_it_was_watched() {
    let mut scenario = faulted();
    let fault = scenario.stages[0].fault.as_mut().unwrap();
    fault.recovery.as_mut().unwrap().recovered_after_ns = None;
    assert!(page(&with(scenario.clone())).contains("<dd>not within 36.00 s</dd>"));
    let fault = scenario.stages[0].fault.as_mut().unwrap();
    (fault.at_ns, fault.recovery, fault.p95_before_ns) = (None, None, None);
    let html = page(&with(scenario));
    assert!(html.contains("the stage ended before it") && !html.contains("around the fault"));
}

#[test]
fn a_merged_stage_shows_what_each_shard_had() {
    let html = page(&merge(&shards(), &music21_mcp_load::scenario::conclude_by_name).unwrap());
    let section = section(&html, "<h4>Shards</h4>");
    assert!(
        section.contains("<th scope=\"row\">1/2</th><td>4</td><td>600</td><td>100.0 %</td>"),
        "{section}"
    );
    assert!(
        section.contains("<th scope=\"row\">2/2</th>")
            && section.contains("INVALID: tasks of the generator panicked: 2"),
        "{section}"
    );
}

#[test]
fn temporary_files_are_shown_over_time_with_their_number() {
    let html = page(&with(exporting()));
    assert!(html.contains("Temporary files of the server, MB"));
    assert!(html.contains("<th scope=\"row\">50</th><td>50.0</td><td>50</td>"), "bytes and files");
}

#[test]
fn a_result_without_them_has_none_of_these_sections() {
    let html = page(&memory_run(60, "a server"));
    for absent in ["Clients tried", "Fault “", "around the fault", "<h4>Shards", "Temporary files"] {
        assert!(!html.contains(absent), "{absent}");
    }
}
