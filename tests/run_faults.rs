//! A run that is interrupted, or whose server dies or freezes: what was measured is written, each call in its
//! class, and the exit code says what happened.

mod run;
#[path = "run/server.rs"]
mod server;

use music21_mcp_bench::measure::Outcome;
use music21_mcp_bench::scenario::Verdict;
use run::{Bench, text};
use rustix::process::{Pid, Signal, kill_process};
use server::Server;

fn ticks(pid: u32) -> u64 {
    procfs::process::Process::new(pid.cast_signed())
        .and_then(|p| p.stat())
        .map_or(0, |stat| stat.utime + stat.stime)
}

/// Waits until the run has made calls, by the server's own CPU time.
fn until_it_works(server: &Server, idle: u64) {
    while ticks(server.child.id()) <= idle + 5 {
        std::thread::yield_now();
    }
}

#[test]
fn ctrl_c_writes_what_there_is_and_leaves_no_server() {
    let server = Server::start(&[]);
    let idle = ticks(server.child.id());
    let bench = Bench::new(&["concurrent", "--clients", "2", "--duration", "600", "--server", &server.url]);
    let child = bench.command().spawn().unwrap();
    until_it_works(&server, idle);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let file = bench.result();
    assert!(!file.complete);
    assert_eq!(file.scenarios[0].verdict, Verdict::Interrupted);
    // It may come before the first measured call, during the preparation.
    assert!(file.scenarios[0].stages.iter().all(|stage| stage.accounts.scheduled > 0));
}

#[test]
fn a_server_killed_in_the_middle_ends_every_call_in_a_class_and_the_run_with_4() {
    let server = Server::start(&[]);
    let idle = ticks(server.child.id());
    let bench = Bench::new(&["concurrent", "--clients", "2", "--duration", "4", "--server", &server.url]);
    let child = bench.command().spawn().unwrap();
    until_it_works(&server, idle);
    kill_process(Pid::from_child(&server.child), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}{}", text(&output.stdout), text(&output.stderr));
    let file = bench.result();
    assert_eq!(file.scenarios[0].verdict, Verdict::ServerFailed);
    assert!(file.scenarios[0].error.is_some());
    for stage in &file.scenarios[0].stages {
        let lost =
            stage.accounts.count(Outcome::ConnectError) + stage.accounts.count(Outcome::TransportClosed);
        assert!(lost > 0, "{:?}", stage.accounts);
    }
}

#[test]
fn a_server_that_freezes_times_out_at_the_deadline_and_the_run_does_not_pass() {
    let server = Server::start(&[]);
    let idle = ticks(server.child.id());
    let arguments =
        ["concurrent", "--clients", "2", "--duration", "4", "--deadline", "1", "--server", &server.url];
    let bench = Bench::new(&arguments);
    let child = bench.command().spawn().unwrap();
    until_it_works(&server, idle + 20);
    kill_process(Pid::from_child(&server.child), Signal::STOP).unwrap();
    let output = child.wait_with_output().unwrap();
    kill_process(Pid::from_child(&server.child), Signal::CONT).unwrap();
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let file = bench.result();
    let timed_out: u64 =
        file.scenarios[0].stages.iter().map(|stage| stage.accounts.count(Outcome::TimedOut)).sum();
    assert!(timed_out > 0 || file.scenarios[0].error.is_some(), "{}", text(&output.stdout));
}
