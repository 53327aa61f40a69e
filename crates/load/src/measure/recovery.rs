//! How long a server needs to be itself again after a fault.

use music21_mcp_bench::client::Outcome;
use serde::{Deserialize, Serialize};

use super::Sample;
use super::stats::{Proportion, binomial_quantile};

const S: u64 = 1_000_000_000;
/// Candidate times of recovery, from the fault on.
const GRID_NS: u64 = S / 2;
/// Windows that must all be good, one after the other.
const WINDOWS: u64 = 3;
/// Length of one.
const WINDOW_NS: u64 = 5 * S;
/// A healthy server exceeds the allowance of a window with this probability at most; with 50 calls
/// a window it allows 2 failures and 5 slow calls.
const FALSE_ALARM: f64 = 0.05;
/// Share of a healthy server's calls that are slower than 1.25 × its p95.
const SLOW_SHARE: f64 = 0.05;
/// Slow is this much above the p95 from before the fault.
const SLOW_FACTOR: f64 = 1.25;

/// How the server behaved before the fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Before {
    /// Its p95 response time, nanoseconds.
    pub p95_ns: u64,
    /// Its successes.
    pub success: Proportion,
}

/// What happened after the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Recovery {
    /// From the fault to recovery; `None` if the server did not recover while it was watched.
    pub recovered_after_ns: Option<u64>,
    /// From the fault to the first good answer to a call that was due after it.
    pub first_success_after_ns: Option<u64>,
    /// Calls due between the fault and recovery (or the end) that did not end well.
    pub calls_lost: u64,
    /// How long the server was watched after the fault.
    pub watched_ns: u64,
}

/// Finds the earliest time τ, on a half-second grid from the fault, from which three successive 5 s
/// windows are as good as before the fault and the first call due is answered well.
///
/// `samples` come from an open loop that went on during the fault, in order of due time; a closed
/// loop would wait for the server and hide the outage.
pub(crate) fn find(samples: &[Sample], fault_ns: u64, before: Before) -> Recovery {
    let after = &samples[samples.partition_point(|s| s.due_ns < fault_ns)..];
    let end_ns = after.last().map_or(fault_ns, |s| s.due_ns);
    let last_tau = end_ns.saturating_sub(WINDOWS * WINDOW_NS);
    let tau = (fault_ns..=last_tau.max(fault_ns))
        .step_by(GRID_NS as usize)
        .find(|&tau| tau <= last_tau && is_recovered_at(after, tau, before));
    let until = tau.unwrap_or(u64::MAX);
    Recovery {
        recovered_after_ns: tau.map(|tau| tau - fault_ns),
        first_success_after_ns: after
            .iter()
            .filter(|s| s.outcome == Outcome::Ok)
            .map(|s| s.done_ns - fault_ns)
            .min(),
        calls_lost: after.iter().filter(|s| s.due_ns < until && s.outcome != Outcome::Ok).count() as u64,
        watched_ns: end_ns - fault_ns,
    }
}

fn is_recovered_at(samples: &[Sample], tau: u64, before: Before) -> bool {
    let from = |ns: u64| samples.partition_point(|s| s.due_ns < ns);
    let first_is_ok = samples.get(from(tau)).is_some_and(|s| s.outcome == Outcome::Ok);
    first_is_ok
        && (0..WINDOWS).all(|w| {
            let start = tau + w * WINDOW_NS;
            is_good(&samples[from(start)..from(start + WINDOW_NS)], before)
        })
}

fn is_good(window: &[Sample], before: Before) -> bool {
    let slow_ns = (before.p95_ns as f64 * SLOW_FACTOR) as u64;
    let failed = window.iter().filter(|s| s.outcome != Outcome::Ok).count() as u64;
    let slow = window.iter().filter(|s| s.response_ns() > slow_ns).count() as u64;
    let failure_share = (1.0 - before.success.lower_bound(0.95)).max(0.01);
    !window.is_empty()
        && failed <= allowance(window.len(), failure_share)
        && slow <= allowance(window.len(), SLOW_SHARE)
}

/// The smallest k with P(Bin(n, share) > k) <= [`FALSE_ALARM`].
fn allowance(n: usize, share: f64) -> u64 {
    binomial_quantile(1.0 - FALSE_ALARM, n as u64, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const BEFORE: Before = Before { p95_ns: 30 * MS, success: Proportion { successes: 1000, trials: 1000 } };

    /// 10 calls/s for 120 s; the fault is at 60 s. `behaves(seconds after the fault, index)` gives
    /// the outcome and the response time in milliseconds.
    fn run(behaves: impl Fn(f64, u64) -> (Outcome, u64)) -> Recovery {
        let samples: Vec<Sample> = (0..1200)
            .map(|i| {
                let due_ns = i * 100 * MS;
                let after = due_ns as f64 / 1e9 - 60.0;
                let (outcome, ms) = if after < 0.0 { (Outcome::Ok, 20) } else { behaves(after, i) };
                Sample { due_ns, dispatched_ns: due_ns, sent_ns: due_ns, done_ns: due_ns + ms * MS, outcome }
            })
            .collect();
        find(&samples, 60 * S, BEFORE)
    }

    #[test]
    fn fifty_calls_allow_two_failures_and_five_slow_ones() {
        assert_eq!((allowance(50, 0.01), allowance(50, SLOW_SHARE)), (2, 5));
    }

    #[test]
    fn a_healthy_server_needs_no_time() {
        let recovery = run(|_, i| (Outcome::Ok, if i % 25 == 0 { 60 } else { 20 }));
        assert_eq!((recovery.recovered_after_ns, recovery.calls_lost), (Some(0), 0));
    }

    #[test]
    fn a_hard_outage_is_timed_to_the_half_second() {
        let recovery = run(|after, _| match after {
            a if a < 7.0 => (Outcome::ConnectError, 1),
            _ => (Outcome::Ok, 20),
        });
        assert_eq!(recovery.recovered_after_ns, Some(7 * S));
        assert_eq!(recovery.first_success_after_ns, Some(7 * S + 20 * MS));
        assert_eq!(recovery.calls_lost, 70);
    }

    #[test]
    fn flapping_after_the_outage_is_no_recovery_yet() {
        let recovery = run(|after, i| match after {
            a if a < 5.0 => (Outcome::TransportClosed, 1),
            a if a < 20.0 && i % 2 == 0 => (Outcome::TransportClosed, 1),
            _ => (Outcome::Ok, 20),
        });
        let seconds = recovery.recovered_after_ns.unwrap() as f64 / 1e9;
        assert!((19.0..=20.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn answers_that_stay_slow_are_no_recovery() {
        let recovery = run(|_, _| (Outcome::Ok, 45));
        assert_eq!(recovery.recovered_after_ns, None);
        assert_eq!(recovery.watched_ns, 59 * S + 900 * MS);
    }
}
