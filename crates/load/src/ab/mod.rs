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

use music21_mcp_bench::client::{ClientOptions, Outcome, ProtocolViolations, ServerInfo};

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
    /// What baseline and candidate did against the protocol.
    #[serde(default)]
    pub violations: [ProtocolViolations; 2],
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

impl Measured {
    /// The entries that have rounds without times, and why; and whether some entry has no other rounds.
    pub(crate) fn gaps(&self) -> (Vec<String>, bool) {
        let mut is_without = false;
        let gap = |(name, rounds): (&String, &Vec<Round>)| {
            let failed: Vec<&str> = rounds.iter().filter_map(|round| round.complaint.as_deref()).collect();
            let why = failed.first()?;
            is_without |= failed.len() == rounds.len();
            let (failed, all) = (failed.len(), rounds.len());
            Some(format!("{name}: {failed} of {all} rounds have no times, for calls failed: {why}"))
        };
        (self.entries.iter().filter_map(gap).collect(), is_without)
    }

    /// What the servers did against the protocol, in words.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let said = |seen: &ProtocolViolations| seen.stray().into_iter().chain(seen.remarks());
        let sides = ["baseline", "candidate"].into_iter().zip(&self.violations);
        sides.flat_map(|(side, seen)| said(seen).map(move |what| format!("{side}: {what}"))).collect()
    }
}

/// Calls of one side (0 is the baseline) that ended well, in all rounds.
fn success(rounds: &[Round], side: usize) -> Proportion {
    Proportion::of_calls(rounds.iter().flat_map(|round| &round.outcomes[side]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_without_times_and_stray_replies_are_said() {
        let failed =
            |complaint: Option<&str>| Round { complaint: complaint.map(str::to_owned), ..Round::default() };
        let entries = |names: [(&str, [Option<&str>; 2]); 2]| {
            names.into_iter().map(|(name, rounds)| (name.to_owned(), rounds.map(failed).to_vec())).collect()
        };
        let once = [("a", [None, Some("no key")]), ("b", [None, None])];
        let mut measured = Measured { entries: entries(once), ..Measured::default() };
        let said = "a: 1 of 2 rounds have no times, for calls failed: no key".to_owned();
        assert_eq!(measured.gaps(), (vec![said], false));
        measured.entries = entries([("a", [Some("no key"), Some("gone")]), ("b", [None, None])]);
        assert!(measured.gaps().1, "{measured:?}");
        measured.violations[1].unmatched = 2;
        let said = "candidate: 0 calls were answered twice, 2 replies answer no call of ours";
        assert_eq!(measured.remarks(), [said]);
    }
}
