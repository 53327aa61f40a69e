//! Why a client could not connect.

use super::wire::Failure;
use crate::client::Outcome;

/// Why no session came about: one line that says what was tried and what happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// The class a call would have ended in.
    pub outcome: Outcome,
    message: String,
}

impl ConnectError {
    pub(super) fn new(target: &str, failure: &Failure) -> Self {
        Self { outcome: failure.outcome, message: format!("{target}: {}", failure.message) }
    }
}
