//! What a run leaves behind: `result.json`, in integers of nanoseconds and bytes, raw figures beside
//! the judgements made of them.

use std::collections::BTreeMap;

use music21_mcp_proc::{Conditions, Machine};
use serde::{Deserialize, Serialize};

use crate::measure::rating::Rating;
use crate::measure::token_bucket;
use crate::result::{Capacity, Definition, ShardFacts, StageResult, Tool, Tried};

/// The layout of the file. 2 renamed fields; those of 1 are read by their old names.
pub const SCHEMA_VERSION: u32 = 2;

/// Everything one `run` measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunFile {
    /// The layout of the file.
    pub schema_version: u32,
    /// `false` until the last scenario has ended, after Ctrl-C, and where a lost server left scenarios undone: what
    /// is missing was not measured.
    pub complete: bool,
    /// When it began, as RFC 3339 in UTC.
    pub created_utc: String,
    /// The command line that reproduces it, in words; a duration of the environment is its last option.
    pub command_line: Vec<String>,
    /// Decides arrivals and the choice of flows.
    pub seed: u64,
    /// The program that measured.
    pub tool: Tool,
    /// Where.
    pub machine: Machine,
    /// How busy that machine was otherwise; `None` until the end.
    pub conditions: Option<Conditions>,
    /// What was measured.
    pub server: ServerFacts,
    /// What it is a part of, where it was run with `--shard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardFacts>,
    /// In the order of running.
    pub scenarios: Vec<ScenarioResult>,
}

impl RunFile {
    /// All stages, each with the name of its scenario.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (&str, &StageResult)> {
        self.scenarios.iter().flat_map(|one| one.stages.iter().map(|stage| (&*one.name, stage)))
    }
}

/// Who answered, and how it was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServerFacts {
    /// As `--server` takes it, with the variables of a command line in name only.
    pub spec: String,
    /// SHA-256 of how it was started, the values of those variables included.
    #[serde(default)]
    pub launch_sha256: String,
    /// Its own name.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// The protocol revision negotiated.
    pub protocol: String,
    /// `stdio`, `http` or `in-process`.
    pub transport: String,
    /// The server runs in this program, so that its resources include the generator's.
    pub shares_our_process: bool,
    /// The names of its tools.
    pub tools: Vec<String>,
    /// Failed attempts before it started.
    pub start_retries: u32,
    /// Versions of the SDK's packages that are installed where the server's process has loaded others from; empty where no
    /// Python process on this machine serves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
}

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All checks passed.
    Pass,
    /// A check failed.
    Fail,
    /// A check can not be decided.
    Inconclusive,
    /// The generator was the bottleneck: nothing is rated.
    Invalid,
    /// The server did not start, died, or stopped answering.
    ServerFailed,
    /// Ctrl-C; the figures are those up to then.
    Interrupted,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ScenarioResult {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was judged.
    pub checks: Vec<Check>,
    /// What a reader must know: caps, shortened stages, what the figures do not show.
    pub notes: Vec<String>,
    /// Why it ended early, in one line.
    pub error: Option<String>,
    /// What was run; it can be run again as a TOML file.
    pub definition: Definition,
    /// What the stages measured.
    pub stages: Vec<StageResult>,
    /// What the rate limiter is.
    pub rate_limit: Option<token_bucket::Report>,
    /// How many clients keep the objective, where that was searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// At which arrival rate they do, where that was searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_capacity: Option<Capacity>,
    /// The grade of the most clients that were served within the objective, where many were tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<Rating>,
}

impl ScenarioResult {
    /// Of a scenario of which nothing was measured yet.
    pub(crate) fn begun(definition: Definition) -> Self {
        let [capacity, rate_capacity] = definition.search.as_ref().map(Capacity::begun).unwrap_or_default();
        Self {
            name: definition.name.clone(),
            verdict: Verdict::Interrupted,
            checks: Vec::new(),
            notes: Vec::new(),
            error: None,
            capacity,
            rate_capacity,
            definition,
            stages: Vec::new(),
            rate_limit: None,
            clients: None,
        }
    }

    /// What was searched for, each with the stages that tried it, in order.
    pub(crate) fn searches(&self) -> impl Iterator<Item = (&Capacity, Vec<(&Tried, &StageResult)>)> {
        self.capacity.iter().chain(&self.rate_capacity).map(|capacity| {
            let of_it = self.stages.iter().filter(|stage| stage.open_loop == capacity.is_by_rate());
            (capacity, capacity.tried.iter().zip(of_it).collect())
        })
    }
}

/// One judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    /// What was judged.
    pub name: String,
    /// Pass, Fail or Inconclusive; Invalid where the figures are unknown that it is about.
    pub verdict: Verdict,
    /// The figures and the limit.
    pub text: String,
}
