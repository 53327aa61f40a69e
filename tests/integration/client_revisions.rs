//! What revisions of the protocol differ in, seen from the server: headers, streams of the server's own, the old
//! transport.

use std::time::Duration;

use music21_mcp_bench::client::{ClientOptions, Expectation, Music21Client, Outcome};
use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
use rmcp::model::ProtocolVersion;
use serde_json::json;

use crate::scripted::{HUNG_UP, Scripted, Step, Then, healthy, json, raw, reply, start};

/// Long enough that only a server that never answers reaches it.
const PATIENT: Duration = Duration::from_secs(60);
const SESSION: &str = "mcp-session-id: s1\r\n";

fn at(server: &Scripted, path: &str) -> String {
    server.url.replace("/mcp", path)
}

/// Waits for requests of which each holds all parts of one of the lists, and as many of them as there are lists.
fn requests(server: &Scripted, wanted: &[&[&str]]) {
    let fits = |request: &String| wanted.iter().any(|parts| parts.iter().all(|part| request.contains(part)));
    let came = std::iter::from_fn(|| server.requests.recv_timeout(PATIENT).ok());
    let found = tokio::task::block_in_place(|| came.filter(fits).take(wanted.len()).count());
    assert_eq!(found, wanted.len(), "{wanted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_protocol_repeats_tool_and_marked_arguments_in_headers() {
    let server = start(vec![json(&healthy()), json(&healthy())], "");
    let spec = ServerSpec::Url(at(&server, "/modern"));
    let target = ServerUnderTest::start(spec, ServerOptions::default()).await.unwrap();
    assert_eq!((target.server().name.as_str(), target.server().protocol.as_str()), ("m", "2026-07-28"));
    // The session that listed the tools, and one that did not.
    for text in ["plain", "日本"] {
        let session = target.session().await.unwrap();
        let arguments = json!({"text": text}).as_object().unwrap().clone();
        let reply = session.call("naïve", arguments, PATIENT).await;
        assert!(reply.is_ok(), "{reply:?}");
    }
    let name = "mcp-name: =?base64?bmHDr3Zl?=";
    requests(&server, &[&["mcp-method: tools/call", name, "mcp-param-text: plain"]]);
    requests(&server, &[&["mcp-protocol-version: 2026-07-28", name, "mcp-param-text: =?base64?5pel5pys?="]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_speaks_the_revision_that_a_refusal_names() {
    let server = start(vec![], SESSION);
    let spec = ServerSpec::Url(at(&server, "/older"));
    let target = ServerUnderTest::start(spec, ServerOptions::default()).await.unwrap();
    for _ in 0..2 {
        let session = target.session().await.unwrap();
        assert_eq!(session.server_info().protocol, "2025-06-18");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_refused_for_its_headers_is_made_once_more_with_those_of_the_list() {
    let refusal = r#"{"jsonrpc":"2.0","id":{id},"error":{"code":-32020,"message":"HeaderMismatch"}}"#;
    let refused = || reply("400 Bad Request", "content-type: application/json\r\n", refusal);
    let arguments = || json!({"text": "plain"}).as_object().unwrap().clone();
    // This client has not listed the tools, and knows of no argument that is repeated.
    let server = start(vec![refused(), json(&healthy()), refused()], "");
    let client = Music21Client::connect(&at(&server, "/modern"), &ClientOptions::default()).await.unwrap();
    let reply = client.call("naïve", arguments(), PATIENT).await;
    assert!(reply.is_ok(), "{reply:?}");
    requests(&server, &[&["tools/call", "mcp-name"], &["tools/list"], &["mcp-param-text: plain"]]);
    assert_eq!(client.protocol_violations().relisted, 1);
    // What the list says was sent already.
    let reply = client.call("naïve", arguments(), PATIENT).await;
    assert_eq!(reply.outcome, Outcome::RpcError, "{reply:?}");
    assert_eq!(client.protocol_violations().relisted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_carries_a_trace_of_its_own_where_traces_are_wanted() {
    for path in ["/mcp", "/modern"] {
        let server = start(vec![json(&healthy()), json(&healthy())], "");
        let options = ClientOptions { trace_context: true, ..ClientOptions::default() };
        let client = Music21Client::connect(&at(&server, path), &options).await.unwrap();
        let replies = [client.health_check(PATIENT).await, client.health_check(PATIENT).await];
        let [one, other] = replies.map(|reply| reply.trace.unwrap());
        assert_ne!(one, other);
        let in_meta = format!("\"traceparent\":\"00-{one}-");
        requests(&server, &[&["tools/call", &format!("traceparent: 00-{one}-"), &in_meta]]);
    }
    let server = start(vec![json(&healthy())], "");
    let client = Music21Client::connect(&server.url, &ClientOptions::default()).await.unwrap();
    assert_eq!(client.health_check(PATIENT).await.trace, None);
}

#[tokio::test]
async fn a_result_that_is_not_complete_is_named_as_what_it_is() {
    let incomplete = |result: &str| json(&format!(r#"{{"jsonrpc":"2.0","id":{{id}},"result":{result}}}"#));
    for (result, expected) in [
        (r#"{"resultType":"input_required","inputRequests":{}}"#, "the tool asks for input"),
        (r#"{"resultType":"task","taskId":"t"}"#, "a task handle"),
        (r#"{"task":{"taskId":"t","status":"working"}}"#, "a task handle"),
        (r#"{"resultType":"riddle","content":[]}"#, "a result of type 'riddle'"),
        (r#"{"resultType":"complete","content":[]}"#, ""),
    ] {
        let server = start(vec![incomplete(result)], "");
        let client = Music21Client::connect(&server.url, &ClientOptions::default()).await.unwrap();
        let call = client.call_expecting("tune", Default::default(), Expectation::default(), PATIENT);
        let reply = call.await;
        let outcome = if expected.is_empty() { Outcome::Ok } else { Outcome::ToolError };
        assert_eq!(reply.outcome, outcome, "{result}: {reply:?}");
        assert!(reply.message.unwrap_or_default().contains(expected), "{result}");
    }
}

/// A stream on which the server asks twice, and then says nothing.
fn asking() -> Step {
    let events = "data: {\"jsonrpc\":\"2.0\",\"id\":\"p1\",\"method\":\"ping\"}\n\n\
                  data: {\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"sampling/createMessage\",\"params\":{}}\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    raw(&format!("{head}{:x}\r\n{events}\r\n", events.len()), Then::Stall)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_sessions_and_is_no_music21_server_is_listened_to() {
    let server = start(vec![asking()], SESSION);
    let target = ServerUnderTest::start(ServerSpec::Url(server.url.clone()), ServerOptions::default()).await;
    let target = target.unwrap();
    requests(&server, &[&["GET /mcp", "mcp-session-id: s1"]]);
    let pong: &[&str] = &[r#""id":"p1","result":{}"#, "mcp-session-id: s1"];
    requests(&server, &[pong, &[r#""id":8,"error":{"code":-32601"#]]);
    target.shutdown().await;
    // Nothing of the session stays behind.
    requests(&server, &[&[HUNG_UP]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_asks_is_not_listened_to_unless_that_is_wanted() {
    let not_there = || reply("405 Method Not Allowed", "", "");
    for (path, session, listen, expected) in [
        ("/music21", SESSION, false, 0),
        ("/music21", SESSION, true, 2),
        ("/mcp", "", false, 0),
        // It has no stream: not asked again for the next session.
        ("/mcp", SESSION, false, 1),
    ] {
        let server = start(vec![not_there(), not_there()], session);
        let client = ClientOptions { listen, ..ClientOptions::default() };
        let options = ServerOptions { client, ..ServerOptions::default() };
        let target = ServerUnderTest::start(ServerSpec::Url(at(&server, path)), options).await.unwrap();
        let sessions = [target.session().await.unwrap(), target.session().await.unwrap()];
        let gets = server.requests.try_iter().filter(|request| request.starts_with("GET ")).count();
        assert_eq!(gets, expected, "{path} {session:?} {listen}");
        drop(sessions);
    }
}

#[tokio::test]
async fn the_old_transport_is_named() {
    let event = "event: endpoint\ndata: /messages?session_id=1\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let old = raw(&format!("{head}{:x}\r\n{event}\r\n", event.len()), Then::Stall);
    for (step, expected) in [
        (old, "this is the old HTTP+SSE transport (protocol 2024-11-05), which is not supported"),
        (reply("405 Method Not Allowed", "", ""), "HTTP 405"),
    ] {
        let server = start(vec![step], "");
        let error =
            Music21Client::connect(&at(&server, "/sse"), &ClientOptions::default()).await.err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_answers_in_another_revision_than_asked_for_is_refused() {
    let server = start(Vec::new(), "");
    let client = ClientOptions { protocol: Some(ProtocolVersion::V_2025_11_25), ..ClientOptions::default() };
    let options = ServerOptions { client, ..ServerOptions::default() };
    let error = ServerUnderTest::start(ServerSpec::Url(server.url.clone()), options).await.err().unwrap();
    assert!(
        error.to_string().contains("speaks protocol 2025-06-18 where 2025-11-25 was asked for"),
        "{error}"
    );
}
