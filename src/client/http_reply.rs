//! From an HTTP reply to the answer in it: status first, then content type, then JSON or events.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper::body::{Body as _, Incoming as Body};

use super::connection::Connection;
use super::frame::{self, Incoming, Response};
use super::http::Post;
use super::rest::Rest;
use super::sse::{EventReader, Resume};
use super::violations::Counters;
use super::wire::Failure;
use crate::client::Outcome;

/// A reply being read, with the id of the call it must answer.
pub(super) struct Reading<'a> {
    pub post: &'a Arc<Post>,
    pub connection: &'a mut Connection,
    pub id: u64,
}

/// The answer, and the stream that it was taken from if there may be more.
type Answer = (Response, Option<Rest>);

/// How long a client waits before it resumes a stream whose server does not say.
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// An error page is read up to here, to quote it.
const ERROR_BODY: usize = 64 * 1024;
/// What is looked at of such a page, in bytes.
const QUOTED: usize = 400;
/// Buffers of replies up to this size, in bytes, serve again: memory that was given back would first have to be had from the
/// system again, page by page.
const KEPT: usize = 1 << 20;
const EVENT_STREAM: &str = "text/event-stream";

/// A block and not an `async fn`, which would keep what it is given twice: each call has room for this.
pub(super) fn read(
    mut reading: Reading<'_>,
    reply: http::Response<Body>,
    has_session: bool,
) -> impl Future<Output = Result<Answer, Failure>> {
    let (head, mut body) = reply.into_parts();
    async move {
        if !head.status.is_success() {
            let text = reading.whole(&mut body, ERROR_BODY).await.unwrap_or_default();
            return refused(&head, &text, reading.id, has_session).map(|response| (response, None));
        }
        let encoding = bytes_of(&head.headers, header::CONTENT_ENCODING);
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity") {
            let encoding = String::from_utf8_lossy(encoding);
            let message =
                format!("the reply is encoded as '{encoding}', though 'identity' alone was asked for");
            return Err(Failure::new(Outcome::ProtocolError, message));
        }
        let content_type = bytes_of(&head.headers, header::CONTENT_TYPE);
        if begins_with(content_type, EVENT_STREAM) {
            return reading.events(body).await;
        }
        if begins_with(content_type, "application/json") {
            let json = reading.whole(&mut body, reading.post.max_reply_bytes).await?;
            let found = reading.answer(reading.decode(&json)?)?;
            let missing = || Failure::new(Outcome::ProtocolError, "the reply answers no request of ours");
            return Ok((found.ok_or_else(missing)?, None));
        }
        let text = reading.whole(&mut body, ERROR_BODY).await.unwrap_or_default();
        let (status, content_type) = (head.status.as_u16(), String::from_utf8_lossy(content_type));
        let hint = hint_of_type(&text);
        let message = format!("HTTP {status} with content type '{content_type}': {}{hint}", quote(&text));
        Err(Failure::new(Outcome::ProtocolError, message))
    }
}

/// What to do about a reply that is neither JSON nor events by its type.
fn hint_of_type(body: &Bytes) -> &'static str {
    if body.is_empty() {
        return "; the answer to a request comes with its own reply";
    }
    match frame::decode(body) {
        Ok(Incoming::Response(..)) => "; it is an answer: its type must be application/json",
        _ => "; is the path right? most servers use /mcp",
    }
}

/// Whether what comes is a stream of events.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    begins_with(bytes_of(headers, header::CONTENT_TYPE), EVENT_STREAM)
}

/// A header's value; empty where there is none.
fn bytes_of(headers: &HeaderMap, name: HeaderName) -> &[u8] {
    headers.get(name).map_or(b"", HeaderValue::as_bytes)
}

/// Media types are written in any case.
fn begins_with(content_type: &[u8], media_type: &str) -> bool {
    content_type
        .get(..media_type.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(media_type.as_bytes()))
}

impl Reading<'_> {
    async fn whole(&mut self, body: &mut Body, limit: usize) -> Result<Bytes, Failure> {
        let Some(mut chunk) = self.connection.chunk(body).await? else { return Ok(Bytes::new()) };
        check_size(chunk.len(), limit)?;
        if body.is_end_stream() {
            return Ok(chunk);
        }
        let mut whole = self.post.take_buffer();
        let more = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(limit);
        whole.reserve(chunk.len() + more);
        loop {
            whole.extend_from_slice(&chunk);
            // Hyper reads the next into the same memory, if nothing of this one is kept.
            drop(chunk);
            let Some(next) = self.connection.chunk(body).await? else { break };
            check_size(whole.len() + next.len(), limit)?;
            chunk = next;
        }
        let reply = whole.split().freeze();
        if reply.len() <= KEPT {
            self.post.keep_buffer(whole);
        }
        Ok(reply)
    }

    /// The answer in an event stream, and in those that continue it where the server lets us ask for that.
    fn events(self, mut body: Body) -> impl Future<Output = Result<Answer, Failure>> {
        let mut resume = Resume::default();
        async move {
            // An event that is no frame is passed over, as other clients do; if no answer comes, it is the reason.
            let mut spoiled = None;
            loop {
                let mut events = EventReader::after(resume);
                let ended = loop {
                    match self.connection.chunk(&mut body).await {
                        Ok(Some(chunk)) => events.push(&chunk),
                        Ok(None) => {
                            let ended = "the event stream ended before the answer";
                            break Failure::new(
                                Outcome::TransportClosed,
                                format!("{ended}{}", events.instead()),
                            );
                        }
                        Err(failure) => break failure,
                    }
                    while let Some(event) = events.next() {
                        check_size(event.len(), self.post.max_reply_bytes)?;
                        match self.decode(&event) {
                            Ok(incoming) => {
                                if let Some(response) = self.answer(incoming)? {
                                    return Ok((response, Some(Rest { events, body, id: self.id })));
                                }
                            }
                            Err(failure) if frame::sniff_id(&event) == Some(self.id) => return Err(failure),
                            Err(failure) => spoiled = Some(failure),
                        }
                    }
                    check_size(events.held(), self.post.max_reply_bytes)?;
                };
                resume = events.resume;
                let Some(last_id) = &resume.last_id else { return Err(spoiled.unwrap_or(ended)) };
                // The call's deadline ends this, however often a server sends us round.
                tokio::time::sleep(resume.retry.unwrap_or(RETRY)).await;
                // In a box, because it is rare.
                (*self.connection, body) = Box::pin(self.post.resume(last_id)).await?;
            }
        }
    }

    fn decode(&self, frame: &Bytes) -> Result<Incoming, Failure> {
        frame::decode(frame).map_err(|error| {
            Counters::add(&self.post.counters.bad_frames);
            Failure::new(Outcome::ProtocolError, error)
        })
    }

    /// The response, if this is one to our call; anything else in the stream is dealt with here.
    fn answer(&self, incoming: Incoming) -> Result<Option<Response>, Failure> {
        match incoming {
            Incoming::Response(id, response) if id == self.id => return Ok(Some(response)),
            Incoming::ForeignResponse(Some(id)) if id == self.id => {
                Counters::add(&self.post.counters.unmatched);
                return Err(Failure::new(Outcome::ProtocolError, frame::id_is_text(id)));
            }
            other => self.post.take(other),
        }
        Ok(None)
    }
}

pub(super) fn check_size(bytes: usize, limit: usize) -> Result<(), Failure> {
    if bytes > limit {
        return Err(Failure::new(Outcome::Oversized, format!("reply is over the limit of {limit} bytes")));
    }
    Ok(())
}

/// A status other than success, unless its body is the JSON-RPC error that explains it.
fn refused(
    head: &http::response::Parts,
    body: &Bytes,
    id: u64,
    has_session: bool,
) -> Result<Response, Failure> {
    let status = head.status;
    let is_expired = has_session && says_session_unknown(status, body);
    let outcome = match status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited,
        _ if is_expired => Outcome::SessionExpired,
        StatusCode::PAYLOAD_TOO_LARGE => Outcome::Oversized,
        _ => match frame::decode(body) {
            Ok(Incoming::Response(found, response))
                if found == id && matches!(response.body, frame::Body::Error(_)) =>
            {
                return Ok(response);
            }
            _ => Outcome::ProtocolError,
        },
    };
    let hint = match status {
        _ if is_expired => "; the server no longer knows the session",
        StatusCode::UNAUTHORIZED => {
            "; the server wants a login: give it with --header 'Authorization: Bearer env:TOKEN'"
        }
        StatusCode::FORBIDDEN => "; the server refuses us: some let no other host name or origin in",
        StatusCode::SERVICE_UNAVAILABLE => "; the server says that it is not ready",
        StatusCode::NOT_FOUND => "; is the path right? most servers use /mcp",
        StatusCode::PAYLOAD_TOO_LARGE => "; the request is too large for the server",
        _ => "",
    };
    let hint = match head.headers.get(header::LOCATION) {
        Some(location) if status.is_redirection() => {
            let location = quote(location.as_bytes());
            format!("; it redirects to {location}: use that URL")
        }
        _ => hint.to_owned(),
    };
    let message = format!("HTTP {}: {}{hint}", status.as_u16(), quote(body));
    let is_busy = status == StatusCode::SERVICE_UNAVAILABLE;
    let retry_after = retry_after(&head.headers);
    Err(Failure { retry_after, is_busy, status: Some(status), ..Failure::new(outcome, message) })
}

/// 404 is the protocol's way. Others answer 410, and some 400 or, behind a proxy that was started again, 503: a word
/// says then that it is the session, and not this request or the server.
fn says_session_unknown(status: StatusCode, body: &[u8]) -> bool {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => true,
        StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE => {
            let text = String::from_utf8_lossy(&body[..body.len().min(QUOTED)]).to_ascii_lowercase();
            text.contains("session") && UNKNOWN.iter().any(|word| text.contains(word))
        }
        _ => false,
    }
}

/// What is said of sessions that are unknown, in lower case.
const UNKNOWN: [&str; 9] = [
    "not found",
    "unknown",
    "invalid",
    "no valid",
    "not valid",
    "expired",
    "not exist",
    "no longer",
    "terminated",
];

/// Seconds only: a date, `None` or nonsense is no promise that could be kept.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The beginning of a body, on one line.
pub(super) fn quote(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(QUOTED)]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let quoted: String = words.join(" ").chars().take(120).collect();
    if quoted.is_empty() { "empty body".to_owned() } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_takes_seconds_and_forgives_the_rest() {
        for (value, expected) in [
            ("7", Some(Duration::from_secs(7))),
            ("0", Some(Duration::ZERO)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("None", None),
            ("-3", None),
            ("nan", None),
            ("1e300", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers), expected, "{value}");
        }
    }
}
