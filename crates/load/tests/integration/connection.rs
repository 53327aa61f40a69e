//! The options of every verb that takes a server: which revision of the protocol, and how long a start may take.

use std::process::{Command, Output};

use crate::run::{Bench, PROGRAM, text};

fn program(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[test]
fn a_run_speaks_the_revision_that_it_is_told_and_unknown_ones_are_refused_with_those_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("one.toml");
    let steps = "steps = [{ tool = 'health_check' }]";
    let stage = "[[stages]]\nname = 'one'\nclients = 1\ncalls = 3\n[[stages.workload.flows]]";
    std::fs::write(&file, format!("name = 'one'\n{stage}\n{steps}\n")).unwrap();
    let file = file.to_str().unwrap();
    for revision in ["2025-06-18", "2026-07-28"] {
        let bench = Bench::new(&[file, "--server", "in-process", "--protocol", revision]);
        bench.command().output().unwrap();
        assert_eq!(bench.result().server.protocol, revision);
    }
    for verb in [&["run", file][..], &["ab", "--server", "x"], &["init"], &["baseline", "measure", "x"]] {
        let output = program(&[verb, &["--protocol", "1999-01-01"]].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{verb:?}: {said}");
        assert!(
            said.contains("2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"),
            "{verb:?}: {said}"
        );
    }
}

#[test]
fn a_start_may_take_as_long_as_it_is_told() {
    let server = "sh -c 'echo running on http://127.0.0.1:8000 >&2; echo ready; sleep 1000'";
    let output = program(&["init", "--server", server, "--start-timeout", "1s"]);
    assert_eq!(output.status.code(), Some(4));
    let said = text(&output.stderr);
    let expected = "no answer to initialize within 1s, stderr: running on http://127.0.0.1:8000, stdout: ready; \
                    it seems to serve HTTP: start it first, and give its URL instead";
    assert!(said.contains(expected), "{said}");
}
