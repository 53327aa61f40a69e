//! What is known about the generator after a run, put together once from all who saw something of it.

use music21_mcp_bench::client::Outcome;
use music21_mcp_proc::Conditions;

use super::{Load, Plan, Recorder, Run};
use crate::measure::histogram::Histogram;
use crate::measure::quantile::{Quantile, lower_bound, samples_for_value};
use crate::measure::summary::Summary;
use crate::measure::trend::LeakVerdict;
use crate::measure::validity::GeneratorFacts;
use crate::measure::{Sample, little};

/// Fewer calls than this do not add up to a law: how far the first and the last are cut off weighs too much.
const LITTLE_CALLS: u64 = 100;
/// Mean service time, seconds, below which a client's own turn between two calls, a tenth of a millisecond and more in a
/// build without optimisation, is a part of its time that counts.
const LITTLE_SERVICE_S: f64 = 1e-2;

/// All that was seen of a run.
pub(crate) struct Evidence<'a> {
    /// What was asked for.
    pub plan: &'a Plan,
    /// What the driver did.
    pub run: &'a Run,
    /// What came of the calls.
    pub recorder: &'a Recorder,
    /// The response times of each tool, as they are reported.
    pub responses: &'a [&'a Summary],
    /// The machine meanwhile; `None` of a run under way.
    pub conditions: Option<Conditions>,
    /// Share of the CPUs that neither we nor the server used.
    pub others_cpu_share: Option<f64>,
    /// Our own process; `None` where the server shares it and its work would count as ours.
    pub own: Option<OwnProcess>,
}

/// What readings of our own process show.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OwnProcess {
    /// Whether its memory grows.
    pub leak: Option<LeakVerdict>,
    /// Descriptors open at the end minus those halfway.
    pub descriptors_left: Option<i64>,
}

impl Evidence<'_> {
    /// What [`crate::measure::validity::judge_generator`] wants to know.
    pub(crate) fn facts(&self) -> GeneratorFacts {
        let Self { run, recorder, conditions, .. } = self;
        let delays = &recorder.scheduling_delay;
        let per_second = |count: u64| count as f64 / run.offered_for.as_secs_f64().max(1e-9);
        let is_open_loop = matches!(self.plan.load, Load::Open { .. });
        GeneratorFacts {
            scheduling_delay_p99_ns: delays.quantile(0.99),
            late_share: recorder.very_late as f64 / delays.count().max(1) as f64,
            undelivered_share: is_open_loop.then(|| run.overdue as f64 / run.scheduled.max(1) as f64),
            p95_ns: self.responses.iter().filter_map(|response| reported(&response.p95)).min(),
            loop_lag_p99_ns: surely_p99(&run.loop_lag.lags),
            longest_gap_ns: run.loop_lag.longest_gap_ns,
            own_cpu_share: self.own.and(run.own_cpu_share),
            own_leak: self.own.and_then(|own| own.leak),
            descriptors_left: self.own.and_then(|own| own.descriptors_left),
            due: is_open_loop.then_some(run.scheduled),
            offered_per_s: is_open_loop.then(|| per_second(run.scheduled)),
            achieved_per_s: per_second(run.answered_in_time),
            little_gap: self.little_gap(),
            internal_errors: run.internal_errors,
            imbalance: recorder.accounts(run).check().err(),
            steal_share: conditions.and_then(|now| now.steal_percent).map(|percent| percent / 100.0),
            cpu_pressure_percent: conditions.and_then(|now| now.cpu_pressure_percent),
            others_cpu_share: self.others_cpu_share,
        }
    }

    /// Little's law over the time in which calls were made due, all calls counted. After that time clients are idle
    /// one after the other, which is no fault of theirs.
    fn little_gap(&self) -> Option<f64> {
        let Load::Closed { workers } = self.plan.load else { return None };
        let workload = &self.plan.workload;
        let thinks = workload.flows.iter().flat_map(|flow| &flow.steps).any(|step| !step.think_ms.is_none());
        // Sessions that are opened in between take time that no call has, and a pause of a single client takes no load away
        // that another call would have met.
        if thinks || !workload.sessions.is_kept() || workers < 2 {
            return None;
        }
        let records = || self.recorder.tools.values();
        let ended: u64 = records().map(|tool| tool.accounts.ended()).sum();
        let good: u64 = records().map(|tool| tool.accounts.count(Outcome::Ok)).sum();
        let end_ns = self.run.offered_for.as_nanos() as u64;
        let busy = |sample: &Sample| sample.done_ns.min(end_ns).saturating_sub(sample.sent_ns);
        let timed = records().flat_map(|tool| tool.samples.iter().chain(&tool.cold));
        let (calls, busy_ns) = timed.fold((0_u64, 0), |(n, ns), sample| (n + 1, ns + busy(sample)));
        if calls < LITTLE_CALLS || calls != ended || good != ended {
            return None;
        }
        let mean_s = |ns: u64| ns as f64 / calls as f64 / 1e9;
        if mean_s(busy_ns) < LITTLE_SERVICE_S {
            return None;
        }
        // A client that judges a reply makes no other call either.
        let service_s = mean_s(busy_ns + self.recorder.judging_ns);
        let throughput = calls as f64 / self.run.offered_for.as_secs_f64();
        little::gap(u32::try_from(workers).ok()?, throughput, service_s)
    }
}

/// The quantile where there are calls enough to report it.
fn reported(quantile: &Quantile) -> Option<u64> {
    match *quantile {
        Quantile::Value { ns, .. } => Some(ns),
        _ => None,
    }
}

/// p99, or below the samples that it needs what it surely is: a stage of half a second has fifty wakings, of which
/// one that is late would already be p99.
fn surely_p99(lags: &Histogram) -> Option<u64> {
    if lags.count() >= samples_for_value(0.99) { lags.quantile(0.99) } else { lower_bound(lags, 0.99) }
}
