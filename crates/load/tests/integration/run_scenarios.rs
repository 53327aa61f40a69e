//! Every scenario on the embedded server, briefly: the results can be read and their accounts add up.

use std::process::Output;

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::measure::token_bucket::LimiterVerdict as Limiter;
use music21_mcp_load::result::{Definition, StoppedBy, Verdict};

use crate::run::{Bench, PROGRAM, text};
use crate::server::Server;

/// 0, or 3 where the machine was so busy that the load was not delivered.
fn passed(output: &Output) {
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 3)), "{code:?} {}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn concurrent_clients_each_live_a_scores_life() {
    let bench = Bench::new(&["concurrent", "--clients", "3", "--duration", "2"]);
    passed(&bench.command().output().unwrap());
    let file = bench.result();
    assert!(file.complete);
    assert_eq!(file.server.transport, "http", "the embedded server is a process of its own");
    let stage = &file.scenarios[0].stages[0];
    assert_eq!(stage.clients, 3);
    assert_eq!(stage.tools.len(), 5, "{:?}", stage.tools.keys());
    assert_eq!(
        stage.accounts.count(Outcome::Ok) + stage.accounts.count(Outcome::Cancelled),
        stage.accounts.sent
    );
    assert!(stage.resources.iter().any(|at| at.sample.rss_anon_bytes > 0), "its process was watched");
}

#[test]
fn the_embedded_server_can_share_our_process_and_says_so() {
    let bench = Bench::new(&["tools", "--duration", "1", "--server", "in-process"]);
    passed(&bench.command().output().unwrap());
    let file = bench.result();
    assert!(file.server.shares_our_process);
    assert_eq!(file.server.transport, "in-process");
}

#[test]
fn over_stdio_clients_beyond_the_cap_are_not_started_and_a_note_says_so() {
    let server = format!("'{PROGRAM}' serve --stdio --quiet");
    let bench = Bench::new(&[
        "concurrent",
        "--clients",
        "9",
        "--max-processes",
        "2",
        "--duration",
        "1",
        "--server",
        &server,
    ]);
    passed(&bench.command().output().unwrap());
    let scenario = &bench.result().scenarios[0];
    assert_eq!(scenario.stages[0].clients, 2);
    assert!(scenario.notes[0].contains("9 clients"), "{:?}", scenario.notes);
    assert!(scenario.stages[0].resources.iter().any(|at| at.sample.processes == 2));
}

#[test]
fn open_loops_offer_what_their_schedule_says() {
    let bench = Bench::new(&["stability", "--duration", "3", "--rate", "40"]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    let arrivals = scenario.checks.iter().find(|check| check.name == "day: arrivals").unwrap();
    assert_eq!(arrivals.verdict, Verdict::Pass, "{} {}", arrivals.text, text(&output.stdout));
    assert!(scenario.stages[0].open_loop);
    let stage = &scenario.stages[0];
    for phase in ["business hours", "peak hour, first", "peak hour, last", "off-peak, after"] {
        assert!(stage.phases.contains_key(phase), "{phase}: {:?}", stage.phases.keys());
    }
    assert_eq!((stage.scores_before, stage.backlog_after_ramps.len()), (Some(0), 1));
    let scores = scenario.checks.iter().find(|check| check.name.starts_with("day: scores")).unwrap();
    assert_eq!(scores.verdict, Verdict::Pass, "{}", scores.text);
}

#[test]
fn memory_without_a_window_is_no_verdict() {
    let toml = "name = 'm'\nprepare = [{ tool = 'key_analysis', arguments = { score_id = 'nobodys' } }]\n\
                [thresholds]\nmax_memory_mb_per_min = 1.0\n[[stages]]\nname = 's'\nclients = 1\ncalls = 3\n\
                [[stages.workload.flows]]\nsteps = [{ tool = 'list_scores' }]\n";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    std::fs::write(&path, toml).unwrap();
    let bench = Bench::new(&[path.to_str().unwrap()]);
    assert_eq!(bench.command().output().unwrap().status.code(), Some(3));
    let scenario = &bench.result().scenarios[0];
    assert_eq!(scenario.stages[0].leak, None);
    let failed = |note: &String| note.starts_with("preparation: key_analysis: tool_error: ");
    assert!(
        scenario.notes.iter().any(failed),
        "what went wrong before everything is said: {:?}",
        scenario.notes
    );
}

#[test]
fn a_server_that_keeps_its_exports_is_found_out_by_cleanup() {
    let directory = tempfile::tempdir().unwrap();
    let exports = directory.path().to_str().unwrap();
    let server = format!("'{PROGRAM}' serve --stdio --quiet --keep-exports --export-dir '{exports}'");
    let bench = Bench::new(&["cleanup", "--quick", "--server", &server]);
    let output = bench.command().output().unwrap();
    let scenario = &bench.result().scenarios[0];
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let verdict = |name: &str| scenario.checks.iter().find(|check| check.name == name).unwrap().verdict;
    assert_eq!(verdict("files of exports"), Verdict::Fail);
    assert_eq!(verdict("scores held"), Verdict::Pass);
    assert_eq!(verdict("round 3: answers"), Verdict::Pass);
}

#[test]
fn the_first_try_passes_and_leaves_nothing_behind() {
    let bench = Bench::new(&["cleanup", "--quick"]);
    let output = bench.command().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn our_own_server_holds_the_scores_of_all_clients() {
    let bench = Bench::new(&["concurrent", "--clients", "120", "--duration", "3"]);
    let output = bench.command().output().unwrap();
    let stage = &bench.result().scenarios[0].stages[0];
    // The original holds 100, and would have evicted those of twenty.
    assert_eq!(stage.accounts.count(Outcome::ToolError), 0, "{}", text(&output.stdout));
    assert!(stage.accounts.count(Outcome::Ok) > 120, "{}", text(&output.stdout));
}

#[test]
fn failures_for_want_of_room_say_so() {
    let server = Server::start(&["--max-scores", "2"]);
    let bench = Bench::new(&["concurrent", "--clients", "8", "--duration", "2", "--server", &server.url]);
    let output = bench.command().output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("evicts the oldest"), "{}", text(&output.stdout));
}

#[test]
fn no_limiter_found_is_an_answer() {
    let bench = Bench::new(&["rate-limit"]);
    let output = bench.command().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let report = bench.result().scenarios[0].rate_limit.clone().unwrap();
    assert_eq!(report.verdict, Limiter::NoLimiter);
}

#[test]
fn a_limiter_of_another_capacity_than_declared_fails() {
    let server = format!("'{PROGRAM}' serve --stdio --quiet --rate-limit 8/20s");
    let bench = Bench::new(&["rate-limit", "--rate-limit", "5/20s", "--server", &server]);
    let output = bench.command().output().unwrap();
    // A machine too busy for the estimates inconclusive; the wrong answer would be to pass.
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}", text(&output.stdout));
}

#[test]
fn a_threshold_that_does_not_hold_is_exit_code_1() {
    let server = format!("'{PROGRAM}' serve --stdio --quiet --fault tool-error=2");
    let toml = format!(
        "name = 'strict'\nserver = \"{server}\"\n[thresholds]\nmin_success = 0.9\n[[stages]]\nname = 's'\nclients = 1\n\
         calls = 60\n[[stages.workload.flows]]\nsteps = [{{ tool = 'list_scores' }}]\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("strict.toml");
    std::fs::write(&path, toml).unwrap();
    let bench = Bench::new(&[path.to_str().unwrap()]);
    let output = bench.command().output().unwrap();
    let result = bench.result();
    let scenario = &result.scenarios[0];
    assert_eq!(scenario.stages[0].accounts.count(Outcome::ToolError), 30);
    assert_eq!(scenario.checks[0].verdict, Verdict::Fail, "{:?}", scenario.checks);
    // Also on a machine too busy for times: these are counts.
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn what_init_writes_can_be_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.toml");
    let path = path.to_str().unwrap();
    let init = || std::process::Command::new(PROGRAM).args(["init", "--output", path]).status().unwrap();
    assert!(init().success());
    let definition = Definition::from_toml(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(definition.stages[0].workload.flows.len(), 7, "nine tools, two of which surround the others");
    assert_eq!(init().code(), Some(4), "a file is never overwritten");
    let bench = Bench::new(&[path, "--duration", "1", "--clients", "1"]);
    passed(&bench.command().output().unwrap());
    bench.result();
}

#[test]
fn what_does_not_exist_is_a_wrong_command_line() {
    for (arguments, expected) in [
        (&["run", "nonsense"][..], "unknown scenario 'nonsense'; use one of tools, concurrent,"),
        (&["run", "absent.toml"], "cannot read 'absent.toml'"),
        (&["run", "rate-limit", "--rate-limit", "10/1s,no-cap"], "a declared limit has no kind"),
        (&["run", "tools", "--objective", "1s"], "--objective changes nothing in what is to be run"),
        (&["run", "memory", "quick", "--rate-limit", "10/1s", "--hours", "3"], "--hours changes nothing"),
        (&["run", "tools", "quick"], "the scenario 'tools' is named twice"),
        (&["run", "tools", "--server", " "], "it is empty; name a command line, a URL"),
        (&["explain", "nonsense"], "unknown scenario 'nonsense'"),
        (&["run", "capasity"], "unknown scenario 'capasity' (did you mean 'capacity'?); use one of"),
        (&["explain", "quick", "--toml"], "'quick' is several scenarios"),
    ] {
        let output = std::process::Command::new(PROGRAM).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}

#[test]
fn a_server_that_is_not_there_is_the_environments_fault() {
    let bench = Bench::new(&["tools", "--server", "http://127.0.0.1:1/mcp"]);
    let output = bench.command().output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("start the server first"), "{}", text(&output.stderr));
}

#[test]
fn list_and_explain_name_every_scenario() {
    let say = |arguments: &[&str]| {
        text(&std::process::Command::new(PROGRAM).args(arguments).output().unwrap().stdout)
    };
    let list = say(&["list"]);
    for scenario in &music21_mcp_load::scenario::SCENARIOS {
        assert!(list.contains(scenario.name));
        let explained = say(&["explain", scenario.name]);
        assert!(explained.contains("cannot show"), "{}: say what it cannot show", scenario.name);
        Definition::from_toml(&say(&["explain", scenario.name, "--toml"])).unwrap();
    }
    let quick = say(&["explain", "quick"]);
    assert!(quick.starts_with("tools: ") && quick.contains("\n\ncleanup: "), "{quick}");
}

#[test]
fn a_stage_whose_memory_raises_no_doubt_ends_with_its_duration() {
    let toml = "name = 'm'\n[[stages]]\nname = 's'\nclients = 1\nrate_per_s = 50.0\nduration_s = 0.5\n\
                extend_to_s = 900.0\n[[stages.workload.flows]]\nsteps = [{ tool = 'list_scores' }]\n";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    std::fs::write(&path, toml).unwrap();
    let bench = Bench::new(&[path.to_str().unwrap()]);
    let output = bench.command().output().unwrap();
    let stage = &bench.result().scenarios[0].stages[0];
    assert_eq!(stage.stopped_by, StoppedBy::Duration, "{}", text(&output.stdout));
    assert!(stage.accounts.sent < 45_000 && bench.result().complete);
}

#[test]
fn large_scores_end_in_one_table_of_sizes() {
    let bench = Bench::new(&["large-scores", "--quick"]);
    let output = bench.command().output().unwrap();
    passed(&output);
    let shown = text(&output.stdout);
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    let head = ["size", "import", "info", "key", "harmony", "export", "peak", "MB"];
    assert!(rows.iter().any(|row| row[..] == head[..] || row.concat() == head.concat()), "{shown}");
    for size in ["20x100", "50x200"] {
        let row = rows.iter().find(|row| row.first() == Some(&size)).unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(row.len(), 7, "{shown}");
        assert!(row[6].parse::<f64>().unwrap() > 1.0, "{shown}");
    }
}
