//! Which limiter behaves like this? Recognized by how accepted calls are spaced while polling.

use serde::{Deserialize, Serialize};

use super::prober::Log;
use super::{Limit, estimate};

/// The kind of limiter found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing is refused.
    Absent,
    /// Accepted calls are evenly spaced: tokens come back continuously.
    TokenBucket,
    /// Accepted calls come in small groups: tokens come back in ticks.
    Ticks,
    /// Accepted calls come a whole allowance at a time: a fixed or sliding window.
    Window,
    /// Polling locks it for good: refused calls count, too.
    CountsRefusals,
    /// Too little was seen.
    Unknown,
}

impl Kind {
    /// As people call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Absent => "no limiter",
            Self::TokenBucket => "token bucket",
            Self::Ticks => "token bucket, refilled in ticks",
            Self::Window => "window",
            Self::CountsRefusals => "counts refusals too",
            Self::Unknown => "unknown kind",
        }
    }
}

pub(super) fn classify(log: &Log, limit: Limit) -> Kind {
    let burst = estimate::burst(&log.burst, limit);
    let any_refused = log.burst.iter().any(|probe| !probe.admitted);
    if !any_refused {
        // Calls slower than the rate would not be refused by any limiter.
        let needed = f64::from(limit.capacity) + burst.refilled + 1.0;
        return if f64::from(burst.admitted) > needed { Kind::Absent } else { Kind::Unknown };
    }
    let times: Vec<u64> = log.rate.iter().filter(|p| p.admitted).map(|p| p.sent_ns).collect();
    match times[..] {
        [] | [_] if log.rate_is_finished => Kind::CountsRefusals,
        [first, .., last] if times.len() >= 6 => {
            let mean_gap = (last - first) as f64 / (times.len() - 1) as f64;
            match largest_group(&times, mean_gap / 2.0) {
                1 => Kind::TokenBucket,
                size if size as f64 >= 0.6 * f64::from(limit.capacity) => Kind::Window,
                _ => Kind::Ticks,
            }
        }
        _ => Kind::Unknown,
    }
}

/// The largest number of successive times with gaps of at most `max_gap_ns`.
fn largest_group(times: &[u64], max_gap_ns: f64) -> usize {
    times.chunk_by(|a, b| (b - a) as f64 <= max_gap_ns).map(<[u64]>::len).max().unwrap_or(0)
}
