//! `serve` as other programs use it: raw lines on standard input and output, raw HTTP.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use music21_mcp_embedded::{Config, HttpOptions, HttpServer, Server};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

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

fn initialize() -> Value {
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
    let mut program = Program::initialized(&[
        "--max-scores",
        "1",
        "--allow",
        path,
        "--export-dir",
        path,
        "--remove-exports",
    ]);
    for id in ["a", "b"] {
        program.call("import_score", &json!({"score_id": id, "source": "C4 D4", "source_type": "text"}));
    }
    assert_eq!(program.call("list_scores", &json!({}))["count"], 1);
    let reply = program.call("export_score", &json!({"score_id": "b", "format": "midi"}));
    let file = std::path::PathBuf::from(reply["file_path"].as_str().unwrap());
    assert_eq!(file.parent(), Some(directory.path()));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), reply["file_size"].as_u64().unwrap());
    assert_eq!(program.end(), Some(0));
    assert!(!file.exists());
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

/// A server in this process and a raw client of it.
struct Http {
    url: String,
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
    _stop: DropGuard,
}

impl Http {
    async fn serve(options: HttpOptions) -> Self {
        Self::serve_with(Config::default(), options).await
    }

    async fn serve_with(config: Config, options: HttpOptions) -> Self {
        let server = Server::new(Config { installed_corpus: false, ..config });
        let server = HttpServer::bind(server, options).await.unwrap();
        let stop = CancellationToken::new();
        let url = server.url();
        tokio::spawn(server.run(stop.clone()));
        Self { url, client: Client::builder(TokioExecutor::new()).build_http(), _stop: stop.drop_guard() }
    }

    async fn post(&self, path: &str, session: Option<&str>, body: String) -> (Response<()>, String) {
        let mut request = Request::post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let response = self.client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
    }

    async fn ask(
        &self,
        path: &str,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> (Response<()>, String) {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        self.post(path, session, body).await
    }
}

fn header<'a>(response: &'a Response<()>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The last message of an SSE reply.
fn event(body: &str) -> Value {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn over_http_a_session_begins_with_initialize_and_ends_with_delete() {
    let http = Http::serve(HttpOptions::default()).await;
    for path in ["", "/"] {
        let (response, body) = http.ask(path, None, "initialize", initialize()).await;
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        assert_eq!(event(&body)["result"]["protocolVersion"], "2025-06-18");
        let session = header(&response, "mcp-session-id").to_owned();
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(http.post(path, Some(&session), initialized).await.0.status(), StatusCode::ACCEPTED);

        let call = json!({"name": "list_scores", "arguments": {}});
        let (_, body) = http.ask(path, Some(&session), "tools/call", call.clone()).await;
        assert_eq!(event(&body)["result"]["isError"], false);

        let end =
            Request::delete(&http.url).header("mcp-session-id", &session).body(Full::default()).unwrap();
        assert!(http.client.request(end).await.unwrap().status().is_success());
        let (response, _) = http.ask(path, Some(&session), "tools/call", call).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn without_sessions_each_request_stands_alone_in_json_or_sse() {
    for (json_response, kind) in [(true, "application/json"), (false, "text/event-stream")] {
        let http =
            Http::serve(HttpOptions { sessions: false, json_response, ..HttpOptions::default() }).await;
        let call = json!({"name": "list_scores", "arguments": {}});
        let (response, body) = http.ask("", None, "tools/call", call).await;
        assert_eq!((header(&response, "content-type"), header(&response, "mcp-session-id")), (kind, ""));
        let message = if json_response { serde_json::from_str(&body).unwrap() } else { event(&body) };
        assert_eq!(message["result"]["isError"], false);
    }
}

#[tokio::test]
async fn a_body_too_long_is_refused_and_so_is_another_path() {
    let http = Http::serve(HttpOptions { max_body_bytes: 1000, ..HttpOptions::default() }).await;
    let (response, _) = http.post("", None, " ".repeat(1001)).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let (response, _) = http.post("/other", None, String::new()).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_share_the_scores() {
    let http =
        Http::serve(HttpOptions { sessions: false, json_response: true, ..HttpOptions::default() }).await;
    let import = json!({"score_id": "x", "source": "C4", "source_type": "text"});
    http.ask("", None, "tools/call", json!({"name": "import_score", "arguments": import})).await;
    let (_, body) = http.ask("", None, "tools/call", json!({"name": "list_scores", "arguments": {}})).await;
    assert!(body.contains(r#"\"count\": 1"#), "{body}");
}

#[tokio::test]
async fn over_http_each_session_has_its_own_rate_limit_and_a_refusal_is_429() {
    let config = Config { rate_limit: Some("2/0.25s".parse().unwrap()), ..Config::default() };
    let http = Http::serve_with(config, HttpOptions::default()).await;
    let call = json!({"name": "list_scores", "arguments": {}});
    for _ in 0..2 {
        let (response, _) = http.ask("", None, "initialize", initialize()).await;
        let session = header(&response, "mcp-session-id").to_owned();
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let (response, _) = http.ask("", Some(&session), "tools/call", call.clone()).await;
            statuses.push(response.status().as_u16());
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(header(&response, "retry-after"), "4");
            }
        }
        assert_eq!(statuses, [200, 200, 429, 429]);
        // Only calls of tools are limited.
        let (response, _) = http.ask("", Some(&session), "tools/list", json!({})).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}
