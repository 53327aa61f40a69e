//! Everything a stdio server can do wrong, one line each: every call ends in exactly one class, by its
//! deadline, the connection survives where it can, and no process is left behind.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome, Reply, ServerCommand};

use crate::skip::skip;

/// Long enough that only a server that never answers reaches it.
const PATIENT: Duration = Duration::from_secs(60);
/// For servers that never answer.
const BRIEF: Duration = Duration::from_millis(300);

struct Fault {
    mode: &'static str,
    deadline: Duration,
    first: Outcome,
    /// The next call on the same connection.
    second: Outcome,
    /// late, unmatched, duplicates, bad frames, noise lines.
    irregular: [u64; 5],
    /// Part of the first call's message.
    message: &'static str,
}

const fn fault(mode: &'static str, first: Outcome, second: Outcome, message: &'static str) -> Fault {
    Fault { mode, deadline: PATIENT, first, second, irregular: [0; 5], message }
}

impl Fault {
    const fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    const fn seen(self, irregular: [u64; 5]) -> Self {
        Self { irregular, ..self }
    }
}

const FAULTS: &[Fault] = {
    use Outcome::{
        Ok, Oversized, ProtocolError, RateLimited, RpcError, TimedOut, ToolError, TransportClosed,
        WrongAnswer,
    };
    &[
        fault("sound", Ok, Ok, ""),
        fault("wrong_id", TimedOut, Ok, "300ms").within(BRIEF).seen([0, 1, 0, 0, 0]),
        fault("string_id", ProtocolError, Ok, "id is the text").seen([0, 1, 0, 0, 0]),
        fault("float_id", Ok, Ok, ""),
        fault("nulls", Ok, Ok, ""),
        fault("json_log", Ok, Ok, "").seen([0, 0, 0, 0, 15]),
        fault("byte_order_mark", Ok, Ok, ""),
        fault("length_header", ProtocolError, TransportClosed, "Content-Length").seen([0, 0, 0, 0, 1]),
        fault("several_lines", ProtocolError, TransportClosed, "over several lines").seen([0, 0, 0, 0, 2]),
        fault("duplicate_id", Ok, Ok, "").seen([0, 0, 1, 0, 0]),
        fault("half_frame", TransportClosed, TransportClosed, "cut after 30 bytes").seen([0, 0, 0, 1, 0]),
        fault("invalid_json", ProtocolError, Ok, "not JSON-RPC").seen([0, 0, 0, 1, 0]),
        fault("nan", ProtocolError, Ok, "not JSON-RPC").seen([0, 0, 0, 1, 0]),
        fault("bad_utf8", ProtocolError, Ok, "not JSON-RPC").seen([0, 0, 0, 1, 0]),
        fault("nul", ProtocolError, Ok, "not JSON-RPC").seen([0, 0, 0, 1, 0]),
        fault("both", ProtocolError, Ok, "both result and error"),
        fault("neither", ProtocolError, Ok, "neither result nor error"),
        fault("no_tool_result", ProtocolError, Ok, "not a tool's result"),
        fault("is_error", ToolError, Ok, "as told"),
        fault("status_error", ToolError, Ok, "as told"),
        fault("degraded", WrongAnswer, Ok, "'status' = \"degraded\""),
        fault("no_text", WrongAnswer, Ok, "no text"),
        fault("rpc_error", RpcError, Ok, "internal (code -32603)"),
        fault("rate_limited", RateLimited, Ok, "Rate limit exceeded"),
        fault("huge", Oversized, Ok, "over the limit").seen([0, 0, 0, 1, 0]),
        fault("noise", Ok, Ok, "").seen([0, 0, 0, 0, 3]),
        fault("stderr_flood", Ok, Ok, ""),
        fault("stdin_closed", Ok, TransportClosed, ""),
        fault(
            "exit_7",
            TransportClosed,
            TransportClosed,
            "exited with status 7, stderr: Traceback: it broke",
        ),
        fault("killed", TransportClosed, TransportClosed, "killed by signal 9"),
        fault("hang", TimedOut, Ok, "300ms").within(BRIEF),
        fault("late", TimedOut, Ok, "300ms").within(BRIEF).seen([1, 0, 0, 0, 0]),
        fault("drip", TimedOut, Ok, "300ms").within(BRIEF).seen([1, 0, 0, 0, 0]),
        fault("interleaved", Ok, Ok, ""),
        fault("garbage", ProtocolError, TransportClosed, "11 unreadable lines").seen([0, 0, 0, 11, 0]),
        fault("orphan", TransportClosed, TransportClosed, "exited with status 0"),
        fault("stubborn", Ok, TimedOut, ""),
    ]
};

fn options() -> ClientOptions {
    // The limit is below the huge reply; the grace is what a stubborn server costs this test.
    let stop_grace = Duration::from_millis(300);
    ClientOptions { max_reply_bytes: 1 << 20, stop_grace, ..ClientOptions::default() }
}

fn server(mode: &str) -> ServerCommand {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/misbehave.py");
    let args = vec!["-u".into(), script.into(), mode.into()];
    ServerCommand { program: "python3".into(), args, env: Vec::new(), directory: None }
}

/// Says so and returns true where there is no Python to run the servers with.
fn skipped() -> bool {
    let missing =
        !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if missing {
        skip("no-python3", "Debian's package python3");
    }
    missing
}

async fn call(client: &Music21Client, deadline: Duration) -> Reply {
    let call = client.health_check(deadline);
    tokio::time::timeout(deadline + Duration::from_secs(30), call).await.expect("a call ends by its deadline")
}

fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

async fn check(fault: &Fault) {
    let Fault { mode, deadline, first, second, irregular, message } = *fault;
    let client = Music21Client::spawn(&server(mode), &options()).await.unwrap();
    let reply = call(&client, deadline).await;
    assert_eq!(reply.outcome, first, "{mode}: {reply:?}");
    assert!(reply.message.as_deref().unwrap_or_default().contains(message), "{mode}: {reply:?}");
    assert_eq!(reply.message.is_none(), first == Outcome::Ok, "{mode}: {reply:?}");
    let patience = if second == Outcome::TimedOut { BRIEF } else { PATIENT };
    let reply = call(&client, patience).await;
    assert_eq!(reply.outcome, second, "{mode}, second call: {reply:?}");
    let seen = client.protocol_violations();
    let counts = [seen.late, seen.unmatched, seen.duplicates, seen.bad_frames, seen.noise_lines];
    assert_eq!(counts, irregular, "{mode}: {seen:?}");
    let pid = client.child().unwrap().pid();
    client.close().await;
    assert!(!is_running(pid), "{mode}: process {pid} is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_each_call_in_its_class_and_leaves_no_process() {
    if skipped() {
        return;
    }
    futures::future::join_all(FAULTS.iter().map(check)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_at_start_is_a_connect_error_with_its_last_words() {
    if skipped() {
        return;
    }
    let error = Music21Client::spawn(&server("exit_at_start"), &options()).await.err().unwrap();
    assert_eq!(error.outcome, Outcome::ConnectError);
    assert_eq!(
        error.to_string(),
        "command 'python3': the server exited with status 3, stderr: ModuleNotFoundError: No module named 'music21'"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_the_handshake_is_given_up() {
    if skipped() {
        return;
    }
    let options = ClientOptions { start_timeout: BRIEF, ..options() };
    let error = Music21Client::spawn(&server("deaf"), &options).await.err().unwrap();
    assert_eq!(error.outcome, Outcome::TimedOut);
}

/// What the list of a server of that mode holds.
async fn listed(mode: &str) -> Result<Vec<String>, String> {
    let client = Music21Client::spawn(&server(mode), &options()).await.unwrap();
    let tools = client.list_tools(PATIENT).await.map_err(|error| error.to_string());
    client.close().await;
    Ok(tools?.into_iter().map(|tool| tool.name.into_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_tools_ends_and_one_odd_tool_hides_no_other() {
    if skipped() {
        return;
    }
    assert_eq!(listed("odd_tools").await.unwrap(), ["health_check", "bare", "odd"]);
    assert_eq!(listed("empty_cursor").await.unwrap(), ["health_check"]);
    let endless = listed("endless_list").await.unwrap_err();
    assert!(endless.contains("tools/list has no end: the cursor 'again' came twice"), "{endless}");
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_is_quoted_and_a_retry_time_is_kept() {
    if skipped() {
        return;
    }
    let client = Music21Client::spawn(&server("noise"), &options()).await.unwrap();
    call(&client, PATIENT).await;
    assert_eq!(client.protocol_violations().noise, ["Welcome!", "{0.0} <note>", " 50%|#####     |\r"]);
    client.close().await;
    let client = Music21Client::spawn(&server("rate_limited"), &options()).await.unwrap();
    assert_eq!(call(&client, PATIENT).await.retry_after, Some(Duration::from_secs(2)));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_client_kills_even_a_stubborn_server() {
    if skipped() {
        return;
    }
    let client = Music21Client::spawn(&server("stubborn"), &options()).await.unwrap();
    assert!(call(&client, PATIENT).await.is_ok());
    let pid = client.child().unwrap().pid();
    drop(client);
    let gone = async {
        while is_running(pid) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENT, gone).await.expect("the process is gone");
}
