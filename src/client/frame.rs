//! JSON-RPC frames: requests written, whatever a server sends told apart without parsing what it carries.

use std::time::Instant;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::elided::Elided;
use super::expect::one_line;
use super::tool_result::{self, ToolResult};

/// One frame from a server, of whatever kind.
#[derive(Debug)]
pub(super) enum Incoming {
    /// An answer to the request with this id.
    Response(u64, Response),
    /// An answer whose id this client never gives out (a string, `null`, a fraction); if it is a text that reads like one
    /// of ours, which.
    ForeignResponse(Option<u64>),
    /// JSON that is no frame at all, such as a log line.
    NoFrame,
    /// A request of the server's own (ping, sampling, roots): its answer, ready to send.
    Request(Bytes),
    /// Progress, log lines and the like.
    Notification,
}

/// An answer with the bytes of what it carries.
#[derive(Debug)]
pub(super) struct Response {
    /// Size of the whole frame.
    pub bytes: usize,
    /// When its request was ready and was handed to the transport. `None` where no call waits for it.
    pub sent: Option<Instant>,
    /// When its first byte had arrived; over HTTP that is its head. `None` within this process.
    pub first_byte: Option<Instant>,
    /// When all of it had arrived, and none of it had been looked at.
    pub received: Instant,
    pub body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A `result` that may be a tool's, and the frame that it is in.
    Tool(ToolResult, Bytes),
    /// The JSON of any other `result`, and why it is no tool's.
    Other(Bytes, String),
    /// The JSON of `error`.
    Error(Bytes),
    /// Both of them or neither, which JSON-RPC forbids.
    Malformed(&'static str),
}

#[derive(Deserialize)]
struct Envelope<'a, R> {
    jsonrpc: Option<IgnoredAny>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    result: Option<R>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Response {
    /// As the answer to a request that was sent then, for the first time.
    pub(super) fn answering_what_was_sent(self, at: Instant) -> Self {
        Self { sent: Some(at), ..self }
    }
}

impl Body {
    /// The JSON of `result`, of whatever kind.
    pub(super) fn result(&self) -> Option<Bytes> {
        match self {
            Self::Tool(_, frame) => {
                let envelope: Envelope<'_, &RawValue> = serde_json::from_slice(json_of(frame)).ok()?;
                envelope.result.map(|raw| frame.slice_ref(raw.get().as_bytes()))
            }
            Self::Other(json, _) => Some(json.clone()),
            Self::Error(_) | Self::Malformed(_) => None,
        }
    }
}

/// A request frame, or a notification where `id` is `None`; no line end. `method` is one of the protocol's, which need no
/// escapes.
pub(super) fn encode<P: Serialize>(id: Option<u64>, method: &str, params: &P) -> Bytes {
    let mut frame = Vec::with_capacity(256);
    frame.extend_from_slice(br#"{"jsonrpc":"2.0","#);
    // OK because numbers, plain structs and JSON maps with string keys always serialise.
    if let Some(id) = id {
        frame.extend_from_slice(br#""id":"#);
        serde_json::to_writer(&mut frame, &id).expect("an id serialises");
        frame.push(b',');
    }
    frame.extend_from_slice(br#""method":""#);
    frame.extend_from_slice(method.as_bytes());
    frame.extend_from_slice(br#"","params":"#);
    serde_json::to_writer(&mut frame, params).expect("params serialise");
    frame.push(b'}');
    frame.into()
}

/// Reads one frame; the error says what is wrong with it.
pub(super) fn decode(frame: &Bytes) -> Result<Incoming, String> {
    let received = Instant::now();
    let json = json_of(frame);
    // JSON is text; read as such, none of its strings is looked through for what is none.
    let text = std::str::from_utf8(json).map_err(|error| format!("not JSON-RPC: {error}"))?;
    let elided = Elided::of(text);
    // Where a part of what was read is in the frame.
    let slice = |part: &str| frame.slice_ref(elided.whole(part).as_bytes());
    // Most frames are answers of tools.
    let why = match serde_json::from_str::<Envelope<'_, tool_result::Read<'_>>>(elided.json()) {
        Ok(envelope) => {
            let body = |read: tool_result::Read<'_>| Body::Tool(read.within(slice), frame.clone());
            return incoming(frame.len(), received, envelope, slice, body);
        }
        Err(error) => error.to_string(),
    };
    let slice = |part: &str| frame.slice_ref(part.as_bytes());
    let envelope: Envelope<'_, &RawValue> =
        serde_json::from_str(text).map_err(|error| not_json_rpc(json, &error))?;
    incoming(frame.len(), received, envelope, slice, |raw| Body::Other(slice(raw.get()), why))
}

/// Why that is no frame, in words for whoever wrote the server.
fn not_json_rpc(json: &[u8], error: &serde_json::Error) -> String {
    if json.trim_ascii_start().starts_with(b"[") {
        return "not JSON-RPC: a batch, where one message is expected".to_owned();
    }
    // Encoders such as Python's write numbers that JSON does not have. The column is where reading stopped, counted from 1.
    let column = if error.line() == 1 { error.column() } else { 0 };
    let near = &json[column.saturating_sub(3).min(json.len())..(column + 8).min(json.len())];
    let number = ["NaN", "Infinity"]
        .into_iter()
        .find(|number| column > 0 && memchr::memmem::find(near, number.as_bytes()).is_some());
    match number {
        Some(number) => {
            format!("not JSON-RPC: the number {number}, which JSON does not have, at column {column}")
        }
        None => format!("not JSON-RPC: {error}"),
    }
}

/// Tells what kind of frame it is; `slice` finds a part of it in its bytes.
fn incoming<R>(
    bytes: usize,
    received: Instant,
    envelope: Envelope<'_, R>,
    slice: impl Fn(&str) -> Bytes,
    body_of: impl FnOnce(R) -> Body,
) -> Result<Incoming, String> {
    let Envelope { jsonrpc, id, method, result, error } = envelope;
    if let Some(method) = method {
        return Ok(id.map_or(Incoming::Notification, |id| Incoming::Request(answer(id, &method))));
    }
    let body = match (result, error) {
        (Some(result), None) => body_of(result),
        (None, Some(error)) => Body::Error(slice(error.get())),
        (Some(_), Some(_)) => Body::Malformed("both result and error"),
        (None, None) => Body::Malformed("neither result nor error"),
    };
    match (id.map(RawValue::get), &body) {
        (Some(id), _) => Ok(match number(id) {
            Some(id) => {
                Incoming::Response(id, Response { bytes, sent: None, first_byte: None, received, body })
            }
            None => Incoming::ForeignResponse(id.trim_matches('"').trim().parse().ok()),
        }),
        (None, Body::Malformed(_)) if jsonrpc.is_none() => Ok(Incoming::NoFrame),
        // So servers answer what they could not read, and some a notification.
        (None, Body::Error(json)) => Err(format!(
            "an error to no request, its id is null: {}",
            one_line(&String::from_utf8_lossy(json))
        )),
        (None, _) => Err("neither a request nor a response: no method, no id".to_owned()),
    }
}

fn json_of(frame: &Bytes) -> &[u8] {
    frame.strip_prefix(BOM).unwrap_or(frame)
}

/// A number of ours, also as servers write it that know no whole numbers: `7.0`.
fn number(id: &str) -> Option<u64> {
    let whole = id
        .split_once('.')
        .map_or(id, |(whole, part)| if part.bytes().all(|b| b == b'0') { whole } else { id });
    whole.parse().ok()
}

/// Why an answer whose id is a text is none.
pub(super) fn id_is_text(id: u64) -> String {
    format!("the reply's id is the text \"{id}\", where the request's was the number")
}

/// A byte order mark, which some servers put in front.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// The id a frame that cannot be read (cut, garbled, too large) seems to answer, from the first
/// `"id":` in it. The caller believes it only if a call with that id is waiting.
pub(super) fn sniff_id(frame: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(frame, b"\"id\":")? + 5;
    let digits: Vec<u8> = frame[at..]
        .iter()
        .copied()
        .skip_while(|byte| *byte == b' ')
        .take_while(u8::is_ascii_digit)
        .take(20)
        .collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// A client must answer pings; it offers nothing else a server could ask for.
fn answer(id: &RawValue, method: &str) -> Bytes {
    let id = id.get();
    let body = if method == "ping" {
        r#""result":{}"#.to_owned()
    } else {
        r#""error":{"code":-32601,"message":"not offered by this client"}"#.to_owned()
    };
    format!(r#"{{"jsonrpc":"2.0","id":{id},{body}}}"#).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(frame: &'static str) -> String {
        match decode(&Bytes::from_static(frame.as_bytes())) {
            Ok(Incoming::Response(id, Response { body: body @ (Body::Tool(..) | Body::Other(..)), .. })) => {
                let kind = if matches!(body, Body::Tool(..)) { "tool" } else { "other" };
                format!("{kind} result of {id}: {}", String::from_utf8_lossy(&body.result().unwrap()))
            }
            Ok(Incoming::Response(id, Response { body: Body::Error(json), .. })) => {
                format!("error of {id}: {}", String::from_utf8_lossy(&json))
            }
            Ok(Incoming::Response(id, Response { body: Body::Malformed(why), .. })) => format!("{id}: {why}"),
            Ok(Incoming::ForeignResponse(id)) => format!("foreign {id:?}"),
            Ok(Incoming::NoFrame) => "no frame".to_owned(),
            Ok(Incoming::Request(answer)) => format!("request: {}", String::from_utf8_lossy(&answer)),
            Ok(Incoming::Notification) => "notification".to_owned(),
            Err(error) => error.split(':').next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn every_kind_of_frame_is_told_apart() {
        for (frame, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"a":1}}"#, r#"tool result of 7: {"a":1}"#),
            (r#"{"id":7,"result":"text"}"#, r#"other result of 7: "text""#),
            (r#"{"id":7,"result":{"content":5}}"#, r#"other result of 7: {"content":5}"#),
            (r#"{"id":7,"result":null}"#, "7: neither result nor error"),
            (r#"{"id":7,"error":{"code":1}}"#, r#"error of 7: {"code":1}"#),
            (r#"{"id":7,"error":{},"result":{}}"#, "7: both result and error"),
            (r#"{"id":7}"#, "7: neither result nor error"),
            (r#"{"id":null,"error":{"code":-32700}}"#, "an error to no request, its id is null"),
            (r#"{"id":"7","result":{}}"#, "foreign Some(7)"),
            (r#"{"id":"a","result":{}}"#, "foreign None"),
            (r#"{"id":7.5,"result":{}}"#, "foreign None"),
            (r#"{"id":7.0,"result":{}}"#, "tool result of 7: {}"),
            (r#"{"id":-7,"result":{}}"#, "foreign None"),
            ("\u{feff}{\"id\":7,\"result\":{}}", "tool result of 7: {}"),
            (r#"{"level":30,"msg":"line 1"}"#, "no frame"),
            (r#"{"jsonrpc":"2.0"}"#, "neither a request nor a response"),
            (r#"{"method":"notifications/progress"}"#, "notification"),
            (r#"{"id":"p","method":"ping"}"#, r#"request: {"jsonrpc":"2.0","id":"p","result":{}}"#),
            (r#"{"id":7,"result":NaN}"#, "not JSON-RPC"),
            (r#"{"result":{}}"#, "neither a request nor a response"),
            ("[]", "not JSON-RPC"),
            ("7", "not JSON-RPC"),
        ] {
            assert_eq!(kind(frame), expected, "{frame}");
        }
    }

    #[test]
    fn of_a_long_frame_every_part_is_whole() {
        let long = "x".repeat(100_000);
        let result = format!(
            r#"{{"content":[{{"type":"image","data":"{long}"}},{{"type":"text","text":"a\n{long}"}}],"structuredContent":["{long}"],"_meta":{{"m":"{long}"}}}}"#
        );
        let body = |rest: &str| match decode(&Bytes::from(format!(r#"{{"id":7,{rest}}}"#))) {
            Ok(Incoming::Response(7, Response { body, .. })) => body,
            other => panic!("{other:?}"),
        };
        let answer = body(&format!(r#""result":{result}"#));
        assert_eq!(answer.result().unwrap(), result);
        let Body::Tool(tool, _) = answer else { panic!("no tool's") };
        assert_eq!(tool.structured.unwrap(), format!(r#"["{long}"]"#));
        assert_eq!(tool.meta.unwrap(), format!(r#"{{"m":"{long}"}}"#));
        let mut texts = tool.content.unwrap().into_iter().filter_map(tool_result::Content::into_text);
        assert_eq!((texts.next(), texts.next()), (Some(format!("a\n{long}")), None));
        let Body::Error(error) = body(&format!(r#""error":{{"data":"{long}"}}"#)) else { panic!("no error") };
        assert_eq!(error, format!(r#"{{"data":"{long}"}}"#));
        let Body::Other(other, _) = body(&format!(r#""result":"{long}""#)) else { panic!("a tool's") };
        assert_eq!(other, format!(r#""{long}""#));
    }

    #[test]
    fn what_is_no_json_rpc_is_said_in_words() {
        for (frame, why) in [
            (r#"{"id":7,"result":{"x":NaN}}"#, "the number NaN, which JSON does not have, at column 23"),
            (
                r#"{"id":7,"result":{"x":-Infinity}}"#,
                "the number Infinity, which JSON does not have, at column 24",
            ),
            (r#"{"id":7,"result":{"x":1"#, "EOF while parsing an object at line 1 column 23"),
            (r#"[{"id":7,"result":{}}]"#, "a batch, where one message is expected"),
        ] {
            let error = decode(&Bytes::from_static(frame.as_bytes())).unwrap_err();
            assert_eq!(error, format!("not JSON-RPC: {why}"));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_frame() {
        let latin_1 = Bytes::from_static(b"{\"id\":7,\"result\":\"\xe4\"}");
        let error = decode(&latin_1).unwrap_err();
        assert_eq!(error, "not JSON-RPC: invalid utf-8 sequence of 1 bytes from index 18");
    }

    #[test]
    fn the_id_of_a_garbled_frame_is_found() {
        assert_eq!(sniff_id(br#"{"jsonrpc":"2.0","id": 12,"result":{"x":NaN"#), Some(12));
        assert_eq!(sniff_id(br#"{"id":"12""#), None);
        assert_eq!(sniff_id(b"{"), None);
    }
}
