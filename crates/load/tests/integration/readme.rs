//! What the documents print is true: their commands run as printed, their links lead somewhere, their scenario files load,
//! and README stays short.
//!
//! Commands of the program run in a directory that looks like the repository. Long ones are shortened by
//! `MUSIC21_BENCH_DURATION`, and the embedded server stands in for the original. Those of `cargo bench` are run with
//! `--test` if `MUSIC21_BENCH_README` is set, as `.ci/run` does after it has built them.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::server::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What the documents call the program.
const NAMES: [&str; 2] = ["cargo run --release -- ", "music21-mcp-bench "];
/// More is a manual, and belongs into docs/.
const WORDS_OF_README: usize = 1200;

/// What the documents say of the original, and what stands in for their other names.
const STDIO: &str = "\"python -m music21_mcp.server_minimal\"";
const URL: &str = "\"http://127.0.0.1:8769/mcp/\"";
const STAND_INS: [(&str, &str); 3] = [
    (" NAME", " embedded-quiet-2026-11-24"),
    (" OTHER", " embedded-2core-2026-11-24"),
    (" TARGET", " embedded"),
];

/// Commands of the program that are only parsed here, with where they run.
const ELSEWHERE: [(&str, &str); 13] = [
    ("ab --baseline-server git:", "builds another revision for minutes; compare_ab.rs runs `ab`"),
    ("serve --http", "serves until a signal comes; serve.rs talks to it"),
    ("-- audit --quick", "two minutes of a quiet machine; audit_cli.rs runs `audit --quick`"),
    ("-- audit --into", "twelve minutes, and writes into the document; audit_cli.rs runs `--into`"),
    ("-- audit$", "twelve minutes of a quiet machine"),
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
const EXITS: [(&str, &[i32], &str); 7] = [
    ("run quick", &[1], "`cleanup` finds the exports that the embedded server leaves on the disk"),
    ("-- run ", &[0, 3], "a second is too short for some bounds, and a busy machine makes a run INVALID"),
    ("music21-mcp-bench run ", &[0, 3], "likewise"),
    ("merge results", &[0, 3], "the shards may be INVALID"),
    ("report results --baseline", &[0, 3], "a run that is INVALID is no baseline"),
    ("audit histogram", &[0, 3], "a busy machine leaves an audit open"),
    (
        "compare NAME OTHER",
        &[3],
        "the second record was made on a busy machine, and its rounds differ too much",
    ),
];

/// Commands of other programs: how they begin, and why they are not run here.
const OTHER_PROGRAMS: [(&str, &str); 12] = [
    ("cargo test", "runs this test"),
    ("INSTA_UPDATE=always cargo test", "runs this test, and writes into the tree"),
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

fn documents() -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "baselines/README.md"].map(PathBuf::from).into();
    let docs =
        std::fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut docs: Vec<PathBuf> = docs.map(|name| Path::new("docs").join(name)).collect();
    docs.retain(|path| path.extension().is_some_and(|end| end == "md"));
    docs.sort();
    names.extend(docs);
    names
}

fn read(document: &Path) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(document)).unwrap()
}

/// The fenced blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The lines of all shell blocks of all documents, each once, comments and continuations resolved.
fn commands() -> Vec<String> {
    let mut seen = BTreeSet::new();
    let texts = documents().into_iter().map(|document| read(&document));
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

/// The repository but for what is built and what the commands write.
fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(ROOT).unwrap().map(Result::unwrap) {
        if !["target", "results", "baselines"].contains(&entry.file_name().to_str().unwrap()) {
            symlink(entry.path(), directory.path().join(entry.file_name())).unwrap();
        }
    }
    let baselines = directory.path().join("baselines");
    std::fs::create_dir(&baselines).unwrap();
    for entry in std::fs::read_dir(Path::new(ROOT).join("baselines")).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), baselines.join(entry.file_name())).unwrap();
    }
    directory
}

fn shell(line: &str, directory: &Path) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(directory).env("MUSIC21_BENCH_DURATION", "1");
    // .ci/timed sets it for tests; cargo would build everything anew for it.
    command.env_remove("RUSTC_BOOTSTRAP").output().unwrap()
}

/// A command, what it was run as, and what it said.
fn said(line: &str, output: &Output) -> String {
    format!("{line}\n{:?}\n{}", output.status.code(), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_command_of_the_program_runs_as_printed() {
    let (directory, server) = (repository(), Server::start(&[]));
    let mut used = BTreeSet::new();
    for line in commands().into_iter().filter(|line| is_of_the_program(line)) {
        let run = runnable(&line, &server.url);
        if let Some((part, reason)) = ELSEWHERE.iter().find(|(part, _)| has(&line, part)) {
            used.insert(*part);
            let output = shell(&format!("{run} --help"), directory.path());
            assert_eq!(output.status.code(), Some(0), "{reason}, but: {}", said(&line, &output));
            continue;
        }
        let row = EXITS.iter().find(|(part, ..)| has(&line, part));
        used.extend(row.map(|(part, ..)| *part));
        let (exits, reason) = row.map_or((&[0][..], ""), |(_, exits, reason)| (*exits, *reason));
        let output = shell(&run, directory.path());
        let code = output.status.code().unwrap();
        assert!(exits.contains(&code), "{exits:?} {reason}, but: {}", said(&line, &output));
    }
    let rows = ELSEWHERE.iter().map(|(part, _)| *part).chain(EXITS.iter().map(|(part, ..)| *part));
    let unused: Vec<&str> = rows.filter(|part| !used.contains(part)).collect();
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
    if std::env::var_os("MUSIC21_BENCH_README").is_none() {
        eprintln!("skipped: set MUSIC21_BENCH_README to build and run the benches of the documents");
        return;
    }
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
        let output = shell(&runnable(line, &server.url), Path::new(ROOT));
        assert!(output.status.success(), "{}", said(line, &output));
    }
    assert!(lines.len() >= 5, "{lines:?}");
}

/// Classes in which calls may end while their server is killed.
const LOST: [&str; 4] = ["transport_closed", "connect_error", "session_expired", "timed_out"];

/// Runs one, shortened, and says how its calls ended.
fn try_example(path: &Path, directory: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let question = text.split("\n#\n").next().unwrap();
    assert!(question.starts_with("# ") && question.ends_with('?'), "{name} begins with what it answers");
    assert!(text.contains(&format!("run examples/{name} ")), "{name} says how it is run");
    let out = directory.join(name);
    let line = format!("'{PROGRAM}' run examples/{name} --duration 2 --out '{}' --json", out.display());
    let output = shell(&line, directory);
    // Two seconds are too few for some bounds, and for a recovery; a busy machine makes a run INVALID.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", said(name, &output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let scenario = &result["scenarios"][0];
    let stages = scenario["stages"].as_array().unwrap();
    assert!(!stages.is_empty() || scenario["rate_limit"].is_object(), "{name} made no calls");
    for ended in stages.iter().map(|stage| stage["accounts"]["ended"].as_object().unwrap()) {
        let may_be = |class: &str| class == "ok" || text.contains("\nfault = ") && LOST.contains(&class);
        assert!(ended.contains_key("ok") && ended.keys().all(|class| may_be(class)), "{name}: {ended:?}");
    }
}

#[test]
fn every_example_loads_and_its_calls_end_well() {
    let directory = repository();
    let files = std::fs::read_dir(Path::new(ROOT).join("examples")).unwrap();
    let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.iter().for_each(|path| try_example(path, directory.path()));
    assert!(files.len() >= 4, "{files:?}");
}

#[test]
fn the_file_that_the_reference_shows_is_the_example() {
    let shown = blocks(&read(Path::new("docs/scenarios.md")), "toml");
    assert_eq!(shown, [read(Path::new("examples/visitors.toml"))]);
}

#[test]
fn readme_is_a_page_and_no_manual() {
    let words = read(Path::new("README.md")).split_whitespace().count();
    assert!(words <= WORDS_OF_README, "{words} words");
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

fn has_anchor(text: &str, wanted: &str) -> bool {
    prose(text)
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .any(|line| anchor(line.trim_start_matches('#')) == wanted)
}

fn check_link(document: &Path, link: &str) {
    let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
    let file = match path {
        "" => Path::new(ROOT).join(document),
        path => Path::new(ROOT).join(document).parent().unwrap().join(path),
    };
    assert!(file.exists(), "{}: {link}", document.display());
    if !wanted.is_empty() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(has_anchor(&text, wanted), "{}: {link}", document.display());
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut checked = 0;
    for document in documents() {
        let text = prose(&read(&document));
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.contains("://")) {
            check_link(&document, link);
            checked += 1;
        }
    }
    assert!(checked >= 50, "{checked} links found");
}
