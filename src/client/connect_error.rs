//! Why a client could not connect.

use super::wire::Failure;
use crate::client::Outcome;

/// Why no session came about: one line that says what was tried and what happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// The class a call would have ended in.
    pub outcome: Outcome,
    /// Whether there is something at the other end, whatever it does.
    pub is_reached: bool,
    message: String,
}

impl ConnectError {
    pub(super) fn new(target: &str, failure: &Failure) -> Self {
        let outcome = match failure.outcome {
            // A connection that never carried a session was not made.
            Outcome::TransportClosed => Outcome::ConnectError,
            outcome => outcome,
        };
        let is_reached = failure.outcome != Outcome::ConnectError;
        Self { outcome, is_reached, message: format!("{target}: {}", failure.message) }
    }
}
