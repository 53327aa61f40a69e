//! A fault of the server under test: what is asked for, and what it did.

use serde::{Deserialize, Serialize};

use crate::measure::recovery::Recovery;

/// A fault that a stage's server meets while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Seconds from the stage's first call.
    pub at_s: f64,
    /// What is done to it.
    pub kind: Disruption,
    /// For how long, seconds; a kill is over at once.
    #[serde(default)]
    pub for_s: f64,
}

/// What is done to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// SIGKILL; over HTTP it is started again at once, over stdio by whoever needs it.
    Kill,
    /// SIGSTOP, and SIGCONT afterwards.
    Freeze,
    /// Killed, and its port closed until it is started again.
    Close,
}

/// What a fault did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FaultResult {
    /// The fault as it was asked for.
    pub injection: Injection,
    /// When it came, nanoseconds from the stage's first call; `None` where the stage ended before.
    pub at_ns: Option<u64>,
    /// The p95 response time before it, nanoseconds; `None` where there were too few calls.
    pub p95_before_ns: Option<u64>,
    /// What happened after it.
    pub recovery: Option<Recovery>,
    /// From the fault to the first session that was opened after it; `None` where none was lost.
    pub reconnected_after_ns: Option<u64>,
}

impl FaultResult {
    /// No call has succeeded since.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        self.recovery.is_some_and(|recovery| recovery.first_success_after_ns.is_none())
    }
}
