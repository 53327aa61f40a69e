//! What may be believed of a run, figure by figure. What disturbs a measurement can only make a server look slower: its
//! times are then upper bounds, and everything that is counted stands. INVALID is only what is truly unknown.

mod reason;

pub use reason::Reason;
pub(crate) use reason::{Figures, Standing};
use serde::{Deserialize, Serialize};

use super::accounting::Imbalance;
use super::little;
use super::stats::Proportion;
use super::trend::LeakVerdict;

const MS: u64 = 1_000_000;
/// p99 of the scheduling delay, nanoseconds. The timer is a millisecond coarse and a healthy run shows 2 ms; a fast
/// server's p95 is of the size of ten.
const MAX_DELAY_NS: u64 = 10 * MS;
/// Half of that: still no figure is wrong by what could be mistaken for the server's.
const WARN_DELAY_NS: u64 = 5 * MS;
/// The delay may be more than [`MAX_DELAY_NS`] where it is less than one part in so many of the fastest tool's p95: 2 %,
/// a fifth of what `compare` calls a regression.
const DELAY_OF_P95: u64 = 50;
/// A call sent this late is counted apart: it is seen in a maximum, and a few of them in p99.
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
const MAX_STEAL: f64 = 0.05;
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
    /// Share of calls that the generator sent more than 100 ms late.
    pub late_share: f64,
    /// Share of due calls that the generator had not sent when the stage's time was over; `None` in a closed loop and
    /// in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered_share: Option<f64>,
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
    /// Calls that the arrival rate made due. `None` in a closed loop.
    #[serde(default)]
    pub due: Option<u64>,
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
    pub(crate) fn is_saturated(&self) -> bool {
        self.offered_per_s.is_some_and(|offered| {
            let kept = self.achieved_per_s / offered;
            // One of 26 calls that is not answered yet proves nothing; files of older programs have no count.
            let most = self.due.map_or(kept, |due| {
                let answered = ((kept * due as f64).round() as u64).min(due);
                Proportion { successes: answered, trials: due }.upper_bound(0.95)
            });
            kept < KEPT_UP && most < KEPT_UP
        })
    }
}

/// The judgement of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Validity {
    /// Why figures are unknown. Files of older programs have here also what now disturbs only.
    pub invalid: Vec<Reason>,
    /// Why times are upper bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbed: Vec<Reason>,
    /// What to know when reading a run otherwise.
    pub warnings: Vec<Reason>,
    /// Throughput stayed more than 1 % below the arrival rate: queueing then measures the run's
    /// length, not the server.
    pub saturated: bool,
}

impl Validity {
    /// Everything that keeps a figure from being read as it is.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = &Reason> {
        self.invalid.iter().chain(&self.disturbed)
    }

    /// How such figures may be read.
    pub(crate) fn of(&self, figures: Figures) -> Standing {
        self.reasons().map(|reason| reason.leaves(figures)).max().unwrap_or(Standing::Valid)
    }

    /// How times may be read, which are the first to be spoilt.
    pub(crate) fn times(&self) -> Standing {
        self.of(Figures::Times)
    }

    /// What speaks most against such figures.
    pub(crate) fn why(&self, figures: Figures) -> Option<&Reason> {
        let worst = self.of(figures);
        self.reasons().find(|reason| worst > Standing::Valid && reason.leaves(figures) == worst)
    }

    /// Whether every figure may be read as it is.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.times() == Standing::Valid
    }

    pub(crate) fn add(&mut self, reason: Reason) {
        match reason.leaves(Figures::Times) {
            Standing::Invalid => self.invalid.push(reason),
            Standing::Disturbed => self.disturbed.push(reason),
            Standing::Valid => self.warnings.push(reason),
        }
    }
}

/// Judges a run by what its generator did.
#[must_use]
pub fn judge_generator(facts: &GeneratorFacts) -> Validity {
    let mut judgement = Validity { saturated: facts.is_saturated(), ..Validity::default() };
    judge_pace(facts, &mut judgement);
    judge_machine(facts, &mut judgement);
    let panics = Some(facts.internal_errors).filter(|&panics| panics > 0);
    let gap = facts.little_gap.filter(|gap| gap.abs() > little::MAX_GAP);
    let found = [
        facts.undelivered_share.filter(|&share| share > 1.0 - KEPT_UP).map(Reason::NotDelivered),
        panics.map(Reason::InternalError),
        gap.map(Reason::Little),
        facts.imbalance.clone().map(Reason::Imbalance),
    ];
    found.into_iter().flatten().for_each(|reason| judgement.add(reason));
    judgement
}

fn judge_pace(facts: &GeneratorFacts, judgement: &mut Validity) {
    if let Some(lag) = facts.scheduling_delay_p99_ns {
        let limit = MAX_DELAY_NS.max(facts.p95_ns.unwrap_or(0) / DELAY_OF_P95);
        if lag > limit {
            judgement.add(Reason::SchedulingDelay(lag));
        } else if lag > WARN_DELAY_NS {
            judgement.warnings.push(Reason::SchedulingDelay(lag));
        }
    }
    if facts.late_share > MAX_VERY_LATE {
        judgement.add(Reason::VeryLate(facts.late_share));
    }
    if let Some(lag) = facts.loop_lag_p99_ns.filter(|&lag| lag > MAX_LOOP_LAG_NS) {
        judgement.add(Reason::LoopLag(lag));
    }
    if facts.longest_gap_ns > MAX_STANDSTILL_NS {
        judgement.add(Reason::Suspended(facts.longest_gap_ns));
    }
}

fn judge_machine(facts: &GeneratorFacts, judgement: &mut Validity) {
    match facts.own_cpu_share {
        Some(share) if share > MAX_OWN_CPU => judgement.add(Reason::OwnCpu(share)),
        Some(share) if share > WARN_OWN_CPU => judgement.warnings.push(Reason::OwnCpu(share)),
        _ => {}
    }
    if facts.own_leak == Some(LeakVerdict::Leak) {
        judgement.add(Reason::OwnLeak);
    }
    let left = facts.descriptors_left.filter(|&left| left > 0).map(Reason::DescriptorsLeft);
    let stolen = facts.steal_share.filter(|&share| share >= MAX_STEAL).map(Reason::Steal);
    let pressure = facts.cpu_pressure_percent.filter(|&percent| percent >= PRESSURE);
    // Neither is enough alone. A server that is busy on every CPU makes pressure, and that is the finding; and
    // others on a machine with CPUs to spare take nothing from anybody.
    let others =
        pressure.and(facts.others_cpu_share).filter(|&share| share >= OTHERS).map(Reason::OthersBusy);
    let found = [left, stolen, pressure.map(Reason::CpuPressure), others];
    found.into_iter().flatten().for_each(|reason| judgement.add(reason));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One fact at a time: what it says, and how times may then be read.
    fn check(change: impl Fn(&mut GeneratorFacts), expected: &[(Standing, &str)]) {
        let mut facts = GeneratorFacts { scheduling_delay_p99_ns: Some(MS), ..GeneratorFacts::default() };
        change(&mut facts);
        let judgement = judge_generator(&facts);
        let Validity { invalid, disturbed, warnings, .. } = &judgement;
        let listed =
            [(Standing::Invalid, invalid), (Standing::Disturbed, disturbed), (Standing::Valid, warnings)];
        let found: Vec<(Standing, String)> = listed
            .into_iter()
            .flat_map(|(standing, reasons)| reasons.iter().map(move |reason| (standing, reason.to_string())))
            .collect();
        let expected: Vec<_> = expected.iter().map(|&(standing, text)| (standing, text.to_owned())).collect();
        assert_eq!(found, expected);
        let worst = expected.iter().map(|(standing, _)| *standing).max().unwrap_or(Standing::Valid);
        assert_eq!((judgement.times(), judgement.is_valid()), (worst, worst == Standing::Valid));
    }

    #[test]
    fn each_fact_has_its_limit_and_its_words() {
        use Standing::{Disturbed, Invalid, Valid};
        check(|_| {}, &[]);
        let late = "calls were sent up to 12.0 ms late (p99); free the machine or lower the rate";
        check(|f| f.scheduling_delay_p99_ns = Some(12 * MS), &[(Disturbed, late)]);
        let of_a_slow_server = |f: &mut GeneratorFacts| {
            (f.scheduling_delay_p99_ns, f.p95_ns) = (Some(12 * MS), Some(1000 * MS));
        };
        check(of_a_slow_server, &[(Valid, late)]);
        let very_late = "0.20 % of the calls were sent more than 100 ms late";
        check(|f| f.late_share = 0.002, &[(Disturbed, very_late)]);
        let woke = "the event loop woke up to 11.0 ms late (p99)";
        check(|f| f.loop_lag_p99_ns = Some(11 * MS), &[(Disturbed, woke)]);
        let undelivered =
            "2.0 % of the due calls were not sent before the end; lower the rate or free the machine";
        check(|f| f.undelivered_share = Some(0.02), &[(Invalid, undelivered)]);
        check(|f| f.undelivered_share = Some(0.009), &[]);
        let still = "the generator stood still for 6.0 s; was the machine suspended?";
        check(|f| f.longest_gap_ns = 6000 * MS, &[(Invalid, still)]);
        check(|f| f.own_cpu_share = Some(0.81), &[(Invalid, "the generator itself used 81 % of its CPUs")]);
        check(|f| f.own_cpu_share = Some(0.6), &[(Valid, "the generator itself used 60 % of its CPUs")]);
        check(|f| f.own_leak = Some(LeakVerdict::Leak), &[(Valid, "the generator's own memory grows")]);
        let little = "throughput times service time is -8 % off the number of clients (Little's law)";
        check(|f| f.little_gap = Some(-0.08), &[(Invalid, little)]);
        check(|f| f.little_gap = Some(0.049), &[]);
        check(|f| f.internal_errors = 1, &[(Invalid, "tasks of the generator panicked: 1")]);
        check(|f| f.steal_share = Some(0.05), &[(Disturbed, "the hypervisor took 5.0 % of the CPU time")]);
    }

    #[test]
    fn others_disturb_a_run_only_where_tasks_wait_for_a_cpu() {
        let waited = (Standing::Valid, "tasks waited for a CPU 93 % of the time");
        let others = (
            Standing::Disturbed,
            "others used 85 % of the machine's CPUs while tasks waited for one; stop them and measure again",
        );
        let of = |pressure, share| {
            move |f: &mut GeneratorFacts| (f.cpu_pressure_percent, f.others_cpu_share) = (pressure, share)
        };
        check(of(Some(93.0), None), &[waited]);
        check(of(None, Some(0.85)), &[]);
        check(of(Some(93.0), Some(0.85)), &[others, waited]);
        check(of(Some(93.0), Some(0.1)), &[waited]);
    }

    #[test]
    fn a_reason_goes_no_further_than_the_figures_that_it_touches() {
        use Standing::{Disturbed, Invalid, Valid};
        let reasons = [
            (Reason::OthersBusy(0.5), [Disturbed, Valid, Valid]),
            (Reason::OwnCpu(0.9), [Invalid, Valid, Valid]),
            (Reason::NotDelivered(0.05), [Invalid, Valid, Valid]),
            (Reason::NotDelivered(0.2), [Invalid, Invalid, Valid]),
            (Reason::Suspended(6000 * MS), [Invalid, Invalid, Valid]),
            (Reason::InternalError(1), [Invalid, Invalid, Invalid]),
            (Reason::OwnLeak, [Valid, Valid, Valid]),
        ];
        for (reason, expected) in reasons {
            let validity = Validity { invalid: vec![reason.clone()], ..Validity::default() };
            let found = [Figures::Times, Figures::Resources, Figures::Counts].map(|of| validity.of(of));
            assert_eq!(found, expected, "{reason}");
        }
    }

    #[test]
    fn a_throughput_below_the_arrival_rate_is_saturation_and_still_valid() {
        let facts =
            GeneratorFacts { offered_per_s: Some(100.0), achieved_per_s: 98.0, ..GeneratorFacts::default() };
        assert!(judge_generator(&facts).saturated && judge_generator(&facts).is_valid());
        let of = |due| judge_generator(&GeneratorFacts { due: Some(due), ..facts.clone() }).saturated;
        assert!(!of(100) && of(10_000), "two of a hundred prove nothing");
    }
}
