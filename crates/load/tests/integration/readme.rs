//! Every command of the program in README runs as printed; the verbs that the other documents name exist.
//!
//! Commands of the program run here, in a directory that looks like the repository; long ones are shortened by
//! `MUSIC21_BENCH_DURATION`, and a Python server is replaced by the embedded one. Those of `cargo bench` are run
//! with `--test` if `MUSIC21_BENCH_README` is set, as `.ci/run` does after it has built them.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What README calls the program.
const NAMES: [&str; 2] = ["cargo run --release -- ", "music21-mcp-bench "];

/// The lines of all shell blocks, comments and continuations resolved.
fn commands(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join(document)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines: Vec<String> = blocks
        .flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let without_comment = |line: String| line.split("  #").next().unwrap().trim().to_owned();
    lines.into_iter().map(without_comment).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn of_the_program(line: &str) -> Option<String> {
    NAMES.iter().find_map(|name| line.strip_prefix(name)).map(|arguments| format!("'{PROGRAM}' {arguments}"))
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
    let server = format!("\"'{PROGRAM}' serve --stdio --quiet\"");
    let line = line.replace("\"python -m music21_mcp.server_minimal\"", &server);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(directory).env("MUSIC21_BENCH_DURATION", "1");
    // .ci/timed sets it for tests; cargo would build everything anew for it.
    command.env_remove("RUSTC_BOOTSTRAP").output().unwrap()
}

/// Not run here, with where it is run instead.
const ELSEWHERE: [(&str, &str); 2] = [
    ("ab --baseline-server git:", "builds another revision for minutes; `tests/compare_ab.rs` runs `ab`"),
    ("serve --http", "serves until it is told to stop; `tests/embedded_serve.rs` talks to it"),
];

/// Passed, or what a busy machine and a server that is not installed may make of it.
fn is_an_answer(output: &Output) -> bool {
    matches!(output.status.code(), Some(0 | 1 | 3))
}

#[test]
fn every_command_of_the_program_runs_as_printed() {
    let directory = repository();
    let mut ran = 0;
    for line in commands("README.md") {
        let Some(command) = of_the_program(&line) else { continue };
        if let Some((_, reason)) = ELSEWHERE.iter().find(|(part, _)| line.contains(part)) {
            eprintln!("skipped: {line}: {reason}");
            continue;
        }
        let output = shell(&command, directory.path());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(is_an_answer(&output), "{line}: {:?} {told}", output.status.code());
        ran += 1;
    }
    assert!(ran >= 7, "{ran} commands found");
}

#[test]
fn the_scenario_of_readme_runs_and_all_its_calls_end_well() {
    let directory = repository();
    let text = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let scenario = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(directory.path().join("visitors.toml"), scenario).unwrap();
    let output = shell(&format!("'{PROGRAM}' run visitors.toml --out results --json"), directory.path());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(is_an_answer(&output), "{:?} {told}", output.status.code());
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ended = &result["scenarios"][0]["stages"][0]["accounts"]["ended"];
    assert_eq!(ended.as_object().unwrap().keys().collect::<Vec<_>>(), ["ok"], "{ended}");
}

#[test]
fn every_cargo_bench_of_readme_runs_once() {
    if std::env::var_os("MUSIC21_BENCH_README").is_none() {
        eprintln!("skipped: set MUSIC21_BENCH_README to build and run the benches of README");
        return;
    }
    let benches = commands("README.md").into_iter().filter(|line| line.contains("cargo bench"));
    let mut ran = 0;
    for line in benches.filter(|line| !line.contains("http://")) {
        let line = if line.contains(" -- ") { format!("{line} --test") } else { format!("{line} -- --test") };
        let output = shell(&line, Path::new(ROOT));
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        ran += 1;
    }
    assert!(ran >= 3, "{ran} commands found");
}

#[test]
fn every_verb_that_the_documents_name_exists() {
    let help = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for document in ["README.md", "METHODOLOGY.md", "baselines/README.md"] {
        for line in commands(document) {
            let Some(command) = of_the_program(&line) else { continue };
            let verb = command.split_whitespace().nth(1).unwrap().to_owned();
            assert!(help.contains(&format!("\n  {verb} ")), "{document}: {line}");
        }
    }
}
