//! What all transports share: why an exchange failed, what was seen that a sound server does not do, the settings.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use rmcp::model::ProtocolVersion;
use serde::{Deserialize, Serialize};

use super::frame::Response;
use super::http::HttpWire;
use super::line::LineWire;
use super::mirror::Headers;
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

/// What sessions saw that a sound server does not do; none of it is the answer to a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProtocolViolations {
    /// Replies to calls given up before.
    pub late: u64,
    /// Replies to no call of this session.
    pub unmatched: u64,
    /// Second replies to one call.
    pub duplicates: u64,
    /// Lines or events that are not JSON-RPC, or are too large.
    pub bad_frames: u64,
    /// Requests sent again, because the kept connection that they went out on was closed without a byte of an answer.
    pub resent: u64,
    /// Calls that the server refused for their headers, and that were made again with those that its list of tools then asked
    /// for.
    #[serde(default)]
    pub relisted: u64,
    /// Lines on a child's stdout that are no frames: not JSON, or JSON of another kind (MCP forbids them).
    pub noise_lines: u64,
    /// The first three of them.
    pub noise: Vec<String>,
}

impl ProtocolViolations {
    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What two groups of sessions saw together.
    #[must_use]
    pub fn plus(mut self, more: Self) -> Self {
        self.noise.extend(more.noise);
        self.noise.truncate(QUOTED_LINES);
        Self {
            late: self.late + more.late,
            unmatched: self.unmatched + more.unmatched,
            duplicates: self.duplicates + more.duplicates,
            bad_frames: self.bad_frames + more.bad_frames,
            resent: self.resent + more.resent,
            relisted: self.relisted + more.relisted,
            noise_lines: self.noise_lines + more.noise_lines,
            noise: self.noise,
        }
    }

    /// What of it was seen after `earlier`, a state of the same sessions before.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            late: self.late - earlier.late,
            unmatched: self.unmatched - earlier.unmatched,
            duplicates: self.duplicates - earlier.duplicates,
            bad_frames: self.bad_frames - earlier.bad_frames,
            resent: self.resent - earlier.resent,
            relisted: self.relisted - earlier.relisted,
            noise_lines: self.noise_lines - earlier.noise_lines,
            noise: self.noise.iter().skip(earlier.noise.len()).cloned().collect(),
        }
    }
}

/// The live form of [`ProtocolViolations`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub late: AtomicU64,
    pub unmatched: AtomicU64,
    pub duplicates: AtomicU64,
    pub bad_frames: AtomicU64,
    pub resent: AtomicU64,
    pub relisted: AtomicU64,
    noise_lines: AtomicU64,
    noise: Mutex<Vec<String>>,
}

/// Noise lines are quoted this many times, and up to this many characters each.
const QUOTED_LINES: usize = 3;
const QUOTED_CHARS: usize = 120;

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn noise(&self, line: &[u8]) {
        if self.noise_lines.fetch_add(1, Ordering::Relaxed) < QUOTED_LINES as u64 {
            let quoted = String::from_utf8_lossy(line).chars().take(QUOTED_CHARS).collect();
            self.noise.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(quoted);
        }
    }

    pub(crate) fn snapshot(&self) -> ProtocolViolations {
        let Self { late, unmatched, duplicates, bad_frames, resent, relisted, noise_lines, noise } = self;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProtocolViolations {
            late: get(late),
            unmatched: get(unmatched),
            duplicates: get(duplicates),
            bad_frames: get(bad_frames),
            resent: get(resent),
            relisted: get(relisted),
            noise_lines: get(noise_lines),
            noise: noise.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
        }
    }
}
