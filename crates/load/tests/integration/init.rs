//! `init` for servers of every kind: what it writes can be run as it is, and says what it leaves to the user.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use music21_mcp_bench::client::Outcome;
use music21_mcp_bench::server::{ServerOptions, ServerUnderTest};
use music21_mcp_load::result::Definition;
use serde_json::Value;
use tempfile::TempDir;

use crate::python::{has, python};
use crate::run::{PROGRAM, text};
use crate::server::Server;
use crate::skip::skip;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// A server with the tools of a file.
fn server(tools: &Path) -> String {
    format!("'{}' '{FIXTURES}/listed.py' '{}'", python(), tools.display())
}

/// Whether there is any Python; its own library is enough for these servers.
fn has_python() -> bool {
    let there = has("sys");
    if !there {
        skip("no-python", "Python 3; MUSIC21_PYTHON names an interpreter");
    }
    there
}

fn program(directory: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).output().unwrap()
}

/// What it said on stderr, but for what it waited for, which depends on the machine.
fn said(output: &Output) -> String {
    let all = text(&output.stderr);
    all.lines().filter(|line| !line.starts_with("waiting for ")).map(|line| format!("{line}\n")).collect()
}

/// A server with these tools, and where `init` may write.
fn with_tools(tools: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tools.json");
    std::fs::write(&path, tools).unwrap();
    (directory, server(&path))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_takes_the_arguments_that_were_made_for_its_schema() {
    if !has_python() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let server = server(&Path::new(FIXTURES).join("tools.json"));
    let output = program(&directory, &["init", "--server", &server, "--output", "mine.toml"]);
    let said = said(&output);
    assert!(said.starts_with("wrote mine.toml: ") && output.status.success(), "{said}");
    let file = std::fs::read_to_string(directory.path().join("mine.toml")).unwrap();
    let definition = Definition::from_toml(&file).unwrap();
    let flows = &definition.stages[0].workload.flows;
    assert!(said.contains(&format!(": {} tools called, ", flows.len())), "{said}");
    let target = ServerUnderTest::start(server.parse().unwrap(), ServerOptions::default()).await.unwrap();
    let session = target.session().await.unwrap();
    let mut refused = Vec::new();
    for step in flows.iter().flat_map(|flow| &flow.steps) {
        let reply = session.call(&step.tool, step.arguments.clone(), Duration::from_secs(60)).await;
        if reply.outcome != Outcome::Ok {
            refused.push(format!("{:?}: {:?} {:?}", step.tool, step.arguments, reply.message));
        }
    }
    session.close().await;
    target.shutdown().await;
    assert!(refused.is_empty(), "{refused:#?}");
    if !has("jsonschema") {
        skip(
            "no-jsonschema",
            "PyPI's jsonschema[format-nongpl]; MUSIC21_PYTHON names an interpreter that has it",
        );
    }
}

#[test]
fn tools_that_only_read_are_tried_and_what_they_answered_stands_beside_them() {
    if !has_python() {
        return;
    }
    let (directory, server) = with_tools(
        r#"[{ "name": "look", "inputSchema": {}, "annotations": { "readOnlyHint": true } }, { "name": "plain" }]"#,
    );
    let output = program(&directory, &["init", "--try", "--server", &server]);
    assert_eq!(said(&output), "tried 1: all answered well\n2 tools called\n");
    let file = text(&output.stdout);
    assert!(file.contains("tool = \"look\"\n# Answered: fine\n"), "{file}");
    assert_eq!(file.matches("Answered").count(), 1, "{file}");
}

#[test]
fn a_server_without_tools_and_a_file_in_which_nothing_is_active_are_said_to_be_that() {
    if !has_python() {
        return;
    }
    let (directory, server) = with_tools("[]");
    for arguments in [&["init", "--server", &server][..], &["run", "--server", &server]] {
        let output = program(&directory, arguments);
        assert_eq!(output.status.code(), Some(4));
        let said = text(&output.stderr);
        assert!(
            said.ends_with("answers as 'listed' 1 and has no tools: there is nothing to call\n"),
            "{said}"
        );
    }
    let (directory, server) = with_tools(r#"[{ "name": "delete_all" }]"#);
    let output = program(&directory, &["init", "--server", &server, "-o", "mine.toml"]);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("nothing is active"), "{said}");
    let output = program(&directory, &["run", "mine.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nothing in it is active"), "{}", text(&output.stderr));
}

#[test]
fn a_secret_of_the_servers_is_not_in_the_file() {
    if !has_python() {
        return;
    }
    let (directory, server) = with_tools(r#"[{ "name": "peek", "inputSchema": { "type": "object" } }]"#);
    let server = format!("API_TOKEN=s3cret MODE=fast {server}");
    let output = program(&directory, &["init", "--server", &server, "-o", "mine.toml"]);
    let file = std::fs::read_to_string(directory.path().join("mine.toml")).unwrap();
    assert!(!file.contains("s3cret") && file.contains("API_TOKEN=env:API_TOKEN MODE=fast "), "{file}");
    assert!(said(&output).contains("API_TOKEN may be a secret"), "{}", said(&output));
    let run = program(&directory, &["run", "mine.toml", "--duration", "1"]);
    assert_eq!(run.status.code(), Some(2));
    let why = said(&run);
    assert!(
        why.contains("the variable 'API_TOKEN', which API_TOKEN takes its value from, is not set"),
        "{why}"
    );
}

#[test]
fn a_login_is_in_the_file_by_where_it_is_found() {
    let (directory, server) = (tempfile::tempdir().unwrap(), Server::start(&[]));
    let url = format!("{}?key=s3cret", server.url);
    let init = ["init", "--server", &url, "--header", "X-Login: env:LOGIN", "--header", "X-Plain: s3cret"];
    let with_login = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(directory.path());
        command.env("LOGIN", "s3cret").env("KEY", "s3cret").output().unwrap()
    };
    let output = with_login(&[&init[..], &["-o", "mine.toml"]].concat());
    let file = std::fs::read_to_string(directory.path().join("mine.toml")).unwrap();
    assert!(!file.contains("s3cret") && file.contains("?key=env:KEY"), "{file}");
    assert!(file.contains("headers = [\"X-Login: env:LOGIN\"]") && !file.contains("X-Plain"), "{file}");
    let said = text(&output.stderr);
    assert!(said.contains("KEY may be a secret") && said.contains("the header 'X-Plain' may be"), "{said}");
    let run = with_login(&["run", "mine.toml", "--duration", "1"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(program(&directory, &["run", "mine.toml"]).status.code(), Some(2), "they are not set");
}

#[test]
fn for_another_server_than_music21_it_is_said_what_to_type() {
    if !has_python() {
        return;
    }
    let (directory, server) = with_tools(r#"[{ "name": "plain" }]"#);
    let output = program(&directory, &["run", "quick", "--server", &server]);
    assert_eq!(output.status.code(), Some(4));
    let said = text(&output.stderr);
    let (lacks, typed) = said.split_once("; is it a music21 MCP server? For another one type `").unwrap();
    assert!(lacks.contains("'listed' 1 and lacks the tools chord_analysis, "), "{said}");
    let mut lines = typed.split('`').step_by(2);
    let words = shlex_words(lines.next().unwrap());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = program(&directory, &words[1..]);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    assert_eq!(lines.next(), Some("music21-mcp-bench run mine.toml"));
    let output = program(&directory, &["run", "mine.toml", "--duration", "1", "--clients", "1", "--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        result["scenarios"][0]["stages"][0]["accounts"]["ended"].as_object().unwrap().len(),
        1,
        "{result}"
    );
}

/// As a shell reads a line.
fn shlex_words(line: &str) -> Vec<String> {
    let output = Command::new("sh").args(["-c", &format!("printf '%s\\n' {line}")]).output().unwrap();
    text(&output.stdout).lines().map(str::to_owned).collect()
}
