//! What one stage measured, as a part of `result.json`.

use std::collections::BTreeMap;

use music21_mcp_bench::client::{Outcome, ProtocolViolations};
use music21_mcp_proc::ResourceSample;
use serde::{Deserialize, Serialize};

use crate::measure::rating::Rating;
use crate::measure::summary::Summary;
use crate::measure::trend::{LeakReport, MemoryReading, Slope};
use crate::measure::validity::{GeneratorFacts, Standing, Validity};
use crate::result::{AccountsBy, FaultResult, KeptMemory, ShardShare, ToolResult};

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StageResult {
    /// Its name.
    pub name: String,
    /// Sessions.
    pub clients: usize,
    /// An open loop's calls were due on a schedule, and its response times are rated.
    pub open_loop: bool,
    /// What ended it.
    pub stopped_by: StoppedBy,
    /// When its clock began, milliseconds since 1970 by this machine's clock; 0 in older files.
    #[serde(default)]
    pub started_unix_ms: u64,
    /// From the first call due to the end of the last, nanoseconds.
    pub elapsed_ns: u64,
    /// Every call in its class.
    pub accounts: AccountsBy,
    /// Calls answered per second.
    pub calls_per_s: f64,
    /// How many of them were good and in time; `None` without good calls that have times, in a stage with a fault, and in
    /// older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodput: Option<Goodput>,
    /// By tool.
    pub tools: BTreeMap<String, ToolResult>,
    /// By phase of the day, the same figures again; the first and the last peak hour are parts of the business hours.
    pub phases: BTreeMap<String, PhaseResult>,
    /// Calls due in each hour of the day's pattern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due_by_hour: Vec<u64>,
    /// Calls due and not yet answered when each ramp of the day's load ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "backlog_after_rises")]
    pub backlog_after_ramps: Vec<u64>,
    /// Second by second.
    pub timeline: Vec<Second>,
    /// The server's processes, once a second.
    pub resources: Vec<ResourceAt>,
    /// The most memory that the server's processes had resident at once; `None` where they could not be watched, and in
    /// older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// The server's processes after the rest at the end.
    pub settled: Option<ResourceSample>,
    /// Scores that the server held before a day, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores_before: Option<u64>,
    /// Scores that the server held after the rest at the end, where it was asked.
    pub scores_held: Option<u64>,
    /// What exports left on the server's disk.
    pub exports: Exports,
    /// Whether the server's memory grows; `None` where the stage is too short to say.
    pub leak: Option<LeakReport>,
    /// Sessions opened again after they were lost or abandoned.
    pub reopened: u64,
    /// What was seen that a sound server does not do; of the first stage also while sessions began. Nothing of it is a
    /// call's answer.
    #[serde(default, skip_serializing_if = "ProtocolViolations::is_empty")]
    pub violations: ProtocolViolations,
    /// What a session leaves in the server's memory, where each iteration has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_memory: Option<SessionMemory>,
    /// What the server kept and by which lines, in a run with `--profile memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_memory: Option<KeptMemory>,
    /// What is known about the generator.
    pub generator: GeneratorFacts,
    /// What a fault did that was injected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultResult>,
    /// Whether the figures may be believed.
    pub validity: Validity,
    /// Grades; of times none in an INVALID stage, nor of one with a fault or under way.
    pub ratings: Ratings,
    /// The server's end was seen: its process is gone or nothing reached it any more.
    pub server_lost: Option<String>,
    /// Where the server's time went, with `--profile`; `None` where it could not be sampled, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<StageProfile>,
    /// What each shard had of it, in a merged result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardShare>,
}

/// Samples of the server while a stage ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StageProfile {
    /// The program that took them.
    pub sampler: String,
    /// The calls meanwhile; one that was sampled for half its time is half a call.
    pub calls: f64,
    /// The time that one sample stands for, nanoseconds.
    pub period_ns: u64,
    /// The file in `flamegraphs` beside the result that has the stacks: `outer;…;inner µs`, of the time within calls.
    pub folded: String,
}

/// Throughput of what is of use: good calls within the objective.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Goodput {
    /// Calls a second.
    pub per_s: f64,
    /// The objective for a single call, milliseconds: that of the search or of the thresholds, else the guide's for p95.
    pub objective_ms: f64,
}

/// What ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// Its duration, as planned or as it turned out to be enough.
    Duration,
    /// Its number of calls, or its schedule.
    Calls,
    /// The caller's token.
    Interrupt,
    /// Too few good calls for the stage's `abort_below`.
    Lost,
    /// Nothing yet: it was under way when this was written.
    StillRunning,
}

/// What a session leaves in the server's memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionMemory {
    /// Each session is a process, and its memory ends with it.
    OfItsProcess,
    /// KB (10³ bytes) for each session.
    Kb(Slope),
    /// Why it is not known.
    Unknown(String),
}

/// One phase of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PhaseResult {
    /// Every call in its class.
    pub accounts: AccountsBy,
    /// Response times of all tools together.
    pub response: Option<Summary>,
    /// Growth of the server's anonymous memory; `None` with fewer than ten readings.
    #[serde(default)]
    pub memory_mb_per_min: Option<Slope>,
}

/// One second of a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Second {
    /// Seconds from the start.
    pub at_s: u64,
    /// Calls that ended well in it.
    pub ok: u64,
    /// Calls that ended otherwise.
    pub errors: BTreeMap<Outcome, u64>,
    /// Median response time, nanoseconds.
    pub p50_ns: Option<u64>,
    /// Quantile 0.95, nanoseconds.
    pub p95_ns: Option<u64>,
    /// The longest, nanoseconds.
    pub max_ns: Option<u64>,
    /// Calls under way, on average over the second.
    pub in_flight: f64,
    /// Calls that ended well by their response time: bin b has those from 10^(b/10) ns up to 10^((b+1)/10) ns. Files of
    /// older programs have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_time: BTreeMap<u8, u64>,
}

/// The bin of a response time in [`Second::by_time`].
pub(crate) fn bin_of(ns: u64) -> u8 {
    // OK because the largest logarithm is 19.
    ((ns.max(1) as f64).log10() * 10.0) as u8
}

/// The server's processes at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ResourceAt {
    /// Nanoseconds from the stage's first call.
    pub at_ns: u64,
    /// Calls that had ended.
    pub calls: u64,
    /// How many times one of the server's processes had ended by then and another taken its place.
    #[serde(default)]
    pub restarts: u32,
    /// What they used.
    pub sample: ResourceSample,
    /// Files in the server's temporary directory, bytes; read at every tenth sample, and only where we started
    /// the server and so know the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_bytes: Option<u64>,
    /// How many files those are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temp_files: Option<u64>,
}

/// What exports left on the server's disk, as far as this machine can see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Exports {
    /// Files that replies named.
    pub made: u64,
    /// Their sizes by the replies, bytes.
    pub made_bytes: u64,
    /// Files that were still there at the end of the stage.
    pub left: u64,
    /// Their sizes on disk, bytes.
    pub left_bytes: u64,
}

/// Grades with their evidence; `None` where there is nothing to rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ratings {
    /// Share of good answers.
    pub success: Option<Rating>,
    /// The worst tool's p95 response time; open loops only.
    pub p95: Option<Rating>,
    /// Growth of memory.
    pub memory: Option<Rating>,
    /// Time until the server was itself again after a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Rating>,
}

impl Ratings {
    /// Those that there are, with their names.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, Rating)> {
        let all = [
            ("success", self.success),
            ("p95", self.p95),
            ("memory", self.memory),
            ("recovery", self.recovery),
        ];
        all.into_iter().filter_map(|(name, rating)| Some((name, rating?)))
    }
}

impl ResourceAt {
    /// The most resident memory in the time of these readings: the kernel's own mark if it rose meanwhile, else the
    /// highest reading, since the mark is of some earlier time.
    pub(crate) fn peak_rss_bytes(readings: &[Self]) -> Option<u64> {
        let before = readings.first()?.sample.peak_rss_bytes;
        let mark = readings.iter().map(|at| at.sample.peak_rss_bytes).max()?;
        if mark > before { Some(mark) } else { readings.iter().map(|at| at.sample.rss_bytes).max() }
    }

    /// What the leak rule reads: the readings since the last restart, since a process that begins anew has given
    /// back whatever the one before it had lost.
    pub(crate) fn memory<'a>(readings: impl IntoIterator<Item = &'a Self>) -> Vec<MemoryReading> {
        let readings: Vec<&Self> = readings.into_iter().collect();
        let restarts = readings.last().map_or(0, |last| last.restarts);
        let since = readings.into_iter().filter(|at| at.restarts == restarts);
        since
            .map(|at| MemoryReading {
                at_ns: at.at_ns,
                calls: at.calls,
                rss_anon_bytes: at.sample.rss_anon_bytes,
            })
            .collect()
    }
}

impl StageResult {
    /// With what may be believed of it: in a disturbed stage all times become upper bounds. The histograms stay as they
    /// are.
    pub(crate) fn judged(mut self, validity: Validity) -> Self {
        if validity.times() == Standing::Disturbed {
            let of_tools = self.tools.values_mut().flat_map(|tool| {
                [&mut tool.response, &mut tool.service, &mut tool.first_byte, &mut tool.failures]
            });
            let of_phases = self.phases.values_mut().map(|phase| &mut phase.response);
            for summary in of_tools.chain(of_phases) {
                *summary = summary.take().map(Summary::disturbed);
            }
        }
        Self { validity, ..self }
    }

    /// MB (10⁶ bytes) of replies a second; `None` without replies, and in older files.
    pub(crate) fn reply_mb_per_s(&self, tool: &ToolResult) -> Option<f64> {
        (tool.reply_bytes > 0).then(|| tool.reply_bytes as f64 / 1e6 / (self.elapsed_ns as f64 / 1e9))
    }

    /// The times of one of its tools that are judged: response times of an open loop, service times of a closed one.
    pub(crate) fn times<'a>(&self, tool: &'a ToolResult) -> Option<&'a Summary> {
        if self.open_loop { tool.response.as_ref() } else { tool.service.as_ref() }
    }
}
