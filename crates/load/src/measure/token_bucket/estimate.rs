//! Capacity from the burst, rate from polling, tokens regained while idle.

use serde::{Deserialize, Serialize};

use super::prober::RefillLog;
use super::{Limit, Probe, RATE_TOLERANCE};
use crate::measure::stats::mean;

/// Standard errors that a deviation must exceed.
const STANDARD_ERRORS: f64 = 2.6;
/// Relative slack of the tokens expected after idling.
const REFILL_SLACK: f64 = 0.03;

/// Calls back to back from a full bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Burst {
    /// Calls let through before the first refusal, or all.
    pub admitted: u32,
    /// Tokens that came back meanwhile at the declared rate; below 2 the capacity is known well.
    pub refilled: f64,
    /// The capacity this shows.
    pub capacity: u32,
}

impl Burst {
    /// Whether a bucket of `capacity` can have let this burst through: it lies in
    /// [admitted − refilled, admitted].
    pub(crate) fn holds(&self, capacity: u32) -> bool {
        let (capacity, admitted) = (f64::from(capacity), f64::from(self.admitted));
        (admitted - self.refilled..=admitted).contains(&capacity)
    }
}

pub(super) fn burst(probes: &[Probe], limit: Limit) -> Burst {
    let (admitted, refilled) = admitted_in_a_row(probes, limit);
    Burst { admitted, refilled, capacity: admitted.saturating_sub(refilled as u32) }
}

/// Calls let through before the first refusal, and the tokens regained until that was decided.
fn admitted_in_a_row(probes: &[Probe], limit: Limit) -> (u32, f64) {
    let admitted = probes.iter().take_while(|probe| probe.admitted).count();
    let last = probes.get(admitted).or(probes.last());
    let duration_ns = match (probes.first(), last) {
        (Some(first), Some(last)) => last.received_ns - first.sent_ns,
        _ => 0,
    };
    (admitted as u32, duration_ns as f64 / 1e9 * limit.per_second)
}

/// The rate at which polled calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rate {
    /// Calls per second.
    pub per_second: f64,
    /// Its standard error, as a share of it.
    pub relative_error: f64,
}

impl Rate {
    pub(super) fn agrees_with(&self, declared: f64) -> bool {
        let deviation = (self.per_second / declared - 1.0).abs();
        deviation - STANDARD_ERRORS * self.relative_error <= RATE_TOLERANCE
    }
}

/// Ordinary least squares of the middle of each accepted round trip on its index: the slope is the
/// time per token.
pub(super) fn rate(probes: &[Probe]) -> Option<Rate> {
    let times: Vec<f64> = probes
        .iter()
        .filter(|probe| probe.admitted)
        .map(|probe| u64::midpoint(probe.sent_ns, probe.received_ns) as f64 / 1e9)
        .collect();
    let n = times.len() as f64;
    if n < 3.0 {
        return None;
    }
    let (middle, mean) = ((n - 1.0) / 2.0, mean(&times));
    let indexed = || times.iter().enumerate().map(|(i, t)| (i as f64 - middle, t - mean));
    let sxx: f64 = indexed().map(|(x, _)| x * x).sum();
    let slope = indexed().map(|(x, y)| x * y).sum::<f64>() / sxx;
    let residuals: f64 = indexed().map(|(x, y)| (y - slope * x).powi(2)).sum();
    let error = (residuals / (n - 2.0) / sxx).sqrt();
    (slope > 0.0).then(|| Rate { per_second: 1.0 / slope, relative_error: error / slope })
}

/// Calls let through after an idle time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Refill {
    /// Seconds without a call.
    pub idle_s: f64,
    /// Calls let through.
    pub admitted: u32,
    /// Fewest that a correct bucket lets through.
    pub low: u32,
    /// Most that a correct bucket lets through.
    pub high: u32,
}

impl Refill {
    pub(super) fn is_right(&self) -> bool {
        (self.low..=self.high).contains(&self.admitted)
    }
}

/// ⌊0.97·r·w⌋ to ⌊1.03·r·w + 1⌋, both capped at the capacity, plus what comes back during the burst.
pub(super) fn refill(log: &RefillLog, limit: Limit) -> Option<Refill> {
    let (drained, first) = (log.drain.last()?, log.burst.first()?);
    let shortest = first.sent_ns.saturating_sub(drained.received_ns) as f64 / 1e9;
    let longest = (first.received_ns - drained.sent_ns) as f64 / 1e9;
    let (admitted, meanwhile) = admitted_in_a_row(&log.burst, limit);
    let capacity = f64::from(limit.capacity);
    let low = ((1.0 - REFILL_SLACK) * limit.per_second * shortest).floor().min(capacity);
    // The drained bucket may still have held a part of one token.
    let high = ((1.0 + REFILL_SLACK) * limit.per_second * longest + 1.0).min(capacity) + meanwhile;
    Some(Refill { idle_s: shortest, admitted, low: low as u32, high: high as u32 })
}
