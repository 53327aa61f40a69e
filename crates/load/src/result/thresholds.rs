//! The limits of a scenario.

use serde::{Deserialize, Deserializer, Serialize};

use crate::measure::rating;

/// What makes a scenario fail. Each is judged by its confidence bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The share of good answers must be at least this, in each stage; 0 switches it off. Calls too few to prove it pass
    /// only if all were good. Nor may a tool be called three times or more and never answer well, where others do. Not
    /// judged in a search and in a stage with a fault, which have rules of their own.
    #[serde(default = "default_min_success", deserialize_with = "off_if_null")]
    pub min_success: f64,
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

/// The guide's Acceptable.
fn default_min_success() -> f64 {
    rating::SUCCESS.acceptable
}

/// Files of older programs have `null` where success was not judged.
fn off_if_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(0.0))
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { min_success: default_min_success(), ..Self::none() }
    }
}

impl Thresholds {
    /// Nothing is judged by limits.
    pub(crate) fn none() -> Self {
        Self { min_success: 0.0, max_p95_ms: None, max_memory_mb_per_min: None, min_calls_per_s: None }
    }
}
