//! The rate limit over HTTP, where a refusal is a status: one limiter for each client.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use http::Method;
use http::request::Parts;
use serde::Deserialize;

use crate::Server;
use crate::rate_limit::{Limiter, RateLimit};

/// The limiters of all clients.
#[derive(Debug)]
pub(super) struct Gate {
    limit: RateLimit,
    server: Server,
    limiters: Mutex<HashMap<Client, Box<dyn Limiter>>>,
}

/// Who calls: a session, or without one an address.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Client {
    Session(Vec<u8>),
    Address(IpAddr),
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    method: Option<&'a str>,
}

impl Gate {
    pub(super) fn new(limit: RateLimit, server: Server) -> Self {
        Self { limit, server, limiters: Mutex::default() }
    }

    /// Whether the request calls a tool that its client may not call now.
    pub(super) fn refuses(&self, request: &Parts, body: &[u8], peer: SocketAddr) -> bool {
        let client = match request.headers.get("mcp-session-id") {
            Some(session) => Client::Session(session.as_bytes().to_vec()),
            None => Client::Address(peer.ip()),
        };
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if request.method == Method::DELETE {
            limiters.remove(&client);
            return false;
        }
        if !calls_a_tool(body) {
            return false;
        }
        let now_ns = self.server.now_ns();
        !limiters.entry(client).or_insert_with(|| self.limit.limiter(now_ns)).admit(now_ns)
    }

    /// Until one more call passes, at least a second, since the header takes whole ones.
    pub(super) fn retry_after_seconds(&self) -> u64 {
        (1.0 / self.limit.per_second).ceil().max(1.0) as u64
    }
}

fn calls_a_tool(body: &[u8]) -> bool {
    serde_json::from_slice::<Message<'_>>(body).is_ok_and(|message| message.method == Some("tools/call"))
}
