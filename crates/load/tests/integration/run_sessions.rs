//! `sessions` as a user runs it: what a session leaves behind is a figure, and a server that leaks is found out.

use music21_mcp_load::result::{ScenarioResult, SessionMemory, Verdict};

use crate::run::{Bench, PROGRAM, text};
use crate::server::Server;

fn verdict(scenario: &ScenarioResult, name: &str) -> Verdict {
    scenario.checks.iter().find(|check| check.name == name).unwrap().verdict
}

#[test]
fn the_embedded_server_forgets_sessions_that_end() {
    let bench = Bench::new(&["sessions", "--quick", "--rate", "50"]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    let ended = &scenario.stages[1];
    let Some(SessionMemory::Kb(kb)) = &ended.session_memory else { panic!("{:?}", ended.session_memory) };
    assert!(kb.lower < 1.0, "{kb:?}: {}", text(&output.stdout));
    // As many as calls, however few a busy machine lets through.
    let calls = ended.accounts.sent;
    assert!(
        ended.reopened + 10 >= calls && calls > 50,
        "a session for each of {calls} calls: {}",
        ended.reopened
    );
    for check in ["ended: descriptors", "ended: threads", "ended: processes", "abandoned: descriptors"] {
        assert_eq!(verdict(scenario, check), Verdict::Pass, "{check}: {}", text(&output.stdout));
    }
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stdout));
}

#[test]
fn a_server_that_keeps_memory_of_every_session_fails() {
    let server = Server::start(&["--fault", "leak=50000"]);
    let bench = Bench::new(&["sessions", "--quick", "--rate", "50", "--server", &server.url]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    let Some(SessionMemory::Kb(kb)) = &scenario.stages[1].session_memory else { panic!("no figure") };
    assert!(kb.lower < 55.0 && kb.upper > 45.0, "{kb:?}");
    assert_eq!(verdict(scenario, "ended: memory"), Verdict::Fail, "{}", text(&output.stdout));
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}", text(&output.stdout));
}

#[test]
fn over_stdio_memory_goes_with_the_process() {
    let server = format!("'{PROGRAM}' serve --stdio --quiet");
    let bench = Bench::new(&["sessions", "--quick", "--server", &server]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    assert_eq!(scenario.stages[2].session_memory, Some(SessionMemory::OfItsProcess));
    assert!(scenario.stages.iter().all(|stage| stage.reopened == 2), "{}", text(&output.stdout));
    for check in ["ended: processes", "abandoned: processes", "abandoned: memory"] {
        assert_eq!(verdict(scenario, check), Verdict::Pass, "{check}: {}", text(&output.stdout));
    }
}
