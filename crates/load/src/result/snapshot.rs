//! The figures of one stage at one moment, under way or finished.

use std::collections::BTreeMap;

use music21_mcp_proc::ResourceSample;

use super::{AccountsBy, Second, StageResult};
use crate::measure::histogram::Histogram;

/// How a stage under way is at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The scenario's name.
    pub scenario: String,
    /// The stage's name.
    pub stage: String,
    /// Seconds since it began.
    pub elapsed_s: f64,
    /// Seconds that it takes, where that is known.
    pub duration_s: Option<f64>,
    /// Calls that ended.
    pub calls: u64,
    /// Calls after which it ends, where that is what ends it.
    pub of_calls: Option<u64>,
    /// Calls sent and not yet answered.
    pub in_flight: usize,
    /// Calls so far that ended otherwise than well.
    pub errors: u64,
    /// The last second that is over.
    pub last: Second,
    /// The server's processes when last looked at.
    pub resources: Option<ResourceSample>,
}

/// What is shown of one stage.
#[derive(Debug, Clone)]
pub(crate) struct StageFigures {
    /// The scenario's name.
    pub scenario: String,
    /// The stage's name.
    pub stage: String,
    /// Seconds since its first call was due.
    pub elapsed_s: f64,
    /// By tool.
    pub tools: BTreeMap<String, ToolFigures>,
    /// The server's processes when last looked at.
    pub resources: Option<ResourceSample>,
}

/// What is shown of one tool.
#[derive(Debug, Clone)]
pub(crate) struct ToolFigures {
    /// Every call in its class.
    pub accounts: AccountsBy,
    /// From the intended start to the end.
    pub response: Times,
    /// From sending to the end.
    pub service: Times,
    /// From sending to the first byte of the answer.
    pub first_byte: Times,
}

/// Times of one kind, all those after the fixed warm-up.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    /// How many there are.
    pub count: u64,
    /// Their mean, nanoseconds; 0 without any.
    pub mean_ns: f64,
    /// How many took at most each of [`BOUNDS_NS`].
    pub at_most: [u64; BOUNDS],
}

const BOUNDS: usize = 18;
/// Where counts of times are kept, nanoseconds: 1, 2 and 5 of each decade from 100 µs to 50 s. The same in every run, so that
/// the counts of several add up.
pub(crate) const BOUNDS_NS: [u64; BOUNDS] = [
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
    20_000_000_000,
    50_000_000_000,
];

impl Times {
    pub(crate) fn of(all: &Histogram) -> Self {
        Self { count: all.count(), mean_ns: all.mean_ns().unwrap_or(0.0), at_most: all.at_most(BOUNDS_NS) }
    }
}

impl StageFigures {
    /// Of a finished stage.
    pub(crate) fn of(scenario: &str, stage: &StageResult) -> Self {
        let tools = stage.tools.iter().map(|(name, tool)| {
            let read = |text: &str| Times::of(&Histogram::from_base64(text, None).unwrap_or_default());
            let figures = ToolFigures {
                accounts: tool.accounts.clone(),
                response: read(&tool.response_hdr),
                service: read(&tool.service_hdr),
                first_byte: read(&tool.first_byte_hdr),
            };
            (name.clone(), figures)
        });
        Self {
            scenario: scenario.to_owned(),
            stage: stage.name.clone(),
            elapsed_s: stage.elapsed_ns as f64 / 1e9,
            tools: tools.collect(),
            resources: stage.resources.last().map(|at| at.sample),
        }
    }
}
