//! Requests that never become a session, as health checks and scanners make them.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};

use super::http::Post;
use super::mirror;
use super::reply::Reply;
use super::request::Request;
use super::session_headers::SESSION_ID;
use super::wire::Failure;
use crate::client::Outcome;

/// Said where there is no HTTP.
pub(super) const NEEDS_HTTP: &str = "a probe is a request over HTTP, and this session has none";

/// A request that only a session may make.
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#;
/// So much of an answer is read.
const READ: usize = 64 * 1024;

/// Sends one probe on a connection of its own. Any answer is a good one, but for a server's error: most servers refuse.
pub(super) async fn probe(post: &Post, kind: Request, deadline: Duration) -> Reply {
    let sent = tokio::time::timeout(deadline, send(post, kind)).await;
    match sent.unwrap_or_else(|_| Err(Failure::timed_out(deadline))) {
        Err(failure) => Reply::unanswered(failure.outcome, &failure.message),
        Ok((StatusCode::TOO_MANY_REQUESTS, _)) => {
            Reply::unanswered(Outcome::RateLimited, "HTTP 429 to a probe")
        }
        Ok((status, _)) if status.is_server_error() => {
            Reply::unanswered(Outcome::ProtocolError, &format!("HTTP {} to a probe", status.as_u16()))
        }
        Ok((status, body)) => {
            let text = format!("HTTP {}: {}", status.as_u16(), String::from_utf8_lossy(&body));
            Reply::plain(text, body.len())
        }
    }
}

/// The answer's status, and its body where that has an end.
async fn send(post: &Post, kind: Request) -> Result<(StatusCode, Vec<u8>), Failure> {
    let get = kind == Request::ProbeGet;
    let (method, body) = if get { (Method::GET, &b""[..]) } else { (Method::POST, PING) };
    let mut request = post.request(method, Bytes::from_static(body));
    let headers = request.headers_mut();
    headers.remove(SESSION_ID);
    headers.remove(mirror::VERSION);
    if get {
        headers.remove(header::CONTENT_TYPE);
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    }
    let mut connection = post.new_connection().await?;
    let reply = connection.send(request).await?;
    let status = reply.status();
    let kind = reply.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
    let is_stream = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
    let (mut body, mut whole) = (reply.into_body(), Vec::new());
    while !is_stream && whole.len() < READ {
        let Some(chunk) = connection.chunk(&mut body).await? else { break };
        whole.extend_from_slice(&chunk);
    }
    Ok((status, whole))
}
