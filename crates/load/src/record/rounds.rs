//! A stage of one run as rounds of a record: of the stage, and of each tool in it.

use crate::measure::histogram::Histogram;
use crate::measure::quantile::Quantile;
use crate::measure::validity::{Figures, Standing};
use crate::record::{Growth, Round};
use crate::result::{ResourceAt, RunFile, Stage, StageResult};

/// The stage as a whole, with the server's CPU time and memory, and each of its tools, as far as each figure may be
/// believed. An error names the histogram that cannot be read.
pub(super) fn of_stage(
    name: &str,
    round: u32,
    stage: &StageResult,
    defined: &Stage,
    file: &RunFile,
) -> Result<Vec<(String, Round)>, (String, String)> {
    let standing = stage.validity.times();
    let of_times = |histogram: &Histogram| match standing {
        Standing::Invalid => Round::default(),
        _ => Round { is_disturbed: standing == Standing::Disturbed, ..times(histogram) },
    };
    let mut all = Histogram::default();
    let mut rounds = Vec::new();
    for (tool, result) in &stage.tools {
        let name = format!("{name}/{tool}");
        let histogram =
            result.responses(defined.shortest_deadline_ns(tool)).map_err(|reason| (name.clone(), reason))?;
        all.merge(&histogram);
        let outcomes = result.accounts.ended.clone();
        rounds.push((name, Round { round, outcomes, ..of_times(&histogram) }));
    }
    let cpu_ns = cpu_ns_per_call(&stage.resources).filter(|_| !file.server.shares_our_process);
    let whole = Round {
        round,
        outcomes: stage.accounts.ended.clone(),
        cpu_log: cpu_ns.map(f64::ln),
        growth: stage
            .leak
            .filter(|_| stage.validity.of(Figures::Resources) == Standing::Valid)
            .map(|leak| Growth { mb_per_min: leak.mb_per_min, kb_per_call: leak.kb_per_call }),
        ..of_times(&all)
    };
    rounds.push((name.to_owned(), whole));
    Ok(rounds)
}

/// The figures of response times. The bounds are order statistics, which are optimistic where calls depend on each
/// other; verdicts rest on the differences between rounds.
fn times(histogram: &Histogram) -> Round {
    let p95 = Quantile::read(histogram, 0.95, &[], None);
    let (p95_ns, p95_bounds_ns, p95_is_least) = match p95 {
        Quantile::Value { ns, interval } => (Some(ns), Some((interval.low_ns, interval.high_ns)), false),
        Quantile::Censored { at_least_ns, .. } => (Some(at_least_ns), None, true),
        _ => (None, None, false),
    };
    let p50_ns = histogram.quantile(0.5);
    Round {
        wall_log: p50_ns.map(|ns| (ns as f64).ln()),
        p50_ns,
        p95_ns,
        p95_bounds_ns,
        p95_is_least,
        response_hdr: (histogram.count() > 0).then(|| histogram.to_base64()),
        ..Round::default()
    }
}

/// CPU time of the server's processes for each call that ended, between the first and the last reading of the same
/// number of processes: a process that starts or ends brings or takes all the time it has used.
fn cpu_ns_per_call(resources: &[ResourceAt]) -> Option<f64> {
    let last = resources.last()?;
    let first =
        resources.iter().rev().take_while(|at| at.sample.processes == last.sample.processes).last()?;
    let used = last.sample.cpu_ns.checked_sub(first.sample.cpu_ns).filter(|used| *used > 0)?;
    let calls = last.calls.checked_sub(first.calls).filter(|calls| *calls > 0)?;
    Some(used as f64 / calls as f64)
}

#[cfg(test)]
mod tests {
    use music21_mcp_proc::ResourceSample;

    use super::*;
    use crate::measure::Latency;

    #[test]
    fn cpu_time_is_counted_while_the_processes_stay_the_same() {
        let at = |calls, processes, cpu_ns| ResourceAt {
            at_ns: 0,
            calls,
            restarts: 0,
            sample: ResourceSample { processes, cpu_ns, ..ResourceSample::default() },
            temp_bytes: None,
            temp_files: None,
        };
        let grown = [at(0, 1, 900), at(10, 2, 5000), at(20, 2, 6000), at(30, 2, 7000)];
        assert_eq!(cpu_ns_per_call(&grown), Some(100.0));
        assert_eq!(cpu_ns_per_call(&[at(0, 1, 900), at(10, 1, 800)]), None, "restarted");
        assert_eq!(cpu_ns_per_call(&grown[3..]), None);
    }

    #[test]
    fn a_p95_at_the_deadline_is_marked_as_the_least_it_can_be() {
        let mut histogram = Histogram::default();
        for call in 0..300 {
            histogram.record(Latency { ns: 1_000_000 + call, censored: false });
        }
        let good = times(&histogram);
        assert!(good.p95_ns.is_some() && good.p95_bounds_ns.is_some() && !good.p95_is_least);
        for _ in 0..30 {
            histogram.record(Latency { ns: 30_000_000_000, censored: true });
        }
        let cut = times(&histogram);
        assert!(cut.p95_is_least && cut.p95_ns > Some(29_000_000_000), "{cut:?}");
        assert_eq!(times(&Histogram::default()), Round::default());
    }
}
