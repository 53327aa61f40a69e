//! A run that is interrupted, or whose server dies or freezes: what was measured is written, each call in its
//! class, and the exit code says what happened.

use std::process::{Child, Stdio};
use std::time::Duration;

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::{RunFile, StoppedBy, Verdict};
use music21_mcp_proc::ProcessTree;
use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Bench, text};
use crate::server::Server;
use crate::wait::{until, until_it};

fn ticks(pid: u32) -> u64 {
    procfs::process::Process::new(pid.cast_signed())
        .and_then(|p| p.stat())
        .map_or(0, |stat| stat.utime + stat.stime)
}

/// Waits until the run has made calls, by the server's own CPU time.
fn until_it_works(run: &mut Child, server: &Server, idle: u64) {
    let works = || (ticks(server.child.id()) > idle + 5).then_some(());
    until_it(run, "calls are made", works);
}

/// A run starts others too: it asks Git and the compiler what they are.
fn is_server(pid: u32) -> bool {
    let command = procfs::process::Process::new(pid.cast_signed()).and_then(|process| process.cmdline());
    command.is_ok_and(|words| words.get(1).is_some_and(|verb| verb == "serve"))
}

/// A run with a server of its own, once that works.
fn run_with_own_server(arguments: &[&str]) -> (Bench, Child, u32) {
    let bench = Bench::new(arguments);
    let mut child = bench.command().spawn().unwrap();
    let own = child.id();
    let server = until_it(&mut child, "the run's own server works", || {
        ProcessTree::new([own]).pids().into_iter().find(|&pid| is_server(pid) && ticks(pid) > 5)
    });
    (bench, child, server)
}

fn is_alive(pid: u32) -> bool {
    procfs::process::Process::new(pid.cast_signed())
        .and_then(|p| p.stat())
        .is_ok_and(|stat| stat.state != 'Z')
}

#[test]
fn ctrl_c_leaves_no_server_of_ours() {
    let (bench, child, server) = run_with_own_server(&["concurrent", "--clients", "2", "--duration", "600"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(!is_alive(server));
    assert!(!bench.result().complete);
}

#[test]
fn a_second_ctrl_c_waits_for_nothing_and_leaves_no_server_either() {
    let arguments = ["concurrent", "--clients", "2", "--duration", "600", "--deadline", "300"];
    let (bench, mut child, server) = run_with_own_server(&arguments);
    // On a busy machine its server is there long before its first call.
    until("it writes its first result", || bench.path().exists().then_some(()));
    let frozen = Pid::from_raw(server.cast_signed()).unwrap();
    kill_process(frozen, Signal::STOP).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    // What comes at once with the first is the same wish.
    until("it ends", || {
        std::thread::sleep(Duration::from_millis(100));
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        child.try_wait().unwrap()
    });
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    // Killed, and buried when the system comes to it: nothing waits for that either.
    until("its server ends", || (!is_alive(server)).then_some(()));
    // Written whole or not at all.
    assert!(!bench.result().complete);
}

#[test]
fn two_signals_at_once_are_one_and_what_was_measured_is_written() {
    let (bench, child, server) = run_with_own_server(&["concurrent", "--clients", "2", "--duration", "600"]);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(!is_alive(server));
    let result = bench.result();
    assert!(!result.complete && result.scenarios[0].verdict == Verdict::Interrupted);
}

#[test]
fn a_signal_before_the_server_answers_is_on_file_too() {
    let bench = Bench::new(&["memory", "--server", "sleep 1000"]);
    let child = bench.command().stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let listens = || {
        let status =
            procfs::process::Process::new(child.id().cast_signed()).and_then(|process| process.status());
        status.is_ok_and(|status| status.sigcgt & (1 << (Signal::TERM.as_raw() - 1)) != 0).then_some(())
    };
    until("it listens for signals", listens);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("Interrupted: 'memory', with 0 of 1 stages"),
        "{}",
        text(&output.stdout)
    );
    let result = bench.result();
    assert!(!result.complete && result.scenarios[0].name == "memory");
}

#[test]
fn a_run_that_is_killed_leaves_no_server_of_ours() {
    let (_bench, mut child, server) =
        run_with_own_server(&["concurrent", "--clients", "2", "--duration", "600"]);
    child.kill().and_then(|()| child.wait()).unwrap();
    // It sees its pipe close.
    until("its server ends", || (!is_alive(server)).then_some(()));
}

fn until_calls_are_written(child: &mut Child, bench: &Bench) {
    until_it(child, "a first figure is written", || {
        let file: RunFile = serde_json::from_slice(&std::fs::read(bench.path()).ok()?).ok()?;
        let stage = file.scenarios.first()?.stages.first()?;
        (stage.accounts.count(Outcome::Ok) > 0).then_some(())
    });
}

#[test]
fn what_was_measured_outlives_a_run_that_is_killed() {
    let server = Server::start(&[]);
    let arguments = ["concurrent", "--clients", "2", "--duration", "600", "--server", &server.url];
    let bench = Bench::new(&arguments);
    let mut child = bench.command().spawn().unwrap();
    until_calls_are_written(&mut child, &bench);
    child.kill().and_then(|()| child.wait()).unwrap();
    let file = bench.result();
    let stage = &file.scenarios[0].stages[0];
    assert!(!file.complete && stage.accounts.count(Outcome::Ok) > 0, "{:?}", stage.accounts);
    assert_eq!(stage.stopped_by, StoppedBy::StillRunning);
    assert!(!stage.timeline.is_empty() && !stage.resources.is_empty());
}

#[test]
fn ctrl_c_writes_what_there_is() {
    let server = Server::start(&[]);
    let bench = Bench::new(&["concurrent", "--clients", "2", "--duration", "600", "--server", &server.url]);
    let mut child = bench.command().spawn().unwrap();
    // Before that it may come when the stage has begun and none of its calls.
    until_calls_are_written(&mut child, &bench);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let file = bench.result();
    assert!(!file.complete);
    assert_eq!(file.scenarios[0].verdict, Verdict::Interrupted);
    let stage = &file.scenarios[0].stages[0];
    assert!(stage.accounts.count(Outcome::Ok) > 0, "{:?}", stage.accounts);
    assert_eq!(stage.stopped_by, StoppedBy::Interrupt);
    let html = std::fs::read_to_string(bench.path().with_file_name("report.html")).unwrap();
    let heading = html.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0;
    assert!(heading.contains("Interrupted"), "{heading}");
    assert!(html.contains("id=\"scenario-0\"") && html.ends_with("</html>"), "it is whole");
}

#[test]
fn a_server_killed_in_the_middle_ends_every_call_in_a_class_and_the_run_with_4() {
    let server = Server::start(&[]);
    let idle = ticks(server.child.id());
    let bench =
        Bench::new(&["concurrent", "tools", "--clients", "2", "--duration", "4", "--server", &server.url]);
    let mut child = bench.command().spawn().unwrap();
    until_it_works(&mut child, &server, idle);
    kill_process(Pid::from_child(&server.child), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}{}", text(&output.stdout), text(&output.stderr));
    let file = bench.result();
    assert_eq!(file.scenarios[0].verdict, Verdict::ServerFailed);
    assert!(file.scenarios.len() == 1 && !file.complete, "the second was not run");
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
    let mut child = bench.command().spawn().unwrap();
    until_it_works(&mut child, &server, idle + 20);
    kill_process(Pid::from_child(&server.child), Signal::STOP).unwrap();
    let output = child.wait_with_output().unwrap();
    kill_process(Pid::from_child(&server.child), Signal::CONT).unwrap();
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let file = bench.result();
    let timed_out: u64 =
        file.scenarios[0].stages.iter().map(|stage| stage.accounts.count(Outcome::TimedOut)).sum();
    assert!(timed_out > 0 || file.scenarios[0].error.is_some(), "{}", text(&output.stdout));
}

#[test]
fn two_runs_do_not_write_into_one_directory() {
    let (bench, mut first, _) = run_with_own_server(&["concurrent", "--clients", "2", "--duration", "600"]);
    let second = bench.command().output().unwrap();
    let told = text(&second.stderr);
    assert_eq!(second.status.code(), Some(4), "{told}");
    assert!(told.contains(&format!("another run (process {}) writes into", first.id())), "{told}");
    kill_process(Pid::from_child(&first), Signal::INT).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(130));
}

#[test]
fn too_few_descriptors_are_told_before_a_server_is_blamed() {
    let bench = Bench::new(&["concurrent", "--clients", "200"]);
    let command = bench.command();
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "ulimit -n 128; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    let output = limited.output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(
        told.contains("200 sessions at once need 664 file descriptors and this process may open 128"),
        "{told}"
    );
}
