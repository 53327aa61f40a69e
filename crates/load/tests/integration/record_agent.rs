//! `record` between a client from PyPI and a server: `tee` on both sides of it keeps what passes, which must be the same
//! bytes, and the scenario makes the same calls in the same order.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::python::{has, python};
use crate::run::{PROGRAM, text};
use crate::skip::skip;

/// A shell's words that keep what goes through to the server, and what comes back.
fn between(sent: &str, got: &str, server: &str) -> String {
    format!("tee {sent} | {server} | tee {got}")
}

/// The name and the arguments of each call that a client sent, a `mark` taken out of them.
fn calls(file: &Path, mark: &str) -> Vec<String> {
    let sent = std::fs::read_to_string(file).unwrap();
    let frames = sent.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let called = frames.filter(|frame| frame["method"] == "tools/call");
    called
        .map(|frame| {
            let Value::Object(arguments) = &frame["params"]["arguments"] else { panic!("{frame}") };
            let arguments: Vec<String> = arguments
                .iter()
                .map(|(name, value)| {
                    let value = value.as_str().unwrap();
                    let end = value.find(mark).unwrap_or(value.len());
                    format!("{name}={}", &value[..end])
                })
                .collect();
            format!("{}({})", frame["params"]["name"].as_str().unwrap(), arguments.join(", "))
        })
        .collect()
}

fn well(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_client_of_another_maker_notices_nothing_and_its_calls_are_made_again_in_its_order() {
    if !has("fastmcp") {
        return skip("no-fastmcp", "PyPI's fastmcp; MUSIC21_PYTHON names an interpreter that has it");
    }
    let directory = tempfile::tempdir().unwrap();
    let serve = format!("'{PROGRAM}' serve --stdio --quiet");
    let inside = between("received", "answered", &serve);
    let record = format!("'{PROGRAM}' record --out mine.toml -- sh -c '{}'", inside.replace('\'', "'\\''"));
    let agent = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agent.py"))
        .args(["sh", "-c", &between("sent", "got", &record)])
        .current_dir(directory.path())
        .output();
    well(&agent.unwrap());
    let read = |name: &str| std::fs::read(directory.path().join(name)).unwrap();
    assert_eq!(read("sent"), read("received"), "to the server");
    assert_eq!(read("got"), read("answered"), "from the server");
    let asked = calls(&directory.path().join("sent"), "-");
    let harmony = "harmony_analysis(score_id=air)";
    assert_eq!(
        asked[1..5],
        [
            "key_analysis(score_id=air)",
            "key_analysis(score_id=air)",
            "score_info(score_id=not there)",
            harmony
        ]
    );
    assert_eq!(asked.len(), 8);

    // Once, and the three calls at once one after the other: an agent's flow is made of steps.
    let scenario = directory.path().join("mine.toml");
    let file = std::fs::read_to_string(&scenario).unwrap();
    let others = ["ping", "tools/list"].len();
    std::fs::write(
        &scenario,
        file.replace("duration_s = 60.0", &format!("calls = {}", asked.len() + others)),
    )
    .unwrap();
    let again = format!("tee -a replayed | {serve}");
    let replay = Command::new(PROGRAM)
        .args(["run", "mine.toml", "--quiet", "--json", "--server"])
        .arg(format!("sh -c \"{again}\""))
        .current_dir(directory.path())
        .output()
        .unwrap();
    let result: Value =
        serde_json::from_slice(&replay.stdout).unwrap_or_else(|_| panic!("{}", text(&replay.stderr)));
    assert_eq!(result["scenarios"][0]["stages"][0]["accounts"]["ended"], serde_json::json!({ "ok": 10 }));
    assert_eq!(calls(&directory.path().join("replayed"), "-"), asked, "{file}");
}
