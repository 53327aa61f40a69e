//! What all transports share: why an exchange failed, and the settings.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use rmcp::model::ProtocolVersion;

use super::frame::Response;
use super::http::HttpWire;
use super::line::LineWire;
use super::mirror::Headers;
use super::violations::Counters;
use crate::client::Outcome;

/// How a session behaves; the defaults suit a server on this machine.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The largest reply held, in bytes; a larger one is skipped and reported as `Oversized`.
    pub max_reply_bytes: usize,
    /// How long a TCP connection may take.
    pub connect_timeout: Duration,
    /// How long a server may take from start to the end of the handshake.
    pub start_timeout: Duration,
    /// The protocol revision to ask for. `None` asks for the newest with a handshake and, where the server refuses or
    /// ignores that, for the newest without one.
    pub protocol: Option<ProtocolVersion>,
    /// Sent with every request over HTTP, whatever the session: see [`headers`](crate::client::headers).
    pub headers: HeaderMap,
    /// A PEM file with the authorities that a server behind `https://` is known by; those of the system if there is none.
    pub authorities: Option<PathBuf>,
    /// Whether sessions over HTTP hold a stream open (GET) on which the server may ask the client for something
    /// outside of its calls: `ping` is answered, the rest refused. A connection more for each session; off by
    /// default, because a server that never asks needs none. [`ServerUnderTest`](crate::server::ServerUnderTest)
    /// opens it all the same for a server that keeps sessions and is no music21 server, which may ask.
    pub listen: bool,
    /// Give each call of a tool a trace (W3C trace context), in `_meta` and over HTTP in a header: [`Reply::trace`] has its id.
    ///
    /// [`Reply::trace`]: crate::client::Reply::trace
    pub trace_context: bool,
    /// How long a child may take to leave after end of file, and again after SIGTERM.
    pub stop_grace: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            max_reply_bytes: 64 << 20,
            connect_timeout: Duration::from_secs(2),
            start_timeout: Duration::from_secs(60),
            protocol: None,
            headers: HeaderMap::new(),
            authorities: None,
            listen: false,
            trace_context: false,
            stop_grace: Duration::from_secs(2),
        }
    }
}

/// Why there is no answer to look at.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub outcome: Outcome,
    /// A lowercase fragment on one line.
    pub message: String,
    /// The server's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The server said that it cannot serve yet, or any more for a while.
    pub is_busy: bool,
    /// The HTTP status that said so.
    pub status: Option<StatusCode>,
}

impl Failure {
    pub(super) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), retry_after: None, is_busy: false, status: None }
    }

    /// Whether a server of another revision of the protocol may have meant that by it.
    pub(super) fn may_be_of_the_protocol(&self) -> bool {
        let is_refusal = [Outcome::RpcError, Outcome::ProtocolError, Outcome::TransportClosed];
        is_refusal.contains(&self.outcome) && !self.is_busy
    }

    pub(super) fn timed_out(deadline: Duration) -> Self {
        Self::new(Outcome::TimedOut, format!("no answer within {deadline:?}"))
    }
}

/// One request ready to be sent.
pub(super) struct Outgoing {
    pub id: u64,
    /// What goes with it over HTTP.
    pub headers: Headers,
    pub frame: Bytes,
}

/// The way to a server.
pub(super) enum Wire {
    Line(LineWire),
    Http(HttpWire),
}

impl Wire {
    /// Sends the request and waits for its answer until the deadline.
    pub(super) async fn exchange(&self, request: Outgoing, deadline: Duration) -> Result<Response, Failure> {
        match self {
            // In a box, as the other is: a call of which either were a part would be too large for the allocator's fast path.
            Self::Line(wire) => Box::pin(wire.exchange(request, deadline)).await,
            Self::Http(wire) => wire.exchange(request, deadline).await,
        }
    }

    /// Sends a notification, to which there is no answer.
    pub(super) async fn notify(&self, method: &'static str, frame: Bytes) -> Result<(), Failure> {
        match self {
            Self::Line(wire) => wire.notify(frame),
            Self::Http(wire) => wire.notify(method, frame).await,
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        match self {
            Self::Line(wire) => wire.counters(),
            Self::Http(wire) => wire.counters(),
        }
    }
}
