//! The versioned result file: what was measured, on what, and under which conditions.
//!
//! Records are append-only. A file that was written is never written again; what is wrong with it is
//! found when it is read.

pub mod criterion;
mod environment;
mod file;
mod parts;
mod rounds;
mod run_file;
mod runs;
mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use environment::{this_tool, unix_time, utc};
pub use music21_mcp_bench::baseline::criterion::Samples;
pub use music21_mcp_bench::baseline::file::InputError;
pub(crate) use music21_mcp_bench::baseline::file::{SCHEMA_VERSION, sha256_hex};
pub(crate) use parts::{Origin, Parts, plain_record};
pub(crate) use runs::Runs;
pub use store::{Found, Store};

use music21_mcp_bench::client::Outcome;
use music21_mcp_proc::{Conditions, Machine};

use crate::measure::stats::Proportion;
use crate::measure::trend::Slope;
use crate::result::Tool;

/// Calls of a round from which a quantile 0.95 is reported: ten lie above it.
pub(crate) const P95_CALLS: u64 = 200;

/// One set of measurements of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The layout of the file.
    pub schema_version: u32,
    /// How the figures came about.
    pub kind: Kind,
    /// When it was made, as RFC 3339 in UTC.
    pub created_utc: String,
    /// The program that measured.
    pub tool: Tool,
    /// What was measured.
    pub server: Server,
    /// How it was reached.
    pub protocol: Protocol,
    /// What it was asked to do.
    pub workload: Workload,
    /// How it was loaded.
    pub load: Load,
    /// Where.
    pub machine: Machine,
    /// How busy that machine was otherwise.
    pub conditions: Conditions,
    /// The server the figures are also known relative to, reached on the same path in the same rounds.
    pub reference: Option<Reference>,
    /// Why the figures are not to be believed; `null` if nothing speaks against them.
    pub invalid: Option<String>,
    /// The figures, by benchmark or tool.
    pub entries: BTreeMap<String, Entry>,
}

/// How a record's figures came about. Figures of different kinds are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `cargo bench`: a round is one process, its figure the median of Criterion's samples.
    Criterion,
    /// Calls in turn with a reference server, fresh processes each round.
    Calls,
    /// A load scenario; a round is one run.
    Load,
}

/// What was measured. It may differ between two records: that is what comparing them is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The name records of this target are found by.
    pub target: String,
    /// The name the server gives itself.
    pub name: Option<String>,
    /// The version it gives itself.
    pub version: Option<String>,
    /// SHA-256 of the command line or URL.
    pub launch_sha256: String,
}

/// How the server was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// `in-process`, `stdio` or `http`.
    pub transport: String,
    /// The revision of MCP agreed on.
    pub mcp_version: Option<String>,
}

/// What the server was asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its name.
    pub id: String,
    /// Raised when it is changed on purpose.
    pub version: u32,
    /// SHA-256 of inputs, arguments, mix and seed.
    pub sha256: String,
}

/// How the server was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// `closed` or `open`.
    pub model: String,
    /// Arrivals a second in an open loop.
    pub rate_per_s: Option<f64>,
    /// Sessions at a time.
    pub sessions: u32,
    /// The deadline of a call, milliseconds.
    pub deadline_ms: Option<u64>,
}

/// The server that figures are also known relative to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its name.
    pub id: String,
    /// SHA-256 of what decides its speed: name, version and arguments.
    pub sha256: String,
}

/// The figures of one benchmark or tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// One element a round, in order of time.
    pub rounds: Vec<Round>,
    /// What Criterion keeps of the last round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<Samples>,
}

impl Entry {
    /// Calls that ended well, of all calls of all rounds whose end is the server's doing.
    pub(crate) fn success(&self) -> Proportion {
        Proportion::of_calls(self.rounds.iter().flat_map(|round| &round.outcomes))
    }
}

/// The figures of one round: fresh processes on both sides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Its number, from 0.
    pub round: u32,
    /// How its calls ended.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Wall time of a call, as natural logarithm of nanoseconds: the mean over slots of the logarithm, or the
    /// logarithm of the median of Criterion's samples or of a load's response times. Left out where a call of a
    /// slot failed, or none went well.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number")]
    pub wall_log: Option<f64>,
    /// The median, nanoseconds.
    pub p50_ns: Option<u64>,
    /// The quantile 0.95, nanoseconds; `null` below 200 calls.
    pub p95_ns: Option<u64>,
    /// Where the quantile 0.95 lies with 95 % confidence, nanoseconds; without an upper end where it lies beyond the
    /// longest call or the deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_bounds_ns: Option<(u64, Option<u64>)>,
    /// So many calls timed out that the quantile 0.95 is only known not to be smaller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub p95_is_least: bool,
    /// The machine did something else besides: all times of this round, wall and CPU, are upper bounds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_disturbed: bool,
    /// CPU time of the server for a call, as natural logarithm of nanoseconds.
    pub cpu_log: Option<f64>,
    /// The same two figures of the reference server in this round.
    pub reference: Option<ReferenceRound>,
    /// How the server's memory grew after its warm-up, where that was watched for minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// Every response time of a load: HdrHistogram V2, deflated, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_hdr: Option<String>,
}

/// How a server's memory grew.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// In time, MB/min.
    pub mb_per_min: Slope,
    /// By calls, KB.
    pub kb_per_call: Option<Slope>,
}

/// A number that may be left out and is never `null`, which is what JSON makes of NaN.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

/// The reference server's figures in one round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceRound {
    /// As [`Round::wall_log`].
    pub wall_log: f64,
    /// As [`Round::cpu_log`].
    pub cpu_log: Option<f64>,
    /// As [`Round::p95_ns`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ns: Option<u64>,
}
