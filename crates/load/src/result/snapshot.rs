//! The figures of one stage at one moment, under way or finished.

use std::collections::BTreeMap;

use music21_mcp_proc::ResourceSample;

use super::{AccountsBy, Second, StageResult};
use crate::measure::summary::Summary;

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
    /// From the intended start to the end, after the warm-up.
    pub response: Option<Summary>,
    /// From sending to the end, after the warm-up.
    pub service: Option<Summary>,
}

impl StageFigures {
    /// Of a finished stage.
    pub(crate) fn of(scenario: &str, stage: &StageResult) -> Self {
        let tools = stage.tools.iter().map(|(name, tool)| {
            let (response, service) = (tool.response.clone(), tool.service.clone());
            (name.clone(), ToolFigures { accounts: tool.accounts.clone(), response, service })
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
