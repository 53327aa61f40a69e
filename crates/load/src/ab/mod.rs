//! Two servers measured in turn: fresh processes each round, slots interleaved, in an order that chance decides.

mod judge;
mod measure;
mod operation;
mod profile;
mod record;
mod round;
mod rows;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use judge::Judge;
pub(crate) use measure::{Fixed, Rounds, measure};
pub(crate) use operation::{OPERATIONS, Operation, Workload};
pub(crate) use profile::{BothSides, profile};
pub(crate) use record::record;
pub(crate) use server::{Build, Side};

use music21_mcp_bench::client::{ClientOptions, Outcome, ServerInfo};

use crate::compare::Figure;
use crate::compare::paired::{Block, round as log_ratio};
use crate::measure::stats::Proportion;
use crate::measure::trend::LeakReport;

/// What is measured, and how.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What the candidate is compared with.
    pub baseline: Side,
    /// What is judged.
    pub candidate: Side,
    /// What both are asked to do.
    pub workload: Workload,
    /// How sessions with both are opened.
    pub client: ClientOptions,
    /// Blocks of each entry in a round.
    pub blocks: u32,
    /// A slot is one call, or as many as take this long.
    pub slot: Duration,
    /// Every call's deadline.
    pub deadline: Duration,
    /// Decides every order.
    pub seed: u64,
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// By entry, in order of time.
    pub entries: BTreeMap<String, Vec<Round>>,
    /// Two copies of the baseline, one of them as if it were the candidate.
    #[serde(alias = "sentinel")]
    pub aa_control: Vec<Round>,
    /// How the memory of baseline and candidate grew, in each round.
    #[serde(default)]
    pub growth: Vec<[Option<LeakReport>; 2]>,
    /// Why it ended before its time.
    pub cut_short: Option<String>,
    /// Whether that was the user.
    #[serde(default)]
    pub interrupted: bool,
    /// Who answered as baseline and as candidate.
    #[serde(skip)]
    pub servers: Option<[ServerInfo; 2]>,
}

/// One entry in one round.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Its number, from 0.
    pub round: u32,
    /// Wall time.
    pub wall: Vec<Block>,
    /// CPU time of the servers; empty where it is not known.
    pub cpu: Vec<Block>,
    /// The quantile 0.95 of the baseline's and the candidate's calls, nanoseconds; `None` below
    /// 200 calls.
    #[serde(default)]
    pub p95_ns: [Option<u64>; 2],
    /// Calls that were timed on either side.
    #[serde(default)]
    pub calls: [u64; 2],
    /// How the baseline's and the candidate's calls ended.
    pub outcomes: [BTreeMap<Outcome, u64>; 2],
    /// Why a call did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complaint: Option<String>,
}

impl Round {
    /// The log ratio of the wall times; `None` if a call failed.
    pub(crate) fn wall_ratio(&self) -> Option<f64> {
        self.ratio(Figure::Wall)
    }

    /// The log ratio of the CPU times; `None` if a call failed or CPU time is not known.
    pub(crate) fn cpu_ratio(&self) -> Option<f64> {
        self.ratio(Figure::Cpu)
    }

    /// The log ratio of one of the times; `None` if a call failed or that time is not known.
    pub(crate) fn ratio(&self, figure: Figure) -> Option<f64> {
        let all_well = self.outcomes.iter().flatten().all(|(outcome, _)| *outcome == Outcome::Ok);
        let ratio = || match (figure, self.p95_ns) {
            (Figure::Wall, _) => log_ratio(&self.wall),
            (Figure::Cpu, _) => log_ratio(&self.cpu),
            (Figure::P95, [Some(a), Some(b)]) => Some((b as f64 / a as f64).ln()),
            _ => None,
        };
        all_well.then(ratio).flatten()
    }
}

/// Calls of one side (0 is the baseline) that ended well, in all rounds.
fn success(rounds: &[Round], side: usize) -> Proportion {
    Proportion::of_calls(rounds.iter().flat_map(|round| &round.outcomes[side]))
}
