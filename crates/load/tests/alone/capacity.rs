//! `capacity` as a user runs it: the limit of a server that has one is found, and it says so where there is none. A
//! step of the search counts only if nothing else had the CPUs meanwhile.

use music21_mcp_load::result::{Capacity, Verdict};

use crate::alone;
use crate::run::{Bench, text};
use crate::server::Server;

/// A life that is short even on a busy machine, so that a second holds enough calls.
const STAGE: &str = r#"
[[stages]]
name = "clients"
clients = 1
duration_s = 2.0
[[stages.workload.flows]]
steps = [
  { tool = "import_score", arguments = { score_id = "c-{{nonce}}", source = "C4 E4", source_type = "text" } },
  { tool = "score_info", arguments = { score_id = "c-{{nonce}}" } },
  { tool = "delete_score", arguments = { score_id = "c-{{nonce}}" }, always = true },
]
"#;

/// The verdict of the search, what it found, and the output.
fn search(max_p95_ms: f64, max_clients: usize, arguments: &[&str]) -> (Verdict, Capacity, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("search.toml");
    let head = format!(
        "name = 'mine'\nsearch = {{ max_p95_ms = {max_p95_ms:?}, min_success = 0.99, max_clients = {max_clients} }}\n"
    );
    std::fs::write(&path, head + STAGE).unwrap();
    run(&[&[path.to_str().unwrap()], arguments].concat())
}

fn run(arguments: &[&str]) -> (Verdict, Capacity, String) {
    let bench = Bench::new(arguments);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    let check = scenario.checks.iter().find(|check| check.name.starts_with("capacity")).unwrap();
    let found = scenario.capacity.clone().or(scenario.rate_capacity.clone()).unwrap();
    let tried =
        [&scenario.capacity, &scenario.rate_capacity].into_iter().flatten().map(|one| one.tried.len());
    assert_eq!(scenario.stages.len(), tried.sum::<usize>(), "each load tried is a stage");
    (check.verdict, found, text(&output.stdout))
}

#[test]
fn a_server_that_holds_three_scores_serves_three_clients() {
    let _alone = alone();
    let server = Server::start(&["--max-scores", "3"]);
    let (verdict, found, shown) = search(20_000.0, 20, &["--server", &server.url]);
    let tried: Vec<usize> = found.tried.iter().map(|tried| tried.clients).collect();
    assert_eq!(tried, [1, 2, 4, 3], "{shown}");
    assert_eq!((found.highest_within, found.lowest_not_within), (Some(3.0), Some(4.0)), "{shown}");
    assert_eq!(verdict, Verdict::Pass, "{shown}");
    assert!(shown.contains("between 3 clients (kept: "), "{shown}");
}

#[test]
fn a_cap_below_the_limit_is_told_as_not_reached() {
    let _alone = alone();
    let (verdict, found, shown) = search(20_000.0, 3, &[]);
    assert_eq!((found.highest_within, found.lowest_not_within), (Some(3.0), None), "{shown}");
    assert_eq!(verdict, Verdict::Pass, "{shown}");
    assert!(shown.contains("at least 3 clients (kept: "), "{shown}");
}

#[test]
fn an_objective_that_nobody_keeps_does_not_pass() {
    let _alone = alone();
    let (verdict, found, shown) =
        run(&["capacity", "--quick", "--objective", "0.01ms", "--max-clients", "2", "--max-rate", "9"]);
    assert_eq!(found.highest_within, None, "{shown}");
    // A machine too busy for figures, or for enough calls, cannot blame the server.
    assert!(matches!(verdict, Verdict::Fail | Verdict::Inconclusive), "{shown}");
}

#[test]
fn a_server_that_fails_every_second_call_serves_nobody() {
    let _alone = alone();
    let server = Server::start(&["--fault", "tool-error=2"]);
    let (verdict, found, shown) = search(20_000.0, 20, &["--server", &server.url]);
    assert_eq!((found.highest_within, found.lowest_not_within), (None, Some(1.0)), "{shown}");
    assert_eq!(verdict, Verdict::Fail, "{shown}");
}

#[test]
fn a_rate_below_the_limit_is_kept_up_to_its_cap() {
    let _alone = alone();
    let file = r#"
name = "mine"
search = { max_p95_ms = 2000, min_success = 0.99, max_rate_per_s = 50 }
[[stages]]
name = "rate"
clients = 2
rate_per_s = 40
arrivals = { kind = "poisson" }
duration_s = 4
[[stages.workload.flows]]
steps = [{ tool = "health_check" }]
"#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rate.toml");
    std::fs::write(&path, file).unwrap();
    let (verdict, found, shown) = run(&[path.to_str().unwrap()]);
    let mut rates: Vec<f64> = found.tried.iter().map(|tried| tried.rate_per_s.unwrap()).collect();
    // What others disturbed is tried twice.
    rates.dedup();
    assert_eq!(rates, [40.0, 50.0], "{shown}");
    let last = found.tried.last().unwrap();
    assert_eq!(last.clients, 100, "as many sessions as calls come due in 2 s");
    assert_eq!(verdict, Verdict::Pass, "{shown}");
    assert!(shown.contains("at least 50 calls/s (kept: "), "{shown}");
}
