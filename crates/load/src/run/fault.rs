//! Takes a server of our own away while its load goes on, and brings it back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use music21_mcp_bench::client::Outcome;
use music21_mcp_bench::server::ServerSpec;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::observer::{Observer, wait_for_start};
use super::session_pool::Host;
use crate::lock::lock;
use crate::measure::Sample;
use crate::measure::recovery::{self, Before};
use crate::measure::stats::Proportion;
use crate::result::{Definition, Disruption, FaultResult, Injection, Stage};

/// Calls before the fault that a p95 needs.
const CALLS_BEFORE: usize = 200;

/// Why this server cannot be treated so; `None` if it can.
fn obstacle(kind: Disruption, host: &Host) -> Option<&'static str> {
    match host.target.spec() {
        ServerSpec::InProcess => Some("the server is part of this process"),
        ServerSpec::Url(_) if !host.is_ours() => Some("the server was started by somebody else"),
        ServerSpec::Command(_) if kind == Disruption::Close => Some("a server on stdio has no port"),
        ServerSpec::Url(_) | ServerSpec::Command(_) => None,
    }
}

/// Takes the stages out whose fault this server cannot be given, with the reason of each.
pub(super) fn leave_out(definition: &mut Definition, host: &Host) -> Vec<String> {
    let obstacle = |stage: &Stage| stage.fault.and_then(|fault| self::obstacle(fault.kind, host));
    let note = |stage: &Stage| Some(format!("{}: left out: {}", stage.name, obstacle(stage)?));
    let left_out = definition.stages.iter().filter_map(note).collect();
    definition.stages.retain(|stage| obstacle(stage).is_none());
    left_out
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
            disrupt(injection, &host, &stop).await;
            Some(at)
        });
        Self { injection, task }
    }

    /// What the calls show of it, once the stage has ended.
    pub(super) async fn result(self, host: &Host, observer: &Mutex<Observer>) -> FaultResult {
        // One that panicked has injected nothing that is known.
        let at = self.task.await.unwrap_or_default();
        let reconnected = host.end_outage();
        let mut observer = lock(observer);
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
    let started = wait_for_start(observer).await;
    tokio::time::sleep_until((started + seconds(at_s)).into()).await;
}

async fn disrupt(fault: Injection, host: &Host, stop: &CancellationToken) {
    let pause = async {
        tokio::select! {
            () = tokio::time::sleep(seconds(fault.for_s)) => {}
            () = stop.cancelled() => {}
        }
    };
    if fault.kind == Disruption::Freeze {
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

fn seconds(seconds: f64) -> Duration {
    // OK because definitions are checked for times that are finite and not negative.
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Signals the process groups that our children lead; returns those.
fn signal(pids: &[u32], signal: Signal) -> Vec<u32> {
    let reached = pids.iter().copied().filter(|&pid| {
        let group = Pid::from_raw(pid.cast_signed()).filter(|&pid| is_child_of_ours(pid));
        group.is_some_and(|group| kill_process_group(group, signal).is_ok())
    });
    reached.collect()
}

/// Whether a number is still that of a child of ours, which nobody has waited for: one of a process that has ended may be
/// somebody else's by now, and only for children is there something to wait for.
fn is_child_of_ours(pid: Pid) -> bool {
    let only_look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), only_look).is_ok()
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
