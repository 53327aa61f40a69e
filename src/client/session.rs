//! The MCP session on a wire: handshake, request ids, and what the newest protocol adds to each request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rmcp::model::{
    ClientCapabilities, DiscoverResult, ErrorData, Implementation, InitializeRequestParams, InitializeResult,
    ProtocolVersion, RequestMetaObject,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{self, Body, Response};
use super::wire::{ClientOptions, Failure, Outgoing, Wire};
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
    /// Sent with every request where the protocol has no handshake.
    meta: Option<RequestMetaObject>,
    next_id: AtomicU64,
}

/// Parameters with the per-request metadata of the newest protocol.
#[derive(Serialize)]
struct WithMeta<'a, P> {
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RequestMetaObject>,
    #[serde(flatten)]
    params: P,
}

#[derive(Serialize)]
struct Nothing {}

/// How long a server that is not ready and does not say for how long is left alone.
const BUSY_PAUSE: Duration = Duration::from_millis(500);

impl Session {
    /// Agrees on a protocol revision within the time left for starting.
    pub(super) async fn handshake(
        wire: Wire,
        options: &ClientOptions,
        within: Duration,
    ) -> Result<Self, Failure> {
        let server = ServerInfo { name: String::new(), version: String::new(), protocol: String::new() };
        let mut session = Self { wire, server, meta: None, next_id: AtomicU64::new(1) };
        let mut busy = None;
        let agreed = async {
            loop {
                match session.agree(options.protocol.as_ref()).await {
                    // It is still starting, or was just started again.
                    Err(failure) if failure.is_busy => {
                        let pause = failure.retry_after.unwrap_or(BUSY_PAUSE);
                        busy = Some(failure);
                        tokio::time::sleep(pause).await;
                    }
                    result => return result,
                }
            }
        };
        let agreed = tokio::time::timeout(within, agreed).await;
        agreed.unwrap_or_else(|_| Err(busy.unwrap_or_else(|| Failure::timed_out(within))))?;
        Ok(session)
    }

    async fn agree(&mut self, protocol: Option<&ProtocolVersion>) -> Result<(), Failure> {
        match protocol {
            Some(version) if !version.has_initialize() => self.discover(version).await,
            Some(version) => self.initialize(version).await,
            None => match self.initialize(&ProtocolVersion::LATEST_WITH_INITIALIZE).await {
                // It may know no handshake any more. If this is refused too, the first reason counts.
                Err(refused) if refused.outcome == Outcome::RpcError => {
                    self.discover(&ProtocolVersion::LATEST).await.map_err(|_| refused)
                }
                result => result,
            },
        }
    }

    /// Whether the protocol has no handshake, and so is of its newest kind.
    pub(super) fn is_without_handshake(&self) -> bool {
        self.meta.is_some()
    }

    /// Sends a request and waits for its answer until the deadline.
    pub(super) async fn request<P: Serialize>(
        &self,
        method: &'static str,
        name: Option<&str>,
        params: P,
        deadline: Duration,
    ) -> Result<Response, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = match &self.meta {
            // Without metadata there is nothing to flatten, which would copy every argument.
            None => frame::encode(Some(id), method, &params),
            meta => frame::encode(Some(id), method, &WithMeta { meta: meta.as_ref(), params }),
        };
        let name = self.meta.as_ref().and(name).map(str::to_owned);
        self.wire.exchange(Outgoing { id, method, name, frame }, deadline).await
    }

    /// As [`Self::request`], its result read into `T`.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: impl Serialize,
        deadline: Duration,
    ) -> Result<T, Failure> {
        let broken = |why: String| Failure::new(Outcome::ProtocolError, format!("{method}: {why}"));
        match self.request(method, None, params, deadline).await?.body {
            Body::Result(json) => {
                serde_json::from_slice(&json).map_err(|error| broken(format!("unreadable result: {error}")))
            }
            Body::Error(json) => {
                Err(Failure::new(Outcome::RpcError, format!("{method}: {}", error_text(&json))))
            }
            Body::Malformed(why) => Err(broken(format!("the reply has {why}"))),
        }
    }

    async fn initialize(&mut self, version: &ProtocolVersion) -> Result<(), Failure> {
        let params = InitializeRequestParams::new(ClientCapabilities::default(), ourselves())
            .with_protocol_version(version.clone());
        // The time limit is that of the whole handshake.
        let result: InitializeResult = self.ask("initialize", params, Duration::MAX).await?;
        if !result.protocol_version.has_initialize() {
            let message =
                format!("initialize answered with protocol {}, which has none", result.protocol_version);
            return Err(Failure::new(Outcome::ProtocolError, message));
        }
        self.agreed(result.server_info.name, result.server_info.version, &result.protocol_version);
        let method = "notifications/initialized";
        self.wire.notify(method, frame::encode(None, method, &Nothing {})).await
    }

    async fn discover(&mut self, version: &ProtocolVersion) -> Result<(), Failure> {
        let mut meta = RequestMetaObject::new();
        meta.set_protocol_version(version.clone());
        meta.set_client_info(ourselves());
        meta.set_client_capabilities(ClientCapabilities::default());
        self.meta = Some(meta);
        if let Wire::Http(wire) = &self.wire {
            wire.set_version(version);
        }
        let result: DiscoverResult = self.ask("server/discover", Nothing {}, Duration::MAX).await?;
        if !result.supported_versions.contains(version) {
            let message = format!("the server does not speak protocol {version}");
            return Err(Failure::new(Outcome::ProtocolError, message));
        }
        let server = result.server_info();
        let (name, server_version) =
            server.map_or_else(Default::default, |server| (server.name.clone(), server.version.clone()));
        self.agreed(name, server_version, version);
        Ok(())
    }

    fn agreed(&mut self, name: String, version: String, protocol: &ProtocolVersion) {
        self.server = ServerInfo { name, version, protocol: protocol.to_string() };
        if let Wire::Http(wire) = &self.wire {
            wire.set_version(protocol);
        }
    }
}

fn ourselves() -> Implementation {
    Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

fn error_text(json: &Bytes) -> String {
    match serde_json::from_slice::<ErrorData>(json) {
        Ok(error) => format!("{} (code {})", error.message, error.code.0),
        Err(_) => String::from_utf8_lossy(json).chars().take(200).collect(),
    }
}
