//! How a scheduled call ended.

use serde::{Deserialize, Serialize};

/// The one class in which every scheduled call ends; the classes' counts always add up to the
/// number of calls scheduled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered, and the answer is what the call expects.
    Ok,
    /// The tool refused: `isError: true`, or `{"status":"error"}` inside a success.
    ToolError,
    /// A well-formed success that is not what the call expects.
    WrongAnswer,
    /// An answer to another call, perhaps another session's.
    #[serde(alias = "foreign_answer")]
    MisroutedAnswer,
    /// A JSON-RPC `error` answer.
    RpcError,
    /// Refused by a rate limiter (HTTP 429, or a JSON-RPC error that says so).
    RateLimited,
    /// No answer within the deadline. The call's time is censored at the deadline.
    TimedOut,
    /// The connection or the process ended while the call was in flight.
    TransportClosed,
    /// No connection could be made.
    ConnectError,
    /// The server sent something that is not the protocol.
    ProtocolError,
    /// The server no longer knows the session (HTTP 404 on a stateful transport).
    SessionExpired,
    /// The answer is larger than the client is willing to hold, or the request than the server is (HTTP 413).
    Oversized,
    /// Given up by us (interrupt, end of run) after it was sent.
    Cancelled,
    /// Scheduled and never sent.
    Dropped,
}

impl Outcome {
    /// Every class, in the order reports print them.
    pub const ALL: [Self; 14] = [
        Self::Ok,
        Self::ToolError,
        Self::WrongAnswer,
        Self::MisroutedAnswer,
        Self::RpcError,
        Self::RateLimited,
        Self::TimedOut,
        Self::TransportClosed,
        Self::ConnectError,
        Self::ProtocolError,
        Self::SessionExpired,
        Self::Oversized,
        Self::Cancelled,
        Self::Dropped,
    ];

    /// Something came back, good or bad.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        match self {
            Self::Ok
            | Self::ToolError
            | Self::WrongAnswer
            | Self::MisroutedAnswer
            | Self::RpcError
            | Self::RateLimited
            | Self::ProtocolError
            | Self::SessionExpired
            | Self::Oversized => true,
            Self::TimedOut | Self::TransportClosed | Self::ConnectError | Self::Cancelled | Self::Dropped => {
                false
            }
        }
    }

    /// The call never reached the server, or the server's end cut it off.
    #[must_use]
    pub const fn is_connection_loss(self) -> bool {
        matches!(self, Self::TransportClosed | Self::ConnectError | Self::SessionExpired)
    }

    /// The class's name in files and reports, as serde writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::WrongAnswer => "wrong_answer",
            Self::MisroutedAnswer => "misrouted_answer",
            Self::RpcError => "rpc_error",
            Self::RateLimited => "rate_limited",
            Self::TimedOut => "timed_out",
            Self::TransportClosed => "transport_closed",
            Self::ConnectError => "connect_error",
            Self::ProtocolError => "protocol_error",
            Self::SessionExpired => "session_expired",
            Self::Oversized => "oversized",
            Self::Cancelled => "cancelled",
            Self::Dropped => "dropped",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_serde_writes() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), serde_json::json!(outcome.name()));
        }
    }
}
