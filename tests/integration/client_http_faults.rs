//! Everything a streamable HTTP server can do wrong, one line each: every call ends in exactly one class, by
//! its deadline, and the session goes on where it can.

use std::time::Duration;

use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome, Reply};

use crate::scripted::{self, Step, Then, events, healthy, json, raw, reply, start};

/// Long enough that only a server that never answers reaches it.
const PATIENT: Duration = Duration::from_secs(60);
/// For servers that never answer.
const BRIEF: Duration = Duration::from_millis(300);
const SESSION: &str = "mcp-session-id: s1\r\n";

fn options() -> ClientOptions {
    ClientOptions { max_reply_bytes: 1 << 20, ..ClientOptions::default() }
}

async fn call(client: &Music21Client, deadline: Duration) -> Reply {
    let call = client.health_check(deadline);
    tokio::time::timeout(deadline + Duration::from_secs(30), call).await.expect("a call ends by its deadline")
}

/// Drives one scripted reply, then a sound one on the same session.
async fn check(step: Step, expected: Outcome, message: &str) {
    let shown = String::from_utf8_lossy(&step.bytes[..step.bytes.len().min(200)]).into_owned();
    let server = start(vec![step, json(&healthy())], SESSION);
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    let deadline = if expected == Outcome::TimedOut { BRIEF } else { PATIENT };
    let first = call(&client, deadline).await;
    assert_eq!(first.outcome, expected, "{shown}\n{first:?}");
    assert!(first.message.as_deref().unwrap_or_default().contains(message), "{shown}\n{first:?}");
    let second = call(&client, PATIENT).await;
    assert!(second.is_ok(), "after {shown}\n{second:?}");
}

fn html(status: &str) -> Step {
    reply(status, "content-type: text/html\r\n", "<html>\n<h1>proxy</h1>")
}

#[tokio::test]
async fn a_status_decides_the_class() {
    use Outcome::{Oversized, ProtocolError, RateLimited, RpcError, SessionExpired};
    check(html("500 Oops"), ProtocolError, "HTTP 500: '<html> <h1>proxy</h1>'").await;
    let answered = reply("500 Oops", "content-type: application/json\r\n", &healthy());
    check(answered, ProtocolError, "HTTP 500: '{\"jsonrpc\"").await;
    check(html("502 Bad Gateway"), ProtocolError, "HTTP 502").await;
    check(html("503 Unavailable"), ProtocolError, "HTTP 503").await;
    check(html("401 Unauthorized"), ProtocolError, "wants a login").await;
    check(html("413 Too Large"), Oversized, "the request is too large").await;
    check(html("404 Not Found"), SessionExpired, "no longer knows the session").await;
    check(html("410 Gone"), SessionExpired, "no longer knows the session").await;
    check(html("200 OK"), ProtocolError, "content type 'text/html': '<html> <h1>proxy</h1>'; is the path")
        .await;
    check(reply("429 Slow down", "retry-after: None\r\n", ""), RateLimited, "HTTP 429: empty body").await;
    check(reply("307 Moved", "location: /elsewhere\r\n", ""), ProtocolError, "redirects to '/elsewhere'")
        .await;
    check(
        reply("202 Accepted", "", ""),
        ProtocolError,
        "HTTP 202 with content type '': empty body; the answer",
    )
    .await;
    let untyped = reply("200 OK", "content-type: text/plain\r\n", &healthy());
    check(untyped, ProtocolError, "it is an answer: its type must be application/json").await;
    let error = r#"{"jsonrpc":"2.0","id":{id},"error":{"code":-32600,"message":"no"}}"#;
    check(
        reply("400 Bad Request", "content-type: application/json\r\n", error),
        RpcError,
        "no (code -32600)",
    )
    .await;
}

#[tokio::test]
async fn a_stream_in_reply_to_a_notification_is_not_waited_for() {
    let server = start(vec![json(&healthy())], "");
    let client = Music21Client::connect(&server.url.replace("/mcp", "/open"), &options()).await.unwrap();
    let reply = call(&client, PATIENT).await;
    assert!(reply.is_ok(), "{reply:?}");
}

#[tokio::test]
async fn a_session_is_called_unknown_in_many_ways() {
    let error = r#"{"jsonrpc":"2.0","id":{id},"error":{"code":-32600,"message":"Session not found"}}"#;
    for (status, body) in [
        ("400 Bad Request", "Bad Request: No valid session ID provided"),
        ("400 Bad Request", error),
        ("503 Unavailable", "unknown session"),
    ] {
        check(reply(status, "", body), Outcome::SessionExpired, "no longer knows the session").await;
    }
    check(reply("400 Bad Request", "", "bad session of rehearsal"), Outcome::ProtocolError, "HTTP 400").await;
    // Who has no session cannot lose it.
    let server = start(vec![reply("404 Not Found", "", "Session not found")], "");
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    assert_eq!(call(&client, PATIENT).await.outcome, Outcome::ProtocolError);
}

#[tokio::test]
async fn a_reply_is_read_from_json_and_from_events_of_either_line_end() {
    use Outcome::{Ok, ProtocolError, TransportClosed};
    check(json(&healthy()), Ok, "").await;
    let stream = format!(
        "id: 0\nretry: 3000\ndata:\n\n: comment\n\nevent: message\ndata: {}\n\ndata: {}\n\n",
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#,
        healthy()
    );
    check(events(&stream), Ok, "").await;
    check(events(&stream.replace('\n', "\r\n")), Ok, "").await;
    check(events("data: {]\n\n"), ProtocolError, "not JSON-RPC").await;
    check(events(&format!("data: null\n\ndata: [DONE]\n\ndata: {}\n\n", healthy())), Ok, "").await;
    check(events(": nothing\n\n"), TransportClosed, "ended before the answer").await;
    check(json("{]"), ProtocolError, "not JSON-RPC").await;
    check(json(""), ProtocolError, "not JSON-RPC").await;
    check(json(r#"{"jsonrpc":"2.0","id":{id},"result":{},"error":{}}"#), ProtocolError, "both").await;
    check(json(r#"{"jsonrpc":"2.0","id":"{id}","result":{}}"#), ProtocolError, "id is the text").await;
}

#[tokio::test]
async fn a_reply_is_read_in_any_of_the_usual_makes() {
    let event = format!("event: message\ndata: {}\n\n", healthy());
    for stream in [
        event.replace('\n', "\r"),
        format!("\u{feff}{event}"),
        format!("data: \u{feff}{}\n\n", healthy()),
        format!("event: heartbeat\ndata: not JSON\n\n{event}"),
    ] {
        check(events(&stream), Outcome::Ok, "").await;
    }
    check(json(&format!("\u{feff}{}", healthy())), Outcome::Ok, "").await;
    check(reply("200 OK", "content-type: Application/JSON; Charset=UTF-8\r\n", &healthy()), Outcome::Ok, "")
        .await;
    let packed = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    check(reply("200 OK", packed, "\u{1f}"), Outcome::ProtocolError, "encoded as 'gzip'").await;
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_without_an_answer_costs_no_call() {
    let server = start(vec![raw("", Then::Close), json(&healthy())], SESSION);
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    assert!(call(&client, PATIENT).await.is_ok());
    assert_eq!(client.protocol_violations().resent, 1);
}

#[tokio::test]
async fn a_stream_that_may_be_resumed_is_resumed_behind_its_last_event() {
    let answer = events(&format!("data: {}\n\n", healthy().replace("{id}", "2")));
    let server = start(vec![events("id: e-7\nretry: 10\ndata:\n\n"), answer], SESSION);
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    let answered = call(&client, PATIENT).await;
    assert!(answered.is_ok(), "{answered:?}");
    let requests: Vec<String> = server.requests.try_iter().collect();
    assert!(
        requests.iter().any(|one| one.starts_with("GET ") && one.contains("last-event-id: e-7")),
        "{requests:#?}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_ready_is_tried_again_until_it_is_or_time_is_up() {
    let busy = || reply("503 Not yet", "retry-after: 0\r\n", "starting");
    let at = |server: &scripted::Scripted| server.url.replace("/mcp", "/busy");
    let server = start(vec![busy(), busy()], SESSION);
    let client = Music21Client::connect(&at(&server), &options()).await.unwrap();
    assert_eq!(client.server_info().name, "s");
    let server = start(vec![reply("503 Not yet", "retry-after: 999\r\n", "starting")], SESSION);
    let options = ClientOptions { start_timeout: BRIEF, ..options() };
    let error = Music21Client::connect(&at(&server), &options).await.err().unwrap().to_string();
    assert!(error.contains("HTTP 503: 'starting'; the server says that it is not ready"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_or_stalls_ends_the_call_and_not_the_session() {
    use Outcome::{Oversized, ProtocolError, TimedOut, TransportClosed};
    let sse = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    check(raw(&format!("{sse}9\r\ndata: {{\"a\r\n"), Then::Close), TransportClosed, "").await;
    check(
        raw(&format!("{json}transfer-encoding: chunked\r\n\r\nff\r\n{{\"a"), Then::Close),
        TransportClosed,
        "",
    )
    .await;
    check(raw(&format!("{json}content-length: 99\r\n\r\n{{\"a"), Then::Close), TransportClosed, "").await;
    check(raw("SSH-2.0-OpenSSH_9.2\r\n", Then::Close), ProtocolError, "").await;
    check(raw("", Then::Stall), TimedOut, "300ms").await;
    check(raw(&format!("{json}content-length: 99\r\n\r\n{{\"a"), Then::Stall), TimedOut, "300ms").await;
    check(raw(&format!("{sse}9\r\ndata: {{\"a\r\n"), Then::Stall), TimedOut, "300ms").await;
    let padding = "x".repeat((1 << 20) + 1);
    check(scripted::json(&padding), Oversized, "over the limit of 1048576 bytes").await;
    check(events(&padding), Oversized, "over the limit").await;
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_replaced() {
    let mut closing = json(&healthy());
    closing.then = Then::Close;
    check(closing, Outcome::Ok, "").await;
}

#[tokio::test]
async fn an_answer_is_taken_before_the_stream_ends() {
    let sse = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = format!("data: {}\n\n", healthy());
    check(raw(&format!("{sse}{:x}\r\n{event}\r\n", event.len()), Then::Stall), Outcome::Ok, "").await;
}

#[tokio::test]
async fn a_reply_to_another_call_is_counted_and_the_stream_read_on() {
    let stream = format!("data: {}\n\ndata: {}\n\n", healthy().replace("{id}", "99999"), healthy());
    let server = start(vec![events(&stream)], "");
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    assert!(call(&client, PATIENT).await.is_ok());
    assert_eq!(client.protocol_violations().unmatched, 1);
}

#[tokio::test]
async fn what_follows_an_answer_on_its_stream_is_seen_too() {
    let other = healthy().replace("{id}", "99999");
    let stream = format!("data: {0}\n\ndata: {0}\n\ndata: {other}\n\ndata: {{]\n\n", healthy());
    let server = start(vec![events(&stream)], "");
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    assert!(call(&client, PATIENT).await.is_ok());
    let seen = client.protocol_violations();
    assert_eq!((seen.duplicates, seen.unmatched, seen.bad_frames), (1, 1, 1));
}

#[tokio::test]
async fn a_cookie_is_sent_back_as_a_load_balancer_wants_it() {
    let set = "content-type: application/json\r\nset-cookie: route=a1; Path=/\r\n";
    let server = start(vec![reply("200 OK", set, &healthy()), json(&healthy())], SESSION);
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    for _ in 0..2 {
        assert!(call(&client, PATIENT).await.is_ok());
    }
    let requests: Vec<String> = server.requests.try_iter().collect();
    let with_cookie: Vec<bool> =
        requests.iter().map(|request| request.contains("cookie: route=a1")).collect();
    assert_eq!(with_cookie, [false, false, false, true], "{requests:#?}");
}

#[tokio::test]
async fn a_ping_in_the_stream_is_answered() {
    let ping = r#"{"jsonrpc":"2.0","id":"p1","method":"ping"}"#;
    let server = start(vec![events(&format!("data: {ping}\n\ndata: {}\n\n", healthy()))], "");
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    assert!(call(&client, PATIENT).await.is_ok());
    let pong = tokio::task::spawn_blocking(move || {
        server.requests.iter().find(|request| request.ends_with(r#"{"jsonrpc":"2.0","id":"p1","result":{}}"#))
    });
    assert!(tokio::time::timeout(PATIENT, pong).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn retry_after_reaches_the_caller() {
    let server = start(vec![reply("429 Slow down", "retry-after: 7\r\n", "")], "");
    let client = Music21Client::connect(&server.url, &options()).await.unwrap();
    assert_eq!(call(&client, PATIENT).await.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn only_a_session_is_ended_with_delete() {
    for (header, expected) in [(SESSION, 1), ("", 0)] {
        let server = start(vec![json(&healthy())], header);
        let client = Music21Client::connect(&server.url, &options()).await.unwrap();
        assert!(call(&client, PATIENT).await.is_ok());
        client.close().await;
        let requests: Vec<String> = server.requests.try_iter().collect();
        let named = |request: &&String| request.contains("mcp-session-id: s1");
        let deletes =
            requests.iter().filter(|request| request.starts_with("DELETE /mcp ")).filter(named).count();
        assert_eq!(deletes, expected, "{requests:#?}");
    }
}

#[tokio::test]
async fn a_redirect_of_the_first_request_is_followed_once_and_remembered() {
    let server = start(vec![json(&healthy())], "");
    let client = Music21Client::connect(&server.url.replace("/mcp", "/old"), &options()).await.unwrap();
    assert!(call(&client, PATIENT).await.is_ok());
    let paths: Vec<String> = server.requests.try_iter().map(|request| request[..10].to_owned()).collect();
    assert_eq!(paths, ["POST /old ", "POST /mcp ", "POST /mcp ", "POST /mcp "]);
    let error = Music21Client::connect(&server.url.replace("/mcp", "/loop"), &options()).await.err().unwrap();
    assert!(error.to_string().contains("HTTP 307"), "{error}");
}

#[tokio::test]
async fn what_is_no_mcp_endpoint_is_refused_in_one_line() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}/mcp"), "cannot connect: Connection refused"),
        (
            format!("https://127.0.0.1:{port}/mcp"),
            if cfg!(feature = "tls") { "cannot connect" } else { "was built without TLS" },
        ),
        ("http://".to_owned(), "is no URL"),
    ] {
        let error = Music21Client::connect(&url, &options()).await.err().unwrap();
        assert_eq!(error.outcome, Outcome::ConnectError, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}
