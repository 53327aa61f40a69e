//! `run --profile`: flamegraphs of this process and of the server, and a run that goes on without them.

mod run;

use std::path::{Path, PathBuf};
use std::process::Command;

use run::Bench;

/// The flamegraphs of a run and what its notes say.
struct Profiled {
    bench: Bench,
    notes: Vec<String>,
}

fn profiled(arguments: &[&str], path: Option<&Path>) -> Profiled {
    let bench = Bench::new(&[&["tools", "--duration", "3", "--profile"], arguments].concat());
    let mut command = bench.command();
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().unwrap();
    assert!(!output.stdout.is_empty(), "{}", run::text(&output.stderr));
    let notes = bench.result().scenarios[0].notes.clone();
    Profiled { bench, notes }
}

impl Profiled {
    fn flamegraph(&self, name: &str) -> Option<String> {
        let directory: PathBuf = self.bench.path().with_file_name("flamegraphs");
        std::fs::read_to_string(directory.join(format!("tools-one-client-{name}.svg"))).ok()
    }

    fn refusal(&self) -> Option<&String> {
        self.notes.iter().find(|note| note.contains("server not profiled"))
    }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_run_goes_on_where_no_sampler_is_installed() {
    let nowhere = tempfile::tempdir().unwrap();
    let run = profiled(&[], Some(nowhere.path()));
    let refusal = run.refusal().expect("a line says why");
    assert!(refusal.contains("perf is not on PATH; install"), "{refusal}");
    assert!(
        run.flamegraph("own-process")
            .expect("our own process needs no sampler")
            .contains("music21_mcp_bench")
    );
    assert!(run.flamegraph("server").is_none());
}

#[test]
fn a_run_goes_on_where_the_kernel_refuses_a_sampler() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let perf = directory.path().join("perf");
    std::fs::write(&perf, "#!/bin/sh\necho 'Access to performance monitoring is limited.' >&2\nexit 255\n")
        .unwrap();
    std::fs::set_permissions(&perf, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = profiled(&[], Some(directory.path()));
    let refusal = run.refusal().expect("a line says why");
    assert!(refusal.ends_with("perf gave up: Access to performance monitoring is limited."), "{refusal}");
    assert!(run.flamegraph("own-process").is_some());
}

#[test]
fn a_native_server_has_a_flamegraph_of_all_calls_and_one_of_a_tool() {
    if !is_installed("perf") {
        eprintln!("skipped: perf is not installed");
        return;
    }
    let run = profiled(&[], None);
    if let Some(refusal) = run.refusal() {
        eprintln!("skipped: {refusal}");
        return;
    }
    let svg = run.flamegraph("server").expect("perf was let in");
    assert!(svg.contains("music21_mcp_bench::embedded"), "the server's own functions are named");
}

#[test]
fn a_python_server_has_a_flamegraph_of_its_python_functions() {
    let python = std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import fastmcp, music21"]).output();
    if !is_installed("py-spy") || !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: py-spy, or fastmcp and music21 (set MUSIC21_PYTHON), are not installed");
        return;
    }
    let server = format!("{python} {}/tests/servers/music21_server.py", env!("CARGO_MANIFEST_DIR"));
    let run = profiled(&["--server", &server], None);
    if let Some(refusal) = run.refusal() {
        eprintln!("skipped: {refusal}");
        return;
    }
    assert!(run.flamegraph("server").expect("py-spy was let in").contains("servers/music21_server.py"));
}

#[test]
fn a_server_in_this_process_is_in_our_own_flamegraph() {
    let run = profiled(&["--server", "embedded"], None);
    assert_eq!(run.refusal(), None);
    assert!(run.flamegraph("own-process").unwrap().contains("music21_mcp_bench::embedded"));
}
