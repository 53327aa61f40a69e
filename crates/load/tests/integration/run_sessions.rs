//! `sessions` as a user runs it: what a session of each kind leaves behind is a figure, and a server that leaks is found out.

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::{ScenarioResult, SessionMemory, Verdict};

use crate::run::{Bench, PROGRAM, text};
use crate::server::Server;

fn verdict(scenario: &ScenarioResult, name: &str) -> Verdict {
    scenario.checks.iter().find(|check| check.name == name).unwrap().verdict
}

/// The scenario's kinds in the shortest stages that give a figure.
const SHORT: &str = r#"
name = "sessions"
[[stages]]
name = "warm-up"
clients = 4
calls = 40
workload = { sessions = "ended", flows = [{ steps = [{ tool = "list_scores" }] }] }
[[stages]]
name = "ended"
clients = 4
rate_per_s = 50
duration_s = 11
workload = { sessions = "ended", flows = [{ steps = [{ tool = "list_scores" }] }] }
[[stages]]
name = "probed"
clients = 4
rate_per_s = 50
duration_s = 11
workload = { flows = [{ steps = [{ request = "probe_get" }, { request = "probe_post" }] }] }
[[stages]]
name = "released"
clients = 4
rate_per_s = 50
duration_s = 11
settle_s = 0.5
workload = { sessions = "ended", listen = true, flows = [{ steps = [{ tool = "list_scores" }] }] }
[[stages]]
name = "held"
clients = 4
rate_per_s = 10
duration_s = 11
settle_s = 1
workload = { sessions = "held", listen = true, flows = [{ steps = [{ tool = "list_scores" }] }] }
"#;

fn kb(scenario: &ScenarioResult, name: &str) -> (f64, f64) {
    let stage = scenario.stages.iter().find(|stage| stage.name == name).unwrap();
    let Some(SessionMemory::Kb(kb)) = &stage.session_memory else { panic!("{:?}", stage.session_memory) };
    (kb.lower, kb.upper)
}

#[test]
fn the_embedded_server_forgets_sessions_that_end_and_requests_that_never_become_one() {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), SHORT).unwrap();
    let bench = Bench::new(&[file.path().to_str().unwrap()]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    for stage in ["ended", "probed", "released"] {
        assert!(kb(scenario, stage).0 < 1.0, "{stage}: {}", text(&output.stdout));
    }
    let ended = &scenario.stages[1];
    // As many as calls, however few a busy machine lets through.
    let calls = ended.accounts.sent;
    assert!(
        ended.reopened + 10 >= calls && calls > 50,
        "a session for each of {calls} calls: {}",
        ended.reopened
    );
    // A probe is no session, and all of them were answered.
    let probed = &scenario.stages[2];
    assert_eq!((probed.reopened, probed.accounts.count(Outcome::Ok)), (0, probed.accounts.sent));
    // Sessions that are held have a connection each, until they are released.
    let held = &scenario.stages[4];
    let open = held.resources.iter().filter_map(|at| at.sample.fds).max().unwrap();
    assert!(open > held.accounts.sent / 2, "{open} descriptors of {} sessions", held.accounts.sent);
    for check in ["ended: processes", "probed: descriptors", "released: descriptors", "held: descriptors"] {
        assert_eq!(verdict(scenario, check), Verdict::Pass, "{check}: {}", text(&output.stdout));
    }
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stdout));
}

#[test]
fn a_server_that_keeps_memory_of_every_session_and_probe_fails() {
    let server = Server::start(&["--fault", "leak=50000", "--fault", "probe-leak=30000"]);
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), SHORT).unwrap();
    let bench = Bench::new(&[file.path().to_str().unwrap(), "--server", &server.url]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    for (stage, left) in [("ended", 50.0), ("probed", 30.0), ("released", 50.0)] {
        let (lower, upper) = kb(scenario, stage);
        assert!(lower < left + 5.0 && upper > left - 5.0, "{stage}: {lower} to {upper}");
        let check = format!("{stage}: memory");
        assert_eq!(verdict(scenario, &check), Verdict::Fail, "{}", text(&output.stdout));
    }
    assert!(kb(scenario, "held").1 > 45.0, "{}", text(&output.stdout));
    assert_eq!(verdict(scenario, "held: memory"), Verdict::Pass, "{}", text(&output.stdout));
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}", text(&output.stdout));
}

#[test]
fn a_server_without_sessions_has_none_to_hold_open() {
    let server = Server::start(&["--stateless"]);
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), SHORT.replace("duration_s = 11", "duration_s = 0.2")).unwrap();
    let bench = Bench::new(&[file.path().to_str().unwrap(), "--server", &server.url]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    let stages: Vec<&str> = scenario.stages.iter().map(|stage| &*stage.name).collect();
    assert_eq!(stages, ["warm-up", "ended", "probed"], "{}", text(&output.stdout));
    let note = "held: left out: the server's sessions have no stream (GET) to hold open";
    assert!(scenario.notes.iter().any(|said| said == note), "{:?}", scenario.notes);
}

#[test]
fn over_stdio_memory_goes_with_the_process() {
    let server = format!("'{PROGRAM}' serve --stdio --quiet");
    let bench = Bench::new(&["sessions", "--quick", "--server", &server]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    assert_eq!(scenario.stages[2].session_memory, Some(SessionMemory::OfItsProcess));
    assert_eq!(scenario.stages.len(), 3, "{}", text(&output.stdout));
    assert!(scenario.stages.iter().all(|stage| stage.reopened == 2), "{}", text(&output.stdout));
    for (stage, why) in [("probed", "every request is a session's"), ("held", "there are streams (GET)")] {
        let is_said = |note: &String| note.starts_with(&format!("{stage}: left out: {why}"));
        assert!(scenario.notes.iter().any(is_said), "{:?}", scenario.notes);
    }
    for check in ["ended: processes", "abandoned: processes", "abandoned: memory"] {
        assert_eq!(verdict(scenario, check), Verdict::Pass, "{check}: {}", text(&output.stdout));
    }
}
