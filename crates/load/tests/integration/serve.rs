//! `serve` as other programs use it: raw lines on standard input and output.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");

/// `music21-mcp-bench serve`, killed and reaped however the test ends.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn serve(flags: &[&str]) -> Self {
        Self::start(Command::new(PROGRAM).arg("serve").args(flags))
    }

    fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { stdin: child.stdin.take(), stdout, child }
    }

    fn initialized(flags: &[&str]) -> Self {
        let mut program = Self::serve(flags);
        let reply = program.ask("initialize", &initialize());
        assert_eq!(reply["result"]["protocolVersion"], "2025-06-18");
        program.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        program
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        serde_json::from_str(&self.line()).unwrap()
    }

    fn line(&mut self) -> String {
        self.stdout.next().expect("a line").unwrap()
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let reply = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}));
        let text = reply["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{reply}"));
        serde_json::from_str(text).unwrap()
    }

    /// Closes standard input and waits.
    fn end(mut self) -> Option<i32> {
        self.stdin = None;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The parameters of a client's first request.
pub(crate) fn initialize() -> Value {
    json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    })
}

#[test]
fn over_stdio_a_score_is_imported_and_the_end_of_input_is_a_clean_exit() {
    let mut program = Program::initialized(&[]);
    let reply = program.call("import_score", &json!({"score_id": "a", "source": "aloha_oe"}));
    assert_eq!(reply["num_notes"], 371);
    let reply = program.call("list_scores", &json!({}));
    assert_eq!(reply["scores"][0]["title"], "Aloha Oe");
    assert_eq!(program.end(), Some(0));
}

#[test]
fn a_program_whose_client_never_spoke_exits_cleanly() {
    assert_eq!(Program::serve(&[]).end(), Some(0));
}

#[test]
fn sigterm_is_a_clean_exit() {
    for flags in [&[][..], &["--http", "127.0.0.1:0"]] {
        let mut program = Program::serve(flags);
        if flags.is_empty() {
            program.ask("initialize", &initialize());
        } else {
            assert!(program.line().ends_with("/mcp"));
        }
        let pid = rustix::process::Pid::from_child(&program.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(program.child.wait().unwrap().code(), Some(0), "{flags:?}");
    }
}

#[test]
fn a_hangup_that_nohup_switched_off_ends_nothing() {
    let script = "trap '' HUP; exec \"$0\" serve";
    let mut program = Program::start(Command::new("sh").args(["-c", script, PROGRAM]));
    program.ask("initialize", &initialize());
    let pid = rustix::process::Pid::from_child(&program.child);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    program.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    assert_eq!(program.call("list_scores", &json!({}))["count"], 0);
    assert_eq!(program.end(), Some(0));
}

#[test]
fn what_cannot_be_served_is_a_wrong_command_line() {
    for (flags, reason) in [
        (&["--max-body", "1000"][..], "--http"),
        (&["--http", "127.0.0.1:0", "--fault", "noise=2"], "faults of standard output"),
        (&["--http", "127.0.0.1:0", "--fault", "half-frame=2"], "faults of standard output"),
        (&["--fault", "hang=1,tool=typo"], "there is no tool 'typo'; use one of import_score"),
        (&["--time-to-live=-1"], "no number of seconds from 0 on"),
        (&["--timeout", "1e30"], "no number of seconds from 0 on"),
    ] {
        let output = Command::new(PROGRAM).arg("serve").args(flags).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {told}");
        assert!(told.contains(reason), "{flags:?}: {told}");
    }
}

#[test]
fn limits_and_directories_are_taken_from_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut program = Program::initialized(&["--max-scores", "1", "--allow", path, "--export-dir", path]);
    for id in ["a", "b"] {
        program.call("import_score", &json!({"score_id": id, "source": "C4 D4", "source_type": "text"}));
    }
    assert_eq!(program.call("list_scores", &json!({}))["count"], 1);
    let reply = program.call("export_score", &json!({"score_id": "b", "format": "midi"}));
    let file = std::path::PathBuf::from(reply["file_path"].as_str().unwrap());
    assert_eq!(file.parent(), Some(directory.path()));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), reply["file_size"].as_u64().unwrap());
    assert_eq!(program.end(), Some(0));
    assert!(!file.exists(), "exports go with the server");
}

#[test]
fn exports_are_kept_where_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let mut program = Program::initialized(&["--export-dir", path, "--keep-exports"]);
    program.call("import_score", &json!({"score_id": "a", "source": "C4 D4", "source_type": "text"}));
    let reply = program.call("export_score", &json!({"score_id": "a", "format": "midi"}));
    program.call("delete_score", &json!({"score_id": "a"}));
    assert_eq!(program.end(), Some(0));
    assert!(std::path::Path::new(reply["file_path"].as_str().unwrap()).exists());
}

#[test]
fn a_crash_on_request_is_an_exit_with_status_70() {
    let mut program = Program::initialized(&["--fault", "crash=2,tool=list_scores"]);
    program.call("health_check", &json!({}));
    program.call("list_scores", &json!({}));
    program
        .send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_scores"}}));
    assert!(program.stdout.next().is_none());
    assert_eq!(program.child.wait().unwrap().code(), Some(70));
}

#[test]
fn noise_and_half_messages_come_when_asked_for() {
    // The reply to `initialize` is the first message.
    let mut program = Program::initialized(&["--fault", "noise=2", "--fault", "half-frame=3"]);
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_scores"}});
    program.send(&call);
    assert_eq!(program.line(), "Warning: this line is not JSON");
    assert!(serde_json::from_str::<Value>(&program.line()).is_ok());
    program.send(&call);
    let half = program.line();
    assert!(half.starts_with(r#"{"jsonrpc":"2.0""#), "{half}");
    assert!(serde_json::from_str::<Value>(&half).is_err(), "{half}");
    assert_eq!(program.end(), Some(0));
}
