//! What a run is asked for and what it leaves: scenario files and `result.json` as plain data. Nothing here reads a
//! clock, a file or the network.

mod calls;
mod check;
mod day;
mod definition;
mod fault;
mod kept;
pub(crate) mod phases;
pub(crate) mod placeholder;
mod repeats;
mod run_file;
mod search;
mod shard;
mod snapshot;
mod stage;
mod think;
mod thresholds;
mod tool;
mod workload;

pub(crate) use calls::EXAMPLES;
pub use calls::{AccountsBy, Doubtful, Example, Interval, ToolResult, Traced};
pub(crate) use day::DayProfile;
pub use definition::{Arrivals, Definition, ScoreFile, Stage};
pub use fault::{Disruption, FaultResult, Injection};
pub(crate) use kept::{HEAPTRACK, JEMALLOC};
pub use kept::{KeptMemory, KeptSite};
pub use repeats::{Figure, Repeat, Repeats, Spread};
pub use run_file::{Check, RunFile, SCHEMA_VERSION, ScenarioResult, ServerFacts, Verdict};
pub(crate) use search::CALLS_FOR_A_BOUND;
pub use search::{Capacity, Search, Served, Tried};
pub(crate) use shard::workload_sha256;
pub use shard::{Shard, ShardFacts, ShardShare};
pub(crate) use snapshot::{BOUNDS_NS, Snapshot, StageFigures, Times, ToolFigures};
pub(crate) use stage::bin_of;
pub use stage::{
    Exports, Goodput, PhaseResult, Ratings, ResourceAt, Second, SessionMemory, StageProfile, StageResult,
    StoppedBy,
};
pub use think::{Pauses, Think};
pub use thresholds::Thresholds;
pub use tool::Tool;
pub use workload::{Asked, Errors, Flow, SessionEnd, Step, Workload};

#[cfg(test)]
pub(crate) mod fixture;
