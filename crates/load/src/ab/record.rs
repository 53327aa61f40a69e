//! Paired rounds as a record: the candidate's figures, and those of the baseline as the reference server's.

use music21_mcp_proc::Conditions;

use super::{Measured, Round, Settings};
use crate::compare::paired::{Block, aa_alarm};
use crate::measure::stats::mean;
use crate::record::{self, Entry, Kind, Load, Origin, Parts, Record, Reference, ReferenceRound, sha256_hex};

/// What was measured, as a record of `target`. Rounds in which a call failed have no times.
pub(crate) fn record(
    measured: &Measured,
    settings: &Settings,
    target: String,
    conditions: Conditions,
) -> Record {
    let ratios: Vec<f64> = measured.aa_control.iter().filter_map(Round::wall_ratio).collect();
    let [reference, server] = match &measured.servers {
        Some([reference, server]) => [Some(reference), Some(server)],
        None => [None, None],
    };
    let identity = reference.map(|server| format!("{} {} ", server.name, server.version)).unwrap_or_default();
    let record = Record::from(Parts {
        kind: Kind::Calls,
        origin: Origin::here(conditions),
        target,
        launch_sha256: settings.candidate.launch_sha256.clone(),
        transport: settings.candidate.transport(),
        identity: server.cloned(),
        workload: ("pair", settings.workload.sha256()),
        load: Load::closed(Some(settings.deadline.as_millis() as u64)),
        entries: measured.entries.iter().map(|(name, rounds)| (name.clone(), entry(rounds))).collect(),
    });
    Record {
        reference: Some(Reference {
            id: settings.baseline.name.clone(),
            sha256: sha256_hex((identity + &settings.baseline.identity).as_bytes()),
        }),
        invalid: measured.cut_short.clone().or_else(|| aa_alarm(&ratios)),
        ..record
    }
}

fn entry(rounds: &[Round]) -> Entry {
    let rounds = rounds.iter().map(|round| {
        let kept = record::Round {
            round: round.round,
            outcomes: round.outcomes[1].clone(),
            ..record::Round::default()
        };
        // Times of a round in which a call failed are not those of the same operation.
        if round.wall_ratio().is_none() {
            return kept;
        }
        let candidate = |block: &Block| block.candidate_ns;
        let baseline = |block: &Block| block.baseline_ns;
        let cpu = round.cpu_ratio().map(|_| [log(&round.cpu, candidate), log(&round.cpu, baseline)]);
        record::Round {
            wall_log: Some(log(&round.wall, candidate)),
            p95_ns: round.p95_ns[1],
            cpu_log: cpu.map(|[candidate, _]| candidate),
            reference: Some(ReferenceRound {
                wall_log: log(&round.wall, baseline),
                cpu_log: cpu.map(|[_, baseline]| baseline),
                p95_ns: round.p95_ns[0],
            }),
            ..kept
        }
    });
    Entry { rounds: rounds.collect(), ..Entry::default() }
}

fn log(blocks: &[Block], side: fn(&Block) -> [f64; 2]) -> f64 {
    mean(&blocks.iter().flat_map(side).map(f64::ln).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use music21_mcp_bench::client::Outcome;

    use super::*;
    use crate::measure::stats::Proportion;

    fn round(number: u32, outcome: Outcome) -> Round {
        let block = Block { baseline_ns: [100.0, 100.0], candidate_ns: [200.0, 400.0] };
        let counts: BTreeMap<Outcome, u64> = [(outcome, 4)].into();
        Round {
            round: number,
            wall: vec![block],
            outcomes: [[(Outcome::Ok, 4)].into(), counts],
            ..Round::default()
        }
    }

    #[test]
    fn a_round_with_a_failed_call_has_no_times_in_a_record_and_its_failures_are_kept() {
        let entry = entry(&[round(0, Outcome::Ok), round(1, Outcome::TimedOut), round(2, Outcome::Ok)]);
        let times: Vec<bool> = entry.rounds.iter().map(|round| round.wall_log.is_some()).collect();
        assert_eq!(times, [true, false, true]);
        assert_eq!(entry.success(), Proportion { successes: 8, trials: 12 });
        let first = &entry.rounds[0];
        assert!((first.wall_log.unwrap() - (200.0f64 * 400.0).sqrt().ln()).abs() < 1e-12);
        assert!((first.reference.unwrap().wall_log - 100f64.ln()).abs() < 1e-12);
        assert_eq!((first.cpu_log, first.reference.unwrap().cpu_log), (None, None));
    }
}
