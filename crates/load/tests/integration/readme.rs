//! What the documents print is true: their commands run as printed.
//!
//! Commands of the program run in a directory that looks like the repository. Long ones are shortened by
//! `MUSIC21_BENCH_DURATION`, and the embedded server stands in for the original. Those of `cargo bench` are run with
//! `--test`, on the smallest orchestra, and built as tests are, which share all their dependencies.

use std::collections::BTreeSet;
use std::path::Path;

use crate::documents::{PROGRAM, ROOT, blocks, documents, read, repository, said, shell};
use crate::server::Server;

/// What the documents call the program.
const NAMES: [&str; 2] = ["cargo run --release -- ", "music21-mcp-bench "];

/// What the documents say of the original, and what stands in for their other names.
const STDIO: &str = "\"python -m music21_mcp.server_minimal\"";
const URL: &str = "\"http://127.0.0.1:8769/mcp/\"";
const STAND_INS: [(&str, &str); 3] = [
    (" NAME", " embedded-quiet-2026-11-24"),
    (" OTHER", " embedded-2core-2026-11-24"),
    (" TARGET", " embedded"),
];

/// Commands of the program that are only parsed here, with where they run.
const ELSEWHERE: [(&str, &str); 18] = [
    ("ab --baseline-server git:", "builds another revision for minutes; compare_ab.rs runs `ab`"),
    ("ab --baseline-server \".venv", "forty rounds of two real servers; compare_ab.rs runs `ab`"),
    ("serve --http", "serves until a signal comes; serve.rs talks to it"),
    ("-- audit --quick", "five minutes of a quiet machine; audit_cli.rs runs `audit --quick`"),
    ("-- audit histogram", "half a minute; audit_cli.rs runs them with `--quick`"),
    ("-- audit --into", "24 minutes, and writes into the document; audit_cli.rs runs `--into`"),
    ("-- audit$", "24 minutes of a quiet machine"),
    ("init --server 'npx", "asks the network; init.rs runs it for a server that is here"),
    ("run large-scores", "a minute where nothing is optimised; run_scenarios.rs runs it"),
    ("run capacity --duration", "a search of several minutes; `audit capacity` makes one"),
    ("run memory", "warms up for two minutes; run_scenarios.rs runs it"),
    ("run recovery", "takes a minute; run_recovery.rs runs it"),
    ("run sessions", "takes half a minute; run_sessions.rs runs it"),
    ("baseline measure", "ten rounds of both servers; compare_workflow.rs measures fewer"),
    ("baseline save NAME --rounds", "needs five runs of `cargo bench`; compare_workflow.rs makes them"),
    ("baseline save NAME --from", "needs a clean checkout; compare_loads.rs has one"),
    ("compare NAME --from", "needs five more runs; compare_loads.rs makes them"),
    ("compare NAME --limit", "needs a run of `cargo bench`; compare_cli.rs has one"),
];

/// Exit codes other than 0 alone: part of the command, what it may end with, and why. The first row that fits counts.
const EXITS: [(&str, &[i32], &str); 5] = [
    ("-- run ", &[0, 3], "a second is too short for some bounds, and a busy machine makes a run INVALID"),
    ("music21-mcp-bench run ", &[0, 3], "likewise"),
    ("merge results", &[0, 3], "the shards may be INVALID"),
    ("report results --baseline", &[0, 3], "a run that is INVALID is no baseline"),
    (
        "compare NAME OTHER",
        &[3],
        "the second record was made on a busy machine, and its rounds differ too much",
    ),
];

/// Commands of other programs: how they begin, and why they are not run here.
const OTHER_PROGRAMS: [(&str, &str); 13] = [
    ("cargo test", "runs this test"),
    ("INSTA_UPDATE=always cargo test", "runs this test, and writes into the tree"),
    ("MUSIC21_EVERY_WORK=", "music21 takes an hour over it"),
    ("MUSIC21_WRITE_SCHEMA=1 cargo test", "writes into the tree; formats/schema.rs compares"),
    (".ci/run", "runs this test"),
    ("git clone", "asks the network"),
    ("python3 -m venv", "belongs to the original"),
    (". ../music21-mcp-server/", "belongs to the original"),
    ("pip install", "asks the network"),
    ("python -c \"from music21_mcp", "is the original"),
    ("python scripts/golden.py", "needs music21; the tests of music21-mcp-embedded run it"),
    ("scripts/", "needs k6 or chromium"),
    ("CLIENTS=1 scripts/", "needs k6"),
];

/// Commands of `cargo bench` that are not run, and why.
const NOT_BENCHED: [(&str, &str); 4] = [
    ("NAME", "names a record"),
    ("for r in", "five runs"),
    ("--profile-time", "measures, and cannot be only tested; tests/integration/profile.rs profiles"),
    ("MUSIC21_SAVE_INSTRUCTIONS", "writes into the tree"),
];

/// The lines of all shell blocks of all documents, each once.
fn commands() -> Vec<String> {
    commands_of(|_| true)
}

/// The lines of all shell blocks of some documents, each once, comments and continuations resolved.
fn commands_of(wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let documents = documents().into_iter().filter(|document| wanted(document.to_str().unwrap()));
    let texts = documents.map(|document| read(&document));
    let blocks = texts.flat_map(|text| blocks(&text, "sh"));
    let lines =
        blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>());
    let plain = lines.map(|line| line.split("  #").next().unwrap().trim().to_owned());
    plain.filter(|line| !line.is_empty() && !line.starts_with('#') && seen.insert(line.clone())).collect()
}

fn is_of_the_program(line: &str) -> bool {
    NAMES.iter().any(|name| line.contains(name))
}

/// The line with the program that was built in place of its name, and servers and records that are here.
fn runnable(line: &str, url: &str) -> String {
    let program = format!("'{PROGRAM}' ");
    let line = NAMES.iter().fold(line.to_owned(), |line, name| line.replace(name, &program));
    let line = line.replace(STDIO, &format!("\"'{PROGRAM}' serve --stdio --quiet\""));
    let line = line.replace(URL, &format!("\"{url}\""));
    STAND_INS.iter().fold(line, |line, (name, stand_in)| line.replace(name, stand_in))
}

/// A part that ends in `$` is the end of the line.
fn has(line: &str, part: &str) -> bool {
    part.strip_suffix('$').map_or_else(|| line.contains(part), |end| line.ends_with(end))
}

/// The reference of scenarios uses what its own commands leave; the others need nothing of each other either.
const REFERENCE: &str = "docs/scenarios.md";

#[test]
fn every_command_of_the_reference_runs_as_printed() {
    run_commands_of(|document| document == REFERENCE);
}

#[test]
fn every_command_of_the_other_manuals_runs_as_printed() {
    run_commands_of(|document| document.starts_with("docs/") && document != REFERENCE);
}

#[test]
fn every_command_of_the_pages_at_the_top_runs_as_printed() {
    run_commands_of(|document| !document.starts_with("docs/"));
}

fn run_commands_of(wanted: impl Fn(&str) -> bool) {
    let (directory, server) = (repository(), Server::start(&[]));
    let lines: Vec<String> = commands_of(wanted).into_iter().filter(|line| is_of_the_program(line)).collect();
    assert!(lines.len() >= 5, "{lines:?}");
    for line in lines {
        let run = runnable(&line, &server.url);
        if let Some((_, reason)) = ELSEWHERE.iter().find(|(part, _)| has(&line, part)) {
            let output = shell(&format!("{run} --help"), directory.path());
            assert_eq!(output.status.code(), Some(0), "{reason}, but: {}", said(&line, &output));
            continue;
        }
        let row = EXITS.iter().find(|(part, ..)| has(&line, part));
        let (exits, reason) = row.map_or((&[0][..], ""), |(_, exits, reason)| (*exits, *reason));
        let output = shell(&run, directory.path());
        let code = output.status.code().unwrap();
        assert!(exits.contains(&code), "{exits:?} {reason}, but: {}", said(&line, &output));
    }
}

#[test]
fn every_exception_has_a_command_that_needs_it() {
    let lines = commands();
    let rows = ELSEWHERE.iter().map(|(part, _)| *part).chain(EXITS.iter().map(|(part, ..)| *part));
    let unused: Vec<&str> = rows.filter(|part| !lines.iter().any(|line| has(line, part))).collect();
    assert!(unused.is_empty(), "no document has these any more: {unused:?}");
}

#[test]
fn every_other_command_is_known_and_the_scripts_exist() {
    let of_others = |line: &String| !is_of_the_program(line) && !line.contains("cargo bench");
    for line in commands().into_iter().filter(of_others) {
        let known = OTHER_PROGRAMS.iter().any(|(start, _)| line.starts_with(start));
        assert!(known, "not run by any test: {line}");
        for word in line.split(' ').filter(|word| word.starts_with("scripts/") || *word == ".ci/run") {
            assert!(Path::new(ROOT).join(word).exists(), "{line}");
        }
    }
}

#[test]
fn every_cargo_bench_of_the_documents_runs_once() {
    let server = Server::start(&[]);
    let benches = commands().into_iter().filter(|line| line.contains("cargo bench"));
    let wanted = benches.filter(|line| !NOT_BENCHED.iter().any(|(part, _)| line.contains(part)));
    let once = wanted.map(|line| match (line.contains("--test"), line.contains(" -- ")) {
        (true, _) => line,
        (false, true) => format!("{line} --test"),
        (false, false) => format!("{line} -- --test"),
    });
    let lines: BTreeSet<String> = once.collect();
    for line in &lines {
        let run = runnable(line, &server.url);
        let run =
            run.replace("cargo bench", "MUSIC21_BENCH_PRESETS=20x100 cargo bench --profile dev --locked");
        let output = shell(&run, Path::new(ROOT));
        assert!(output.status.success(), "{}", said(line, &output));
    }
    assert!(lines.len() >= 5, "{lines:?}");
}
