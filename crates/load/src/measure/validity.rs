//! Was the generator the bottleneck? A run whose own instruments failed is INVALID: it is written
//! down and never rated or compared.

use serde::{Deserialize, Serialize};

use super::accounting::Imbalance;
use super::little;
use super::trend::LeakVerdict;

const MS: u64 = 1_000_000;
/// p99 of the scheduling delay, nanoseconds. The timer is a millisecond coarse and a healthy run shows 2 ms, so that ten
/// are our own fault; a fast server's p95 is of that size.
const MAX_DELAY_NS: u64 = 10 * MS;
/// Half of that: still no figure is wrong by what could be mistaken for the server's.
const WARN_DELAY_NS: u64 = 5 * MS;
/// The delay may be more than [`MAX_DELAY_NS`] where it is less than one part in so many of the fastest tool's p95: 2 %,
/// a fifth of what `compare` calls a regression.
const DELAY_OF_P95: u64 = 50;
/// A call dispatched this late is counted apart: it is seen in a maximum, and a few of them in p99.
pub(crate) const VERY_LATE_NS: u64 = 100 * MS;
/// Share of calls that may be that late: a tenth of what p99 leaves out.
const MAX_VERY_LATE: f64 = 0.001;
/// p99 of how late the event loop wakes, nanoseconds: every reply is read by that loop, and waits as long.
const MAX_LOOP_LAG_NS: u64 = 10 * MS;
/// The longest time without a waking, nanoseconds. No load of our own holds a loop up for seconds; a suspended machine
/// does.
const MAX_STANDSTILL_NS: u64 = 5000 * MS;
/// Share of the CPUs allowed. Beyond it the generator waits for itself, and its queues are in the server's times.
const MAX_OWN_CPU: f64 = 0.8;
/// From here on a busy second may reach [`MAX_OWN_CPU`] while the mean does not.
const WARN_OWN_CPU: f64 = 0.5;
/// Share of CPU time that the hypervisor may take: at a twentieth p95 is made of stolen time as much as of anything else.
const WARN_STEAL: f64 = 0.05;
/// Throughput ÷ arrival rate below which the server did not keep up. An evenly due schedule is off by less than one call.
const KEPT_UP: f64 = 0.99;
/// Percent of the time that tasks may wait for a CPU.
const PRESSURE: f64 = 20.0;
/// Share of the CPUs that others may use where tasks wait. A desktop's or a CI runner's own services use a few
/// percent; a compiler beside the run uses half of two CPUs and more.
const OTHERS: f64 = 0.20;

/// What is known about the generator and its machine after a run. `None` is "not measured".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GeneratorFacts {
    /// The quantile 0.99 of dispatched − due, nanoseconds.
    #[serde(alias = "gen_lag_p99_ns")]
    pub scheduling_delay_p99_ns: Option<u64>,
    /// Share of calls that the generator dispatched more than 100 ms late.
    pub late_share: f64,
    /// The smallest p95 of a tool, nanoseconds; a slow server forgives some lag.
    pub p95_ns: Option<u64>,
    /// The quantile 0.99 of how late a 10 ms sleeper woke up, nanoseconds; what it surely is (95 %) where it woke up
    /// fewer than 1000 times.
    pub loop_lag_p99_ns: Option<u64>,
    /// The longest gap between two probes of the loop, nanoseconds.
    pub longest_gap_ns: u64,
    /// Own CPU time ÷ (elapsed time × cores allowed).
    pub own_cpu_share: Option<f64>,
    /// Whether the generator's own memory grows.
    pub own_leak: Option<LeakVerdict>,
    /// Own descriptors at the end minus those halfway, when all sessions had long been open.
    pub descriptors_left: Option<i64>,
    /// Calls per second the schedule offered; `None` in a closed loop.
    pub offered_per_s: Option<f64>,
    /// Calls per second that were answered while calls were made due; in an open loop those under way at its end
    /// count as well.
    pub achieved_per_s: f64,
    /// How far a closed loop is from Little's law, as a share of its clients with its sign. `None` where the law
    /// cannot be applied.
    #[serde(default)]
    pub little_gap: Option<f64>,
    /// Tasks of the generator that panicked.
    pub internal_errors: u64,
    /// Totals that do not add up.
    pub imbalance: Option<Imbalance>,
    /// Share of CPU time taken by the hypervisor.
    pub steal_share: Option<f64>,
    /// Share of the time that some task of the machine waited for a CPU, percent.
    pub cpu_pressure_percent: Option<f64>,
    /// Share of the machine's CPUs that neither the generator nor the server used, nor the profiler of a run with
    /// `--profile`.
    #[serde(default)]
    pub others_cpu_share: Option<f64>,
}

impl GeneratorFacts {
    /// Whether throughput stayed below the arrival rate.
    #[must_use]
    pub(crate) fn is_saturated(&self) -> bool {
        self.offered_per_s.is_some_and(|offered| self.achieved_per_s < KEPT_UP * offered)
    }
}

/// The judgement of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Validity {
    /// Why the run is INVALID; empty for a valid run.
    pub invalid: Vec<Reason>,
    /// What to know when reading a valid run.
    pub warnings: Vec<Reason>,
    /// Throughput stayed more than 1 % below the arrival rate: queueing then measures the run's
    /// length, not the server.
    pub saturated: bool,
}

/// Something about the generator that a reader must know.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Calls went out late: the quantile 0.99 of dispatched − due, nanoseconds.
    #[error("calls were dispatched up to {:.1} ms late (p99); free the machine or lower the rate", ms(*.0))]
    #[serde(alias = "gen_lag")]
    SchedulingDelay(u64),
    /// Single calls went out very late: their share, 0 to 1.
    #[error("{:.2} % of the calls were dispatched more than {:.0} ms late", .0 * 100.0, ms(VERY_LATE_NS))]
    VeryLate(f64),
    /// The event loop was held up: the quantile 0.99 of how late it woke up, nanoseconds.
    #[error("the event loop woke up to {:.1} ms late (p99)", ms(*.0))]
    LoopLag(u64),
    /// The machine slept, or the process was stopped: the longest gap, nanoseconds.
    #[error("the generator stood still for {:.1} s; was the machine suspended?", ms(*.0) / 1e3)]
    Suspended(u64),
    /// The generator used much of its CPU quota: the share, 0 to 1.
    #[error("the generator itself used {:.0} % of its CPUs", .0 * 100.0)]
    OwnCpu(f64),
    /// The generator's memory grows.
    #[error("the generator's own memory grows")]
    OwnLeak,
    /// The generator loses descriptors: how many more were open at the end than halfway.
    #[error("the generator's open descriptors grew by {0} in the second half")]
    DescriptorsLeft(i64),
    /// The clients were not as busy as a closed loop's are, and time went where no figure shows it: how far off they
    /// were, with its sign, as a share of their number.
    #[error("throughput times service time is {:+.0} % off the number of clients (Little's law)", .0 * 100.0)]
    Little(f64),
    /// A bug of the generator: how many of its tasks panicked.
    #[error("{0} tasks of the generator panicked")]
    InternalError(u64),
    /// Totals do not add up: which ones.
    #[error("{0}")]
    Imbalance(Imbalance),
    /// Other machines on the same host took CPU time: the share, 0 to 1.
    #[error("the hypervisor took {:.1} % of the CPU time", .0 * 100.0)]
    Steal(f64),
    /// There was more work than CPUs, which may have been the server's own: the share of the time that some task
    /// waited, percent, 0 to 100.
    #[error("tasks waited for a CPU {0:.0} % of the time")]
    CpuPressure(f64),
    /// There was more work than CPUs, and much of it was not ours: the share of the CPUs that others used, 0 to 1.
    #[error("others used {:.0} % of the machine's CPUs while tasks waited for one; stop them and measure again", .0 * 100.0)]
    OthersBusy(f64),
}

impl Reason {
    /// Whether not even the counts can be believed; otherwise it is only the times that cannot.
    #[must_use]
    pub(crate) fn spoils_counts(&self) -> bool {
        matches!(self, Self::Imbalance(_) | Self::InternalError(_))
    }
}

fn ms(ns: u64) -> f64 {
    ns as f64 / MS as f64
}

impl Validity {
    /// Whether the run may be rated and compared.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }
}

/// Judges a run by what its generator did.
#[must_use]
pub fn judge_generator(facts: &GeneratorFacts) -> Validity {
    let mut judgement =
        Validity { invalid: Vec::new(), warnings: Vec::new(), saturated: facts.is_saturated() };
    judge_pace(facts, &mut judgement);
    judge_machine(facts, &mut judgement);
    let panics = Some(facts.internal_errors).filter(|&panics| panics > 0);
    judgement.invalid.extend(panics.map(Reason::InternalError));
    let gap = facts.little_gap.filter(|gap| gap.abs() > little::MAX_GAP);
    judgement.warnings.extend(gap.map(Reason::Little));
    judgement.invalid.extend(facts.imbalance.clone().map(Reason::Imbalance));
    judgement
}

fn judge_pace(facts: &GeneratorFacts, judgement: &mut Validity) {
    if let Some(lag) = facts.scheduling_delay_p99_ns {
        let limit = MAX_DELAY_NS.max(facts.p95_ns.unwrap_or(0) / DELAY_OF_P95);
        if lag > limit {
            judgement.invalid.push(Reason::SchedulingDelay(lag));
        } else if lag > WARN_DELAY_NS {
            judgement.warnings.push(Reason::SchedulingDelay(lag));
        }
    }
    if facts.late_share > MAX_VERY_LATE {
        judgement.invalid.push(Reason::VeryLate(facts.late_share));
    }
    if let Some(lag) = facts.loop_lag_p99_ns.filter(|&lag| lag > MAX_LOOP_LAG_NS) {
        judgement.invalid.push(Reason::LoopLag(lag));
    }
    if facts.longest_gap_ns > MAX_STANDSTILL_NS {
        judgement.invalid.push(Reason::Suspended(facts.longest_gap_ns));
    }
}

fn judge_machine(facts: &GeneratorFacts, judgement: &mut Validity) {
    match facts.own_cpu_share {
        Some(share) if share > MAX_OWN_CPU => judgement.invalid.push(Reason::OwnCpu(share)),
        Some(share) if share > WARN_OWN_CPU => judgement.warnings.push(Reason::OwnCpu(share)),
        _ => {}
    }
    if facts.own_leak == Some(LeakVerdict::Leak) {
        judgement.invalid.push(Reason::OwnLeak);
    }
    if let Some(left) = facts.descriptors_left.filter(|&left| left > 0) {
        judgement.warnings.push(Reason::DescriptorsLeft(left));
    }
    if let Some(share) = facts.steal_share.filter(|&share| share >= WARN_STEAL) {
        judgement.warnings.push(Reason::Steal(share));
    }
    let Some(percent) = facts.cpu_pressure_percent.filter(|&percent| percent >= PRESSURE) else { return };
    judgement.warnings.push(Reason::CpuPressure(percent));
    // Neither is enough alone. A server that is busy on every CPU makes pressure, and that is the finding; and
    // others on a machine with CPUs to spare take nothing from anybody.
    judgement.invalid.extend(facts.others_cpu_share.filter(|&share| share >= OTHERS).map(Reason::OthersBusy));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One fact at a time: what it says, and whether it invalidates or warns.
    fn check(change: impl Fn(&mut GeneratorFacts), invalid: &[&str], warnings: &[&str]) {
        let mut facts = GeneratorFacts { scheduling_delay_p99_ns: Some(MS), ..GeneratorFacts::default() };
        change(&mut facts);
        let judgement = judge_generator(&facts);
        let texts = |reasons: &[Reason]| reasons.iter().map(Reason::to_string).collect::<Vec<_>>();
        assert_eq!(
            (texts(&judgement.invalid), texts(&judgement.warnings)),
            (
                invalid.iter().map(ToString::to_string).collect(),
                warnings.iter().map(ToString::to_string).collect()
            )
        );
        assert_eq!(judgement.is_valid(), invalid.is_empty());
    }

    #[test]
    fn each_fact_has_its_limit_and_its_words() {
        check(|_| {}, &[], &[]);
        let late = "calls were dispatched up to 12.0 ms late (p99); free the machine or lower the rate";
        check(|f| f.scheduling_delay_p99_ns = Some(12 * MS), &[late], &[]);
        check(|f| (f.scheduling_delay_p99_ns, f.p95_ns) = (Some(12 * MS), Some(1000 * MS)), &[], &[late]);
        check(|f| f.late_share = 0.002, &["0.20 % of the calls were dispatched more than 100 ms late"], &[]);
        check(|f| f.loop_lag_p99_ns = Some(11 * MS), &["the event loop woke up to 11.0 ms late (p99)"], &[]);
        check(
            |f| f.longest_gap_ns = 6000 * MS,
            &["the generator stood still for 6.0 s; was the machine suspended?"],
            &[],
        );
        check(|f| f.own_cpu_share = Some(0.81), &["the generator itself used 81 % of its CPUs"], &[]);
        check(|f| f.own_cpu_share = Some(0.6), &[], &["the generator itself used 60 % of its CPUs"]);
        check(|f| f.own_leak = Some(LeakVerdict::Leak), &["the generator's own memory grows"], &[]);
        check(|f| f.internal_errors = 1, &["1 tasks of the generator panicked"], &[]);
        let little = "throughput times service time is -8 % off the number of clients (Little's law)";
        check(|f| f.little_gap = Some(-0.08), &[], &[little]);
        check(|f| f.little_gap = Some(0.049), &[], &[]);
        check(|f| f.internal_errors = 1, &["1 tasks of the generator panicked"], &[]);
        check(|f| f.steal_share = Some(0.05), &[], &["the hypervisor took 5.0 % of the CPU time"]);
    }

    #[test]
    fn others_invalidate_a_run_only_where_tasks_wait_for_a_cpu() {
        let waited = "tasks waited for a CPU 93 % of the time";
        let others =
            "others used 85 % of the machine's CPUs while tasks waited for one; stop them and measure again";
        check(|f| f.cpu_pressure_percent = Some(93.0), &[], &[waited]);
        check(|f| f.others_cpu_share = Some(0.85), &[], &[]);
        check(
            |f| (f.cpu_pressure_percent, f.others_cpu_share) = (Some(93.0), Some(0.85)),
            &[others],
            &[waited],
        );
        check(|f| (f.cpu_pressure_percent, f.others_cpu_share) = (Some(93.0), Some(0.1)), &[], &[waited]);
    }

    #[test]
    fn a_throughput_below_the_arrival_rate_is_saturation_and_still_valid() {
        let facts =
            GeneratorFacts { offered_per_s: Some(100.0), achieved_per_s: 98.0, ..GeneratorFacts::default() };
        assert!(judge_generator(&facts).saturated && judge_generator(&facts).is_valid());
    }
}
