//! The limits of a scenario.

use serde::{Deserialize, Serialize};

/// What makes a scenario fail. Each is judged by its confidence bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The share of good answers must be at least this, in each stage. Calls too few to prove it pass only if
    /// all were good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_success: Option<f64>,
    /// p95 of each tool: response times of an open loop, service times of a closed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_p95_ms: Option<f64>,
    /// MB (10⁶ bytes) a minute of anonymous memory by which the server may grow after its warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_memory_mb_per_min: Option<f64>,
    /// Calls per second that ended well, in each stage; judged by Student's t over ten slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_calls_per_s: Option<f64>,
}
