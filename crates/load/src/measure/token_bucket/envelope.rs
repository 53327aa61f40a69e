//! The fewest and the most tokens a correct bucket can hold, whatever the timing within each round
//! trip. A decision outside of that is a defect, without a false alarm.

use super::{Defect, Limit, Probe};

/// Relative deviation of the rate (clock rates, rounding in the limiter) that is no defect.
const RATE_SLACK: f64 = 0.02;
/// Absorbs rounding at a whole token.
const GRAIN: f64 = 1e-9;

/// The defects of a sequence of probes by one identity, the first of which met a full bucket.
pub(super) fn violations(probes: &[Probe], limit: Limit) -> Vec<Defect> {
    let capacity = f64::from(limit.capacity);
    let (mut low, mut high) = (capacity, capacity);
    let (mut over, mut wrongful) = (0, 0);
    let mut previous: Option<&Probe> = None;
    for probe in probes {
        if let Some(previous) = previous {
            // The decisions are at most this far apart …
            let longest = (probe.received_ns - previous.sent_ns) as f64 / 1e9;
            // … and at least this.
            let shortest = probe.sent_ns.saturating_sub(previous.received_ns) as f64 / 1e9;
            high = capacity.min(high + longest * limit.per_second * (1.0 + RATE_SLACK));
            low = capacity.min(low + shortest * limit.per_second * (1.0 - RATE_SLACK));
        }
        // The decision itself narrows what the bucket can have held.
        if probe.admitted {
            over += usize::from(high < 1.0 - GRAIN);
            (low, high) = ((low - 1.0).max(0.0), (high - 1.0).max(0.0));
        } else {
            wrongful += usize::from(low >= 1.0 + GRAIN);
            (low, high) = (low.min(1.0), high.min(1.0));
        }
        previous = Some(probe);
    }
    let found = [(over, Defect::OverAdmission as fn(usize) -> Defect), (wrongful, Defect::WrongfulRefusal)];
    found.into_iter().filter(|&(count, _)| count > 0).map(|(count, defect)| defect(count)).collect()
}
