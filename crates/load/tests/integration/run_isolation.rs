//! `isolation` as a user runs it: a sound server passes, and one that mixes up answers is found out.

use std::process::Output;

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::{ScenarioResult, Verdict};

use crate::run::{Bench, text};
use crate::server::Server;

#[test]
fn sessions_of_one_process_get_their_own_answers() {
    let bench = Bench::new(&["isolation", "--clients", "5", "--duration", "2"]);
    let output = bench.command().output().unwrap();
    // 3 where the machine was too busy for figures; no answer is wrong for that.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stdout));
    let scenario = &bench.result().scenarios[0];
    let ownership = scenario.checks.iter().find(|check| check.name == "nonces: ownership").unwrap();
    assert_eq!(ownership.verdict, Verdict::Pass, "{ownership:?}");
    assert!(scenario.stages[0].accounts.count(Outcome::Ok) >= 25, "{:?}", scenario.stages[0].accounts);
}

fn isolation(server: &Server) -> (Output, ScenarioResult) {
    let bench = Bench::new(&["isolation", "--clients", "3", "--duration", "2", "--server", &server.url]);
    let output = bench.command().output().unwrap();
    (output, bench.result().scenarios.remove(0))
}

#[test]
fn a_server_that_swaps_answers_fails_whatever_the_share() {
    for (fault, class) in [
        ("swap=50,tool=score_info", Outcome::MisroutedAnswer),
        ("swap=50,tool=delete_score", Outcome::MisroutedAnswer),
        ("swap=1,tool=list_scores", Outcome::WrongAnswer),
        ("swap=10,tool=key_analysis", Outcome::WrongAnswer),
    ] {
        let server = Server::start(&["--fault", fault]);
        // Two seconds of a busy machine may hold fewer calls than the server counts from one swap to the next.
        let until_swapped =
            (0..20).map(|_| isolation(&server)).find(|(_, run)| run.stages[0].accounts.count(class) > 0);
        let (output, scenario) = until_swapped.unwrap_or_else(|| panic!("{fault}: no {class}"));
        let ownership = scenario.checks.iter().find(|check| check.name == "nonces: ownership").unwrap();
        assert_eq!(ownership.verdict, Verdict::Fail, "{fault}: {ownership:?}");
        // Also where the machine was too busy for times: these are counts.
        assert_eq!(output.status.code(), Some(1), "{fault}: {}", text(&output.stdout));
    }
}
