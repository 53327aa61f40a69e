//! Real music21 behind real FastMCP, over stdio and streamable HTTP: `tests/servers/music21_server.py`.
//!
//! Needs the PyPI packages `fastmcp` and `music21` in the Python named by `MUSIC21_PYTHON` (`python3` if
//! not set); without them each test says that it is skipped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use music21_mcp_bench::client::{
    ClientOptions, Music21Client, Outcome, ProtocolViolations, Reply, ServerCommand,
};
use serde_json::{Value, json};

use crate::skip::skip;

/// A first call imports and warms half of music21.
const PATIENT: Duration = Duration::from_secs(120);
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/music21_server.py");

/// The Python to use; `None` where it lacks the packages.
fn python() -> Option<String> {
    let python = std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import fastmcp, music21"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skip("no-music21", "PyPI's fastmcp and music21; MUSIC21_PYTHON names an interpreter that has them");
    None
}

fn field(reply: &Reply, name: &str) -> Value {
    reply.payload().unwrap()[name].clone()
}

fn expect(reply: &Reply, outcome: Outcome, message: &str) {
    assert_eq!(reply.outcome, outcome, "{reply:?}");
    assert!(reply.message.as_deref().unwrap_or_default().contains(message), "{reply:?}");
}

/// bwv66.6 has 165 notes in 4 parts and 51 chords, and its soprano is in F sharp minor by all four profiles.
async fn check(client: &Music21Client) {
    use Outcome::{Ok, ToolError};
    expect(&client.health_check(PATIENT).await, Ok, "");
    let imported = client.import_score("chorale", "bach/bwv66.6", "corpus", PATIENT).await;
    expect(&imported, Ok, "");
    assert_eq!((field(&imported, "num_notes"), field(&imported, "num_parts")), (json!(165), json!(4)));
    let info = client.score_info("chorale", PATIENT).await;
    expect(&info, Ok, "");
    let key = client.key_analysis("chorale", PATIENT).await;
    expect(&key, Ok, "");
    assert_eq!(field(&key, "key"), json!("F# minor"));
    let chords = client.chord_analysis("chorale", PATIENT).await;
    expect(&chords, Ok, "");
    assert_eq!(field(&chords, "total_chords"), json!(51));
    let harmony = client.harmony_analysis("chorale", PATIENT).await;
    expect(&harmony, Ok, "");
    assert_eq!(field(&harmony, "roman_numerals").as_array().map(Vec::len), Some(51));
    expect(&client.list_scores(PATIENT).await, Ok, "");
    for (format, magic) in [("musicxml", &b"<?xml"[..]), ("midi", b"MThd")] {
        let export = client.export_score("chorale", format, PATIENT).await;
        expect(&export, Ok, "");
        let path = field(&export, "file_path").as_str().unwrap().to_owned();
        assert!(std::fs::read(&path).unwrap().starts_with(magic), "{path}");
        std::fs::remove_file(path).unwrap();
    }
    expect(
        &client.import_score("chorale", "bach/bwv66.6", "corpus", PATIENT).await,
        ToolError,
        "already exists",
    );
    expect(&client.import_score("x", "bach/nope", "corpus", PATIENT).await, ToolError, "Could not find");
    expect(&client.import_score("x", "/etc/passwd", "file", PATIENT).await, ToolError, "outside allowed");
    expect(&client.export_score("chorale", "abc", PATIENT).await, ToolError, "Unsupported format");
    expect(&client.key_analysis("nobody", PATIENT).await, ToolError, "not found");
    expect(&client.call("key_analysis", serde_json::Map::new(), PATIENT).await, ToolError, "");
    expect(&client.harmony_analysis("chorale", Duration::from_millis(1)).await, Outcome::TimedOut, "1ms");
    // The call given up did not take the session with it.
    expect(&client.delete_score("chorale", PATIENT).await, Ok, "");
    let ProtocolViolations { late, unmatched, duplicates, bad_frames, noise_lines, .. } =
        client.protocol_violations();
    assert_eq!([unmatched, duplicates, bad_frames, noise_lines], [0; 4]);
    assert!(late <= 1, "{late} late replies to one abandoned call");
    let mut tools: Vec<_> =
        client.list_tools(PATIENT).await.unwrap().into_iter().map(|tool| tool.name).collect();
    tools.sort_unstable();
    assert_eq!(tools.len(), 9, "{tools:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn music21_is_driven_over_stdio() {
    let Some(python) = python() else { return };
    let command = ServerCommand::new(python, &[SCRIPT]);
    let client = Music21Client::spawn(&command, &ClientOptions::default()).await.unwrap();
    check(&client).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn music21_is_driven_over_streamable_http() {
    let Some(python) = python() else { return };
    let server = Http::start(&python);
    let client = Music21Client::connect(&server.url, &ClientOptions::default()).await.unwrap();
    check(&client).await;
    client.close().await;
}

/// The server as a process of ours; killed with the test.
struct Http {
    process: Child,
    url: String,
}

impl Http {
    fn start(python: &str) -> Self {
        let mut process =
            Command::new(python).args([SCRIPT, "--http", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
