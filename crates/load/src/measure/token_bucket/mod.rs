//! Is there a rate limiter, of which kind, and does it keep what it declares? A sequential prober
//! asks, an envelope that assumes nothing about timing accuses, and estimates describe.

mod envelope;
mod estimate;
mod kind;
mod prober;
mod retry_after;
mod simulate;

use serde::{Deserialize, Serialize};

pub use estimate::{Burst, Rate, Refill};
pub use kind::Kind;
pub(crate) use prober::{Prober, Step};
pub use retry_after::RetryAfter;
pub use simulate::{RoundTrip, simulate};

use prober::Log;

/// p99 of the round trip × rate above which the estimates are too blurred to accuse.
const MAX_BLUR: f64 = 0.25;
/// Relative deviation of the rate that is tolerated beyond its uncertainty.
const RATE_TOLERANCE: f64 = 0.05;
/// Accepted calls from which the rate is judged.
const RATE_ACCEPTS: usize = 30;

/// What a token bucket declares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Limit {
    /// Tokens it holds when full, which is how it starts for a new identity.
    pub capacity: u32,
    /// Tokens it gains per second.
    pub per_second: f64,
}

impl Limit {
    fn seconds_per_token(&self) -> f64 {
        1.0 / self.per_second
    }

    /// About how long probing takes where the limiter is correct, seconds: thirty tokens while polling, and six times full.
    pub(crate) fn probing_s(&self) -> f64 {
        (30.0 + 6.0 * f64::from(self.capacity)) * self.seconds_per_token()
    }
}

/// One probing call. Times are nanoseconds on a monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Probe {
    /// When it was sent; the limiter decided after this …
    pub sent_ns: u64,
    /// … and before its answer was here.
    pub received_ns: u64,
    /// Whether it was let through.
    pub admitted: bool,
    /// How long the refusal asked to wait, if it said so in a way that can be read.
    pub retry_after_ns: Option<u64>,
}

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Report {
    /// The judgement.
    pub verdict: LimiterVerdict,
    /// The kind of limiter that behaves like this.
    pub kind: Kind,
    /// The burst from a fresh identity.
    pub burst: Burst,
    /// The sustained rate; `None` with fewer than three accepted calls.
    pub rate: Option<Rate>,
    /// What came back after idling.
    pub refills: Vec<Refill>,
    /// Whether refusals tell the truth about when to come back.
    pub retry_after: RetryAfter,
    /// The quantile 0.99 of the round trip, nanoseconds.
    pub round_trip_p99_ns: u64,
    /// Calls made.
    pub calls: usize,
    /// Each of them in order of time; older files have none.
    #[serde(default)]
    pub probes: Vec<Probe>,
}

/// Whether the limiter keeps what it declares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimiterVerdict {
    /// It does.
    Pass,
    /// It does not; at least one reason.
    Fail(Vec<Defect>),
    /// The calls were too slow or too irregular to tell; at least one reason.
    Inconclusive(Vec<Doubt>),
    /// Nothing was refused, although a limiter would have had to.
    NoLimiter,
}

/// Something that a correct bucket never does.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// Let through without a token: how many calls.
    #[error("{0} calls were let through when the bucket must have been empty")]
    OverAdmission(usize),
    /// Refused with a token: how many calls.
    #[error("{0} calls were refused when the bucket must have held a token")]
    WrongfulRefusal(usize),
    /// Another capacity, tokens.
    #[error("the capacity is {found}, not {declared}")]
    Capacity {
        /// What the burst shows.
        found: u32,
        /// What was declared.
        declared: u32,
    },
    /// Another rate, calls per second.
    #[error("the rate is {found:.3}/s, not {declared:.3}/s")]
    Rate {
        /// What thirty accepted calls show.
        found: f64,
        /// What was declared.
        declared: f64,
    },
    /// Polling gets next to nothing: how many calls it let through.
    #[error("polled at five times the rate, it let only {0} calls through")]
    Starves(usize),
    /// Another number of tokens after idling.
    #[error("after {idle_s:.1} s idle it let {admitted} calls through, not {low} to {high}")]
    Replenishment {
        /// Seconds without a call.
        idle_s: f64,
        /// Calls let through.
        admitted: u32,
        /// Fewest that a correct bucket lets through.
        low: u32,
        /// Most that a correct bucket lets through.
        high: u32,
    },
}

/// Why nothing can be said.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The round trip is too long for this rate.
    #[error("a round trip of {:.1} ms (p99) is too long for {per_second}/s", *p99_ns as f64 / 1e6)]
    RoundTrip {
        /// The quantile 0.99 of the round trip, nanoseconds.
        p99_ns: u64,
        /// The declared rate, calls per second.
        per_second: f64,
    },
    /// The burst was so slow that tokens came back during it.
    #[error("the burst was so slow that {0:.1} tokens came back during it")]
    SlowBurst(f64),
    /// The prober was stopped before its end.
    #[error("the probing was cut short")]
    CutShort,
}

/// Judges what a prober has seen.
fn judge(log: &Log, limit: Limit, finished: bool) -> Report {
    let probes = log.all();
    let round_trip_p99_ns = round_trip_p99(&probes);
    let burst = estimate::burst(&log.burst, limit);
    let rate = estimate::rate(&log.rate);
    let refills: Vec<Refill> =
        log.refills.iter().filter_map(|refill| estimate::refill(refill, limit)).collect();
    let kind = kind::classify(log, limit);

    let mut defects = envelope::violations(&probes, limit);
    let mut doubts = Vec::new();
    if round_trip_p99_ns as f64 / 1e9 * limit.per_second > MAX_BLUR {
        doubts.push(Doubt::RoundTrip { p99_ns: round_trip_p99_ns, per_second: limit.per_second });
    } else {
        defects.extend(estimate_defects(log, limit, &burst, rate, &refills));
        if burst.refilled >= 2.0 {
            doubts.push(Doubt::SlowBurst(burst.refilled));
        }
    }
    if !finished {
        doubts.push(Doubt::CutShort);
    }
    let verdict = if kind == Kind::Absent {
        LimiterVerdict::NoLimiter
    } else if !defects.is_empty() {
        LimiterVerdict::Fail(defects)
    } else if !doubts.is_empty() {
        LimiterVerdict::Inconclusive(doubts)
    } else {
        LimiterVerdict::Pass
    };
    let retry_after = retry_after::check(&probes);
    let calls = probes.len();
    Report { verdict, kind, burst, rate, refills, retry_after, round_trip_p99_ns, calls, probes }
}

fn estimate_defects(
    log: &Log,
    limit: Limit,
    burst: &Burst,
    rate: Option<Rate>,
    refills: &[Refill],
) -> Vec<Defect> {
    let mut defects = Vec::new();
    let met_a_refusal = log.burst.iter().any(|probe| !probe.admitted);
    if met_a_refusal && burst.refilled < 2.0 && !burst.holds(limit.capacity) {
        defects.push(Defect::Capacity { found: burst.capacity, declared: limit.capacity });
    }
    let accepts = log.rate.iter().filter(|probe| probe.admitted).count();
    match rate {
        Some(rate) if accepts >= RATE_ACCEPTS && !rate.agrees_with(limit.per_second) => {
            defects.push(Defect::Rate { found: rate.per_second, declared: limit.per_second });
        }
        _ if log.rate_is_finished && accepts < RATE_ACCEPTS => defects.push(Defect::Starves(accepts)),
        _ => {}
    }
    defects.extend(refills.iter().filter(|refill| !refill.is_right()).map(|refill| {
        let Refill { idle_s, admitted, low, high } = *refill;
        Defect::Replenishment { idle_s, admitted, low, high }
    }));
    defects
}

fn round_trip_p99(probes: &[Probe]) -> u64 {
    let mut round_trips: Vec<u64> = probes.iter().map(|probe| probe.received_ns - probe.sent_ns).collect();
    round_trips.sort_unstable();
    let rank = (round_trips.len() * 99).div_ceil(100);
    rank.checked_sub(1).map_or(0, |index| round_trips[index])
}

#[cfg(test)]
mod tests;
