//! The generator watches itself: how late its event loop wakes, and how much CPU it uses.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::measure::Latency;
use crate::measure::histogram::Histogram;

const INTERVAL: Duration = Duration::from_millis(10);

/// How late a task that sleeps 10 ms at a time woke up. The timer itself is a millisecond coarse.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoopLag {
    /// The lags, nanoseconds.
    pub lags: Histogram,
    /// The longest time between two wakings, nanoseconds.
    pub longest_gap_ns: u64,
}

/// Watches until `stop` is cancelled.
pub(super) async fn watch_loop(stop: CancellationToken) -> LoopLag {
    let mut found = LoopLag::default();
    let mut last = Instant::now();
    while !stop.is_cancelled() {
        let due = last + INTERVAL;
        tokio::select! {
            () = sleep_until(due) => {}
            () = stop.cancelled() => break,
        }
        let now = Instant::now();
        let ns = |duration: Duration| duration.as_nanos() as u64;
        found.lags.record(Latency { ns: ns(now - due), censored: false });
        found.longest_gap_ns = found.longest_gap_ns.max(ns(now - last));
        last = now;
    }
    found
}

/// CPUs this process may use, by affinity and control group.
pub(super) fn own_cpus() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cpus| cpus.get() as f64)
}
