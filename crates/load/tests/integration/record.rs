//! `record` between an agent and its server: the bytes are the same on both sides, and the scenario makes the same calls.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use music21_mcp_load::result::Definition;
use serde_json::{Value, json};

use crate::run::{PROGRAM, text};

/// Talks to a server and returns all lines that it wrote.
fn talk(command: &mut Command, lines: &[Value]) -> (Vec<String>, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(stdout).lines();
    let mut seen = Vec::new();
    for line in lines {
        writeln!(stdin, "{line}").unwrap();
        if line.get("id").is_some() {
            seen.push(answers.next().unwrap().unwrap());
        }
    }
    drop(stdin);
    seen.extend(answers.map(Result::unwrap));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (seen, text(&output.stderr))
}

fn call(id: u64, tool: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments } })
}

fn session() -> Vec<Value> {
    let client = json!({ "name": "agent", "version": "1" });
    let parameters = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    vec![
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": parameters }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }),
        call(
            2,
            "import_score",
            &json!({ "score_id": "mine", "source": "C4 E4 G4 C5", "source_type": "text" }),
        ),
        call(3, "key_analysis", &json!({ "score_id": "mine" })),
        call(4, "delete_score", &json!({ "score_id": "mine" })),
    ]
}

#[test]
fn what_passes_is_unchanged_and_is_done_again_by_many() {
    let directory = tempfile::tempdir().unwrap();
    let serve = ["serve", "--stdio", "--quiet"];
    let (alone, _) = talk(Command::new(PROGRAM).args(serve).current_dir(directory.path()), &session());
    let mut recorder = Command::new(PROGRAM);
    recorder.args(["record", "--out", "mine.toml", "--", PROGRAM]).args(serve).current_dir(directory.path());
    let (through, said) = talk(&mut recorder, &session());
    let timeless = |lines: &[String]| -> Vec<Value> {
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect()
    };
    assert_eq!(timeless(&through), timeless(&alone));
    assert_eq!(through[..2], alone[..2], "what holds no time is the same byte for byte");
    assert!(said.contains("wrote 4 calls to mine.toml"), "{said}");
    let file = std::fs::read_to_string(directory.path().join("mine.toml")).unwrap();
    let definition = Definition::from_toml(&file).unwrap();
    let steps = &definition.stages[0].workload.flows[0].steps;
    let tools: Vec<&str> = steps.iter().map(|step| step.tool.as_str()).collect();
    assert_eq!(tools, ["", "import_score", "key_analysis", "delete_score"]);
    assert_eq!(steps[1].arguments["score_id"], "mine-{{nonce}}");
    let replay = Command::new(PROGRAM)
        .args(["run", "mine.toml", "--clients", "3", "--duration", "2", "--json"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let result: Value =
        serde_json::from_slice(&replay.stdout).unwrap_or_else(|_| panic!("{}", text(&replay.stderr)));
    let stage = &result["scenarios"][0]["stages"][0];
    let ended = stage["accounts"]["ended"].as_object().unwrap();
    assert!(ended.len() == 1 && ended["ok"].as_u64() > Some(0), "{ended:?}");
    let called: Vec<&String> = stage["tools"].as_object().unwrap().keys().collect();
    assert_eq!(called, ["delete_score", "import_score", "key_analysis", "tools/list"]);
}

#[test]
fn an_agent_that_calls_nothing_leaves_no_file_and_a_server_that_does_not_start_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let record = |command: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(["record", "--out", "mine.toml", "--"])
            .args(command)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, said) = record(&["cat"]);
    assert!(
        code == Some(0) && said.contains("called nothing") && !directory.path().join("mine.toml").exists(),
        "{said}"
    );
    let (code, said) = record(&["no-such-program"]);
    assert!(code == Some(4) && said.contains("'no-such-program' does not start"), "{code:?} {said}");
}
