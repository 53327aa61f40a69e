//! A server's command line with variables in front: they reach the server, and their values end there.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use music21_mcp_load::result::{RunFile, Verdict};

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");
const SECRET: &str = "hunter2";

fn program(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server whose temporary directory is one of the user's, and which is told a secret.
fn server(temporary: &Path, secret: &str) -> String {
    format!("TMPDIR='{}' API_KEY={secret} '{PROGRAM}' serve --stdio --quiet", temporary.display())
}

/// A generated score is sent as a file, which the server reads from its own temporary directory only.
fn run(directory: &Path, secret: &str, out: &str) -> RunFile {
    let scenario = "name = 'file'\nscores = [{ name = 'orchestra', parts = 2, measures = 4 }]\n[[stages]]\n\
        name = 'one'\nclients = 1\ncalls = 3\n[[stages.workload.flows]]\nsteps = [{ tool = 'import_score', \
        arguments = { score_id = '{{nonce}}', source = '{{score:orchestra}}', source_type = 'file' } }]\n";
    std::fs::write(directory.join("file.toml"), scenario).unwrap();
    let temporary = directory.join("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let arguments = ["run", "file.toml", "--out", out, "--server", &server(&temporary, secret)];
    let output = program(&arguments, directory);
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(!all.contains(secret), "{all}");
    assert!(std::fs::read_dir(&temporary).unwrap().next().is_none(), "what was handed over is removed");
    let result = std::fs::read(directory.join(out).join("result.json")).unwrap();
    serde_json::from_slice(&result).unwrap()
}

/// Files below the directory that hold the secret.
fn leaks(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path));
        } else if text(&std::fs::read(&path).unwrap()).contains(SECRET) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_run_hands_scores_over_in_the_users_own_directory_and_writes_no_value_of_a_variable() {
    let directory = tempfile::tempdir().unwrap();
    let file = run(directory.path(), SECRET, "one");
    assert_eq!(file.scenarios[0].verdict, Verdict::Pass, "{:?}", file.scenarios[0].checks);
    assert!(file.server.spec.starts_with("TMPDIR=… API_KEY=… "), "{}", file.server.spec);
    assert_eq!(leaks(directory.path()), Vec::<String>::new());
    let other = run(directory.path(), "letmein", "two");
    assert_eq!(file.server.spec, other.server.spec);
    assert_ne!(file.server.launch_sha256, other.server.launch_sha256);
    let saved = program(&["baseline", "save", "b", "--from", "one", "two"], directory.path());
    let why = text(&saved.stderr);
    assert!(
        !saved.status.success() && why.contains("server"),
        "another server is no round of the same: {why}"
    );
}

#[test]
fn ab_hands_its_score_over_in_the_users_own_directory_and_writes_no_value_of_a_variable() {
    let directory = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let server = server(temporary.path(), SECRET);
    let measure = ["baseline", "measure", "one", "--slot", "1ms", "--entry", "score_info", "--rounds", "5"];
    let output = program(&[&measure[..], &["--server", &server]].concat(), directory.path());
    // A busy machine may make the two copies differ; the record is then marked invalid, and 3 says so.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stderr));
    assert!(directory.path().join("baselines/one.json").is_file());
    assert_eq!(leaks(directory.path()), Vec::<String>::new());
    assert!(!text(&output.stderr).contains(SECRET), "{}", text(&output.stderr));
}
