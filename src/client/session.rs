//! The MCP session on a wire: request ids, and what the newest protocol adds to each request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use rmcp::model::{ErrorData, JsonObject, ProtocolVersion, RequestMetaObject};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{self, Body, Response};
use super::mirror::{self, Headers, Mirrored};
use super::trace::TRACEPARENT;
use super::violations::Counters;
use super::wire::{Failure, Outgoing, Wire};
use crate::client::Outcome;

/// Who answers, and in which revision of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The name the server gives itself.
    pub name: String,
    /// The version it gives itself.
    pub version: String,
    /// The revision negotiated, such as `2025-06-18`.
    pub protocol: String,
}

/// A wire after its handshake.
pub(super) struct Session {
    pub wire: Wire,
    pub server: ServerInfo,
    /// What they agreed on.
    pub version: ProtocolVersion,
    /// Sent with every request where the protocol has no handshake.
    pub meta: Option<RequestMetaObject>,
    /// Arguments that are repeated in headers there, once the tools are known.
    pub mirrored: RwLock<Option<Arc<Mirrored>>>,
    pub next_id: AtomicU64,
    /// Each call is given a trace.
    pub traces: bool,
}

/// The protocol's code for it, from 2026-07-28 on.
const HEADER_MISMATCH: i32 = -32020;

/// Parameters with metadata of the request.
#[derive(Serialize)]
struct WithMeta<'a, P> {
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
    #[serde(flatten)]
    params: P,
}

#[derive(Serialize)]
struct Meta<'a> {
    /// That of the newest protocol.
    #[serde(flatten)]
    own: Option<&'a RequestMetaObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// What goes with a request beside its parameters.
pub(super) struct Beside<'a> {
    pub meta: Option<&'a RequestMetaObject>,
    pub headers: Headers,
    pub trace: Option<&'a str>,
}

/// A tool that is called.
pub(super) struct Called<'a> {
    pub tool: &'a str,
    pub arguments: &'a JsonObject,
    /// The trace that it belongs to.
    pub trace: Option<&'a str>,
}

impl Session {
    /// Whether the protocol has no handshake, and so is of its newest kind.
    pub(super) fn is_without_handshake(&self) -> bool {
        self.meta.is_some()
    }

    /// What is known of the tools' headers.
    pub(super) fn mirrored(&self) -> Option<Arc<Mirrored>> {
        self.mirrored.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_mirrored(&self, mirrored: Arc<Mirrored>) {
        *self.mirrored.write().unwrap_or_else(PoisonError::into_inner) = Some(mirrored);
    }

    /// Sends a request and waits for its answer until the deadline. `call` is what it calls, where it calls a tool: if the
    /// server refuses the headers of that, they are made anew from its list of tools and the call once more, as the protocol
    /// wants it.
    pub(super) async fn request<P: Serialize>(
        &self,
        method: &'static str,
        call: Option<Called<'_>>,
        params: P,
        deadline: Duration,
    ) -> Result<Response, Failure> {
        let headers = self.headers(method, call.as_ref());
        let trace = call.as_ref().and_then(|call| call.trace);
        let beside = |headers| Beside { meta: self.meta.as_ref(), headers, trace };
        let refused = self.send(beside(headers.clone()), method, &params, deadline).await?;
        if call.is_none() || !says_header_mismatch(&refused) {
            return Ok(refused);
        }
        // In a box, because it is rare: without one every call would have room for it.
        Box::pin(async move {
            let left = || deadline.saturating_sub(refused.sent.map_or(Duration::ZERO, |sent| sent.elapsed()));
            let listed = tokio::time::timeout(left(), Box::pin(self.listed_tools())).await;
            let anew = self.headers(method, call.as_ref());
            // With the same headers it would be refused again.
            if !matches!(listed, Ok(Ok(_))) || anew == headers {
                return Ok(refused);
            }
            Counters::add(&self.wire.counters().relisted);
            let answer = self.send(beside(anew), method, &params, left()).await?;
            Ok(Response { sent: refused.sent, ..answer })
        })
        .await
    }

    fn headers(&self, method: &'static str, call: Option<&Called<'_>>) -> Headers {
        let named = call.map(|call| (call.tool, call.arguments));
        let mut headers = match (&self.meta, &self.wire) {
            (Some(_), Wire::Http(_)) => mirror::headers(method, named, self.mirrored().as_deref()),
            _ => Headers::new(),
        };
        if let (Some(trace), Wire::Http(_)) = (call.and_then(|call| call.trace), &self.wire) {
            // OK because it is hexadecimal digits and hyphens.
            headers.push((TRACEPARENT, HeaderValue::from_str(trace).expect("a header's value")));
        }
        headers
    }

    /// As [`Self::request`], its result read into `T`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: impl Serialize,
        deadline: Duration,
    ) -> Result<T, Failure> {
        read(method, self.request(method, None, params, deadline).await?)
    }

    pub(super) async fn send<P: Serialize>(
        &self,
        Beside { meta, headers, trace }: Beside<'_>,
        method: &'static str,
        params: P,
        deadline: Duration,
    ) -> Result<Response, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = match (meta, trace) {
            // Without metadata there is nothing to flatten, which would copy every argument.
            (None, None) => frame::encode(Some(id), method, &params),
            (own, traceparent) => {
                frame::encode(Some(id), method, &WithMeta { meta: Meta { own, traceparent }, params })
            }
        };
        self.wire.exchange(Outgoing { id, headers, frame }, deadline).await
    }
}

/// Headers that do not repeat what the request says, or are missing.
fn says_header_mismatch(response: &Response) -> bool {
    let Body::Error(json) = &response.body else { return false };
    serde_json::from_slice::<ErrorData>(json).is_ok_and(|error| error.code.0 == HEADER_MISMATCH)
}

pub(super) fn read<T: DeserializeOwned>(method: &str, response: Response) -> Result<T, Failure> {
    let broken = |why: String| Failure::new(Outcome::ProtocolError, format!("{method}: {why}"));
    if let Some(json) = response.body.result() {
        return serde_json::from_slice(&json).map_err(|error| broken(format!("unreadable result: {error}")));
    }
    match response.body {
        Body::Error(json) => Err(Failure::new(Outcome::RpcError, format!("{method}: {}", error_text(&json)))),
        Body::Malformed(why) => Err(broken(format!("the reply has {why}"))),
        Body::Tool(..) | Body::Other(..) => Err(broken("no result".to_owned())),
    }
}

fn error_text(json: &Bytes) -> String {
    let Ok(error) = serde_json::from_slice::<ErrorData>(json) else {
        return String::from_utf8_lossy(json).chars().take(200).collect();
    };
    let supported = error.data.as_ref().and_then(|data| data.get("supported"));
    let supported = supported.map(|versions| format!(", supported: {versions}")).unwrap_or_default();
    format!("{} (code {}{supported})", error.message, error.code.0)
}
