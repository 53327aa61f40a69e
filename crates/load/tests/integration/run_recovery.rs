//! `recovery` as a user runs it: a server of ours is taken away and comes back, and one that does not is found out.

use std::ffi::OsStr;
use std::path::Path;

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::{ScenarioResult, Verdict};
use procfs::process::Process;
use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Bench, PROGRAM, text};
use crate::server::Server;
use crate::wait::until_it;

fn verdict(scenario: &ScenarioResult, name: &str) -> Verdict {
    scenario.checks.iter().find(|check| check.name == name).unwrap().verdict
}

/// The processes, other than the run itself, whose environment names the directory, and their states.
fn below(directory: &Path) -> Vec<(i32, char)> {
    let name = directory.to_str().unwrap();
    let is_below = |process: &Process| {
        let environment = process.environ().unwrap_or_default();
        environment
            .get(OsStr::new("TMPDIR"))
            .is_some_and(|value| value.to_str().is_some_and(|value| value.starts_with(name) && value != name))
    };
    let processes = procfs::process::all_processes().unwrap().flatten().filter(is_below);
    processes.filter_map(|process| Some((process.pid(), process.stat().ok()?.state))).collect()
}

/// 240 calls come before the fault, and 20 s are the least after it that make a verdict.
const WATCHED: [&str; 4] = ["--rate", "60", "--duration", "21"];

#[test]
fn a_killed_server_is_started_again_on_its_port_and_nothing_stays_behind() {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::new(&[&["recovery", "--quick"], &WATCHED[..]].concat());
    let output = bench.command().env("TMPDIR", directory.path()).output().unwrap();
    let scenario = &bench.result().scenarios[0];
    let stage = &scenario.stages[0];
    let fault = stage.fault.as_ref().unwrap();
    let recovery = fault.recovery.unwrap();
    assert!(recovery.first_success_after_ns.is_some(), "{}", text(&output.stdout));
    assert!(fault.reconnected_after_ns.is_some(), "{}", text(&output.stdout));
    assert!(stage.reopened >= 4, "each session: {}", stage.reopened);
    let accounts = &stage.accounts;
    assert_eq!(accounts.scheduled, accounts.ended.values().sum::<u64>());
    // How soon is a matter of the machine; that it did come back is not.
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}", text(&output.stdout));
    assert_eq!(below(directory.path()), []);
}

#[test]
fn a_server_that_does_not_come_back_fails() {
    let directory = tempfile::tempdir().unwrap();
    let flag = directory.path().join("was-started");
    let flag = flag.to_str().unwrap();
    let script = format!("[ -e {flag} ] && exit 1; touch {flag}; exec {PROGRAM} serve --stdio --quiet");
    let server = format!("sh -c '{script}'");
    let server = ["--clients", "1", "--server", &server];
    let bench = Bench::new(&[&["recovery", "--quick"], &WATCHED[..], &server].concat());
    let output = bench.command().env("TMPDIR", directory.path()).output().unwrap();
    let scenario = &bench.result().scenarios[0];
    assert_eq!(verdict(scenario, "kill: recovery"), Verdict::Fail, "{}", text(&output.stdout));
    assert!(scenario.stages[0].fault.as_ref().unwrap().is_for_good());
    let lost = scenario.stages[0].accounts.count(Outcome::ConnectError);
    assert!(lost > 100, "arrivals went on: {}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert_eq!(below(directory.path()), []);
}

#[test]
fn a_frozen_server_on_stdio_goes_on_and_has_no_port_to_close() {
    let server = format!("'{PROGRAM}' serve --stdio --quiet");
    let toml = format!(
        "name = 'freeze'\nserver = \"{server}\"\n{}{}",
        stage("freeze", "{ at_s = 2.0, kind = \"freeze\", for_s = 1.0 }"),
        stage("close", "{ at_s = 2.0, kind = \"close\", for_s = 1.0 }")
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freeze.toml");
    std::fs::write(&path, toml).unwrap();
    let bench = Bench::new(&[path.to_str().unwrap()]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    assert_eq!(scenario.stages.len(), 1, "the other fault cannot be injected");
    let fault = scenario.stages[0].fault.as_ref().unwrap();
    assert_eq!(scenario.stages[0].reopened, 0, "no session was lost: {}", text(&output.stdout));
    assert_eq!(fault.reconnected_after_ns, None);
    let slowest = scenario.stages[0].tools["list_scores"].response.as_ref().unwrap().max_ns;
    assert!(slowest >= 900_000_000, "the freeze shows in the response times: {slowest}");
    assert!(scenario.notes[0].starts_with("close: left out: "), "{:?}", scenario.notes);
    // Watched for less than three windows, it inconclusive.
    assert_eq!(verdict(scenario, "freeze: recovery"), Verdict::Inconclusive, "{}", text(&output.stdout));
}

#[test]
fn ctrl_c_during_a_freeze_leaves_no_server_behind() {
    let toml =
        format!("name = 'freeze'\n{}", stage("freeze", "{ at_s = 0.2, kind = \"freeze\", for_s = 600.0 }"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freeze.toml");
    std::fs::write(&path, toml.replace("duration_s = 6.0", "duration_s = 900.0")).unwrap();
    let bench = Bench::new(&[path.to_str().unwrap()]);
    let mut child = bench.command().env("TMPDIR", directory.path()).spawn().unwrap();
    until_it(&mut child, "its server is frozen", || {
        below(directory.path()).into_iter().find(|&(_, state)| state == 'T')
    });
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(below(directory.path()), []);
}

fn stage(name: &str, fault: &str) -> String {
    format!(
        "[[stages]]\nname = '{name}'\nclients = 1\nrate_per_s = 120.0\nduration_s = 6.0\nfault = {fault}\n\
         [[stages.workload.flows]]\nsteps = [{{ tool = 'list_scores' }}]\n"
    )
}

#[test]
fn a_server_that_somebody_else_started_is_left_alone() {
    let server = Server::start(&[]);
    let bench = Bench::new(&["recovery", "--quick", "--server", &server.url]);
    let output = bench.command().output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    let scenario = &bench.result().scenarios[0];
    assert!(scenario.stages.is_empty());
    assert!(scenario.notes[0].contains("started by somebody else"), "{:?}", scenario.notes);
    assert_eq!(scenario.verdict, Verdict::Inconclusive);
}
