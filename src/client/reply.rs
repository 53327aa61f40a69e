//! How a call ended, decided in one place.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rmcp::model::{ErrorData, JsonObject};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::expect::{self, Answer, Asked, Expectation, Judgement, one_line, says_rate_limited};
use super::frame::{Body, Response};
use super::tool_result::{Content, ToolResult, text_of};
use super::wire::Failure;
use crate::client::Outcome;

/// The end of one tool call: always exactly one [`Outcome`].
///
/// Only the client makes one or changes its class; who calls says what it expects ([`Expectation`]) instead of judging
/// the answer again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply {
    /// The class of the call.
    pub outcome: Outcome,
    /// The tool's answer as it came: JSON text, unparsed. `None` where no tool answered.
    pub text: Option<String>,
    /// The `_meta` of the tool's result as it came: JSON text. `None` where there is none.
    pub meta: Option<String>,
    /// Why it is not `Ok`: a fragment on one line; `None` where it is.
    pub message: Option<String>,
    /// Bytes of the whole reply, envelope included; 0 where none came.
    pub bytes: usize,
    /// When its request was handed to the transport: writing it is the client's time as well. `None` where no reply came.
    pub sent: Option<Instant>,
    /// When its first byte had arrived; over HTTP that is its head, which a server may send before it begins to work where the
    /// reply is a stream of events. `None` where no reply came, and within this process, where none arrives in bytes.
    pub first_byte: Option<Instant>,
    /// When its last byte had arrived: reading and judging it is the client's time and not the server's. `None` where no
    /// reply came.
    pub received: Option<Instant>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Why an answer that is `Ok` may be a failure all the same: of a tool without rules it reads like one, and the call
    /// does not say how to tell. `None` where nothing speaks for it.
    pub doubt: Option<String>,
    /// The id of its trace: 32 hexadecimal digits. `None` where the session gives none.
    pub trace: Option<String>,
}

impl Reply {
    /// Whether the tool answered what was expected.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// The answer as a JSON tree. `None` where there is none or it is not JSON.
    #[must_use]
    pub fn payload(&self) -> Option<Value> {
        self.parse()
    }

    /// The answer read into a type of the caller's. `None` where it does not fit.
    #[must_use]
    pub fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.text.as_deref()?).ok()
    }

    /// One entry of the result's `_meta`. `None` where it has none of that name, or is no JSON object.
    #[must_use]
    pub fn meta(&self, key: &str) -> Option<Value> {
        serde_json::from_str::<JsonObject>(self.meta.as_deref()?).ok()?.remove(key)
    }

    /// A call that was given up, or that no session carried: what ended it is known, and no answer came.
    #[must_use]
    pub fn unanswered(outcome: Outcome, message: &str) -> Self {
        Self::ended(outcome, message.to_owned(), 0)
    }

    /// What becomes of a call that a stand-in for a server answers with `text`, judged as a server's answer is.
    #[must_use]
    pub fn answered(tool: &str, arguments: &JsonObject, expect: &Expectation, text: String) -> Self {
        let asked = Asked { tool, arguments, expect };
        let answer = Answer { text: Some(&text), rest: &[], is_error: false, is_empty: false };
        let Judgement { outcome, message, retry_after, doubt } = expect::judge(asked, answer);
        let bytes = text.len();
        Self {
            outcome,
            text: Some(text),
            meta: None,
            message,
            bytes,
            sent: None,
            first_byte: None,
            received: None,
            retry_after,
            doubt,
            trace: None,
        }
    }

    /// A good answer to what is no request of the protocol.
    pub(super) fn plain(text: String, bytes: usize) -> Self {
        let received = Some(Instant::now());
        Self { text: Some(text), message: None, received, ..Self::ended(Outcome::Ok, String::new(), bytes) }
    }

    fn ended(outcome: Outcome, message: String, bytes: usize) -> Self {
        let message = Some(message);
        Self {
            outcome,
            text: None,
            meta: None,
            message,
            bytes,
            sent: None,
            first_byte: None,
            received: None,
            retry_after: None,
            doubt: None,
            trace: None,
        }
    }
}

/// Puts a finished exchange into its class. Every way a call can end passes through here.
pub(super) fn classify(asked: Asked<'_>, exchanged: Result<Response, Failure>) -> Reply {
    let Response { bytes, sent, first_byte, received, body } = match exchanged {
        Ok(response) => response,
        Err(Failure { outcome, message, retry_after, .. }) => {
            return Reply { retry_after, ..Reply::ended(outcome, message, 0) };
        }
    };
    let reply = match body {
        Body::Malformed(why) => Reply::ended(Outcome::ProtocolError, format!("the reply has {why}"), bytes),
        Body::Error(json) => match serde_json::from_slice::<ErrorData>(&json) {
            Ok(error) => rpc_error(&error, bytes),
            // An error all the same, of a server that has no code or message for it, or writes it as a text.
            Err(_) => Reply::ended(Outcome::RpcError, one_line(&String::from_utf8_lossy(&json)), bytes),
        },
        Body::Tool(result, frame) => {
            // Its text can take the frame's place then.
            drop(frame);
            tool_result(asked, result, bytes)
        }
        Body::Other(_, why) => {
            Reply::ended(Outcome::ProtocolError, format!("not a tool's result: {why}"), bytes)
        }
    };
    Reply { sent, first_byte, received: Some(received), ..reply }
}

/// The same for a request whose result is no tool's: what came is the answer.
pub(super) fn classify_plain(asked: Asked<'_>, exchanged: Result<Response, Failure>) -> Reply {
    let result = exchanged.as_ref().ok().and_then(|response| response.body.result());
    let Some(json) = result.map(|json| text_of(&json).into_owned()) else {
        return classify(asked, exchanged);
    };
    let expect = Expectation { allows_errors: true, ..asked.expect.clone() };
    let reply = Reply::answered(asked.tool, asked.arguments, &expect, json);
    let Ok(Response { bytes, sent, first_byte, received, .. }) = exchanged else { return reply };
    Reply { bytes, sent, first_byte, received: Some(received), ..reply }
}

fn rpc_error(error: &ErrorData, bytes: usize) -> Reply {
    let outcome = if error.code.0 == 429 || says_rate_limited(&error.message) {
        Outcome::RateLimited
    } else {
        Outcome::RpcError
    };
    let wait = error.data.as_ref().and_then(|data| data.get("retry_after")).and_then(Value::as_f64);
    let retry_after = wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let message = format!("{} (code {})", one_line(&error.message), error.code.0);
    Reply { retry_after, ..Reply::ended(outcome, message, bytes) }
}

fn tool_result(asked: Asked<'_>, mut result: ToolResult, bytes: usize) -> Reply {
    if let Some(message) = result.not_yet() {
        return Reply::ended(Outcome::ToolError, message, bytes);
    }
    let ToolResult { content, is_error, structured, meta, .. } = result;
    let content = content.unwrap_or_default();
    let is_empty = structured.is_none() && content.iter().all(Content::is_nothing);
    let owned = |json: Bytes| text_of(&json).into_owned();
    let (structured, meta) = (structured.map(owned), meta.map(owned));
    let mut texts = content.into_iter().filter_map(Content::into_text);
    let text = texts.next();
    // Parts of the answer that are looked at only if the first does not hold what the call expects.
    let rest: Vec<String> = texts.chain(structured.clone().filter(|_| text.is_some())).collect();
    let text = text.or(structured);
    let answer = Answer { text: text.as_deref(), rest: &rest, is_error, is_empty };
    let Judgement { outcome, message, retry_after, doubt } = expect::judge(asked, answer);
    let reply = Reply::ended(outcome, String::new(), bytes);
    Reply { text, meta, message, retry_after, doubt, ..reply }
}
