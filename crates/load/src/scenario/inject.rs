//! Takes a server of our own away while its load goes on, and brings it back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::host::Host;
use super::observer::Observer;
use crate::measure::Sample;
use crate::measure::recovery::{self, Before, Recovery};
use crate::measure::stats::Proportion;
use music21_mcp_bench::client::Outcome;
use music21_mcp_bench::server::TargetSpec;

/// A fault that a stage's server meets while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Seconds from the stage's first call.
    pub at_s: f64,
    /// What is done to it.
    pub kind: Disruption,
    /// For how long, seconds; a kill is over at once.
    #[serde(default)]
    pub for_s: f64,
}

/// What is done to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// SIGKILL; over HTTP it is started again at once, over stdio by whoever needs it.
    Kill,
    /// SIGSTOP, and SIGCONT afterwards.
    Freeze,
    /// Killed, and its port closed until it is started again.
    Close,
}

/// What a fault did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FaultResult {
    /// The fault as it was asked for.
    pub injection: Injection,
    /// When it came, nanoseconds from the stage's first call; `None` where the stage ended before.
    pub at_ns: Option<u64>,
    /// The p95 response time before it, nanoseconds; `None` where there were too few calls.
    pub p95_before_ns: Option<u64>,
    /// What happened after it.
    pub recovery: Option<Recovery>,
    /// From the fault to the first session that was opened after it; `None` where none was lost.
    pub reconnected_after_ns: Option<u64>,
}

/// Calls before the fault that a p95 needs.
const CALLS_BEFORE: usize = 200;
/// How often is looked whether the first call has ended.
const LOOK: Duration = Duration::from_millis(10);

impl Disruption {
    /// Why this server cannot be treated so; `None` if it can.
    #[must_use]
    pub(super) fn obstacle(self, host: &Host) -> Option<&'static str> {
        match host.target.spec() {
            TargetSpec::Embedded => Some("the server is part of this process"),
            TargetSpec::Url(_) if !host.is_ours() => Some("the server was started by somebody else"),
            TargetSpec::Command(_) if self == Self::Close => Some("a server on stdio has no port"),
            TargetSpec::Url(_) | TargetSpec::Command(_) => None,
        }
    }
}

/// A fault that waits for its time, or has been injected.
pub(super) struct Injecting {
    injection: Injection,
    task: JoinHandle<Option<Instant>>,
}

impl Injecting {
    /// Injects the fault when its time has come, and puts things right again after it, or when `stop` is
    /// cancelled.
    pub(super) fn start(
        injection: Injection,
        host: &Arc<Host>,
        observer: &Arc<Mutex<Observer>>,
        stop: &CancellationToken,
    ) -> Self {
        let (host, observer, stop) = (Arc::clone(host), Arc::clone(observer), stop.clone());
        let task = tokio::spawn(async move {
            tokio::select! {
                () = sleep_until(&observer, injection.at_s) => {}
                () = stop.cancelled() => return None,
            }
            let at = Instant::now();
            host.begin_outage(at);
            injection.disrupt(&host, &stop).await;
            Some(at)
        });
        Self { injection, task }
    }

    /// What the calls show of it, once the stage has ended.
    pub(super) async fn result(self, host: &Host, observer: &Mutex<Observer>) -> FaultResult {
        // One that panicked has injected nothing that could be told.
        let at = self.task.await.unwrap_or_default();
        let reconnected = host.end_outage();
        let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
        let started = observer.started().unwrap_or_else(Instant::now);
        let at_ns = at.map(|at| at.duration_since(started).as_nanos() as u64);
        let samples = observer.samples.take().unwrap_or_default();
        FaultResult {
            reconnected_after_ns: reconnected.map(|after| after.as_nanos() as u64),
            ..assess(self.injection, at_ns, samples)
        }
    }
}

/// Until so long after the stage's first call, which tells when it began.
async fn sleep_until(observer: &Mutex<Observer>, at_s: f64) {
    loop {
        let started = observer.lock().unwrap_or_else(PoisonError::into_inner).started();
        match started {
            Some(started) => return tokio::time::sleep_until((started + seconds(at_s)).into()).await,
            None => tokio::time::sleep(LOOK).await,
        }
    }
}

impl Injection {
    async fn disrupt(self, host: &Host, stop: &CancellationToken) {
        let pause = async {
            tokio::select! {
                () = tokio::time::sleep(seconds(self.for_s)) => {}
                () = stop.cancelled() => {}
            }
        };
        if self.kind == Disruption::Freeze {
            let frozen = signal(&host.pids().await, Signal::STOP);
            pause.await;
            signal(&frozen, Signal::CONT);
            return;
        }
        if host.is_ours() {
            host.kill().await;
        } else {
            signal(&host.pids().await, Signal::KILL);
        }
        host.forget_sessions();
        pause.await;
        if !stop.is_cancelled() {
            host.start_again().await;
        }
    }
}

impl FaultResult {
    /// No call has succeeded since.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        self.recovery.is_some_and(|recovery| recovery.first_success_after_ns.is_none())
    }
}

fn seconds(seconds: f64) -> Duration {
    // OK because definitions are checked for times that are finite and not negative.
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Signals the process groups that we lead children of; returns those. A number of a process that has ended
/// may be somebody else's by now.
fn signal(pids: &[u32], signal: Signal) -> Vec<u32> {
    let groups = pids.iter().copied().filter(|&pid| music21_mcp_proc::is_child_of_ours(pid));
    let reached = groups.filter(|&pid| {
        Pid::from_raw(pid.cast_signed()).is_some_and(|group| kill_process_group(group, signal).is_ok())
    });
    reached.collect()
}

/// What the calls show of a fault at `at_ns`; they come in any order.
fn assess(injection: Injection, at_ns: Option<u64>, mut samples: Vec<Sample>) -> FaultResult {
    samples.sort_by_key(|sample| sample.due_ns);
    let before = at_ns.and_then(|at_ns| before(&samples[..samples.partition_point(|s| s.due_ns < at_ns)]));
    FaultResult {
        injection,
        at_ns,
        p95_before_ns: before.map(|before| before.p95_ns),
        recovery: at_ns.zip(before).map(|(at_ns, before)| recovery::find(&samples, at_ns, before)),
        reconnected_after_ns: None,
    }
}

fn before(samples: &[Sample]) -> Option<Before> {
    let mut times: Vec<u64> =
        samples.iter().filter(|s| s.outcome == Outcome::Ok).map(Sample::response_ns).collect();
    if times.len() < CALLS_BEFORE {
        return None;
    }
    times.sort_unstable();
    // Nearest rank.
    let p95_ns = times[(times.len() * 95).div_ceil(100) - 1];
    let success = Proportion { successes: times.len() as u64, trials: samples.len() as u64 };
    Some(Before { p95_ns, success })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const KILL: Injection = Injection { at_s: 30.0, kind: Disruption::Kill, for_s: 0.0 };

    /// 10 calls a second for a minute, of which those due within an outage from 30 s on are lost.
    fn assess_outage(of_ms: u64, at_ns: Option<u64>) -> FaultResult {
        let sample = |i: u64| {
            let due_ns = i * 100 * MS;
            let is_lost = (30_000..30_000 + of_ms).contains(&(i * 100));
            let outcome = if is_lost { Outcome::ConnectError } else { Outcome::Ok };
            Sample { due_ns, dispatched_ns: due_ns, sent_ns: due_ns, done_ns: due_ns + 20 * MS, outcome }
        };
        // Calls end in another order than they are due.
        assess(KILL, at_ns, (0..600).rev().map(sample).collect())
    }

    #[test]
    fn an_outage_is_timed_from_the_fault_with_what_was_lost() {
        let result = assess_outage(5000, Some(30_000 * MS));
        assert_eq!(result.p95_before_ns, Some(20 * MS));
        let recovery = result.recovery.unwrap();
        assert_eq!(recovery.recovered_after_ns, Some(5000 * MS));
        assert_eq!(recovery.first_success_after_ns, Some(5020 * MS));
        assert_eq!(recovery.calls_lost, 50);
        assert!(!result.is_for_good());
    }

    #[test]
    fn a_server_that_never_comes_back_is_gone_for_good() {
        let result = assess_outage(30_000, Some(30_000 * MS));
        assert_eq!(result.recovery.unwrap().recovered_after_ns, None);
        assert!(result.is_for_good());
    }

    #[test]
    fn too_few_calls_before_the_fault_are_no_base() {
        let result = assess_outage(0, Some(19_000 * MS));
        assert_eq!((result.p95_before_ns, result.recovery), (None, None));
        assert_eq!(assess_outage(0, None).recovery, None);
    }

    #[test]
    fn only_children_of_ours_are_signalled() {
        // Process 1 is nobody's child of ours; the signal that checks for existence would reach it.
        assert_eq!(signal(&[1, std::process::id()], Signal::CONT), Vec::<u32>::new());
    }
}
