//! The one driver. Load, workload, target and stop condition are independent of each other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::pacer::{pace, tell_tenths};
use super::probe::{own_cpus, watch_loop};
use super::queue::Queue;
use super::worker::{Shared, Source};
use super::workers::{Workers, close_workers, open_workers};
use super::{Connect, LoopLag, Schedule, Sink};
use crate::result::{StoppedBy, Workload};

/// What waits when a run stops, and what is under way when it is interrupted, is given this long to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How calls are made due.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Load {
    /// Each worker makes its next call when the last one has ended.
    Closed {
        /// Workers, with a session each.
        workers: usize,
    },
    /// Calls are due on a schedule, whatever the server does.
    Open {
        /// The schedule.
        schedule: Schedule,
        /// Sessions that share the calls.
        sessions: usize,
        /// Calls that may wait for a session; more are dropped, and counted.
        queue: usize,
    },
}

/// When a run ends; the first condition that holds. With none it ends with its schedule or by an
/// interrupt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stop {
    /// After this long.
    pub duration: Option<Duration>,
    /// After this many calls.
    pub calls: Option<u64>,
}

/// A run, but for its target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// How calls are made due.
    pub load: Load,
    /// What is called.
    pub workload: Arc<Workload>,
    /// When the run ends.
    pub stop: Stop,
    /// How long a call may take.
    pub deadline: Duration,
    /// Fixes the choice of flows.
    pub seed: u64,
    /// Goes into every nonce; no other run against the same server may have the same.
    pub run_id: Arc<str>,
}

/// What the driver knows of a finished run; what came of the calls, the sink knows.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// What ended it.
    pub stopped_by: StoppedBy,
    /// Calls that were due, dropped ones included.
    pub scheduled: u64,
    /// Of these, calls that the generator came to only after the run's duration was over: its own lateness.
    pub overdue: u64,
    /// From the start until no more calls were made due.
    pub offered_for: Duration,
    /// From the start until the last call ended.
    pub elapsed: Duration,
    /// Calls answered before no more were made due; in an open loop those under way at that moment are counted
    /// as well, since their answers are only late by a service time.
    pub answered_in_time: u64,
    /// Sessions opened again after they were lost or abandoned.
    pub reopened: u64,
    /// Workers that panicked.
    pub internal_errors: u64,
    /// How late the event loop ran.
    pub loop_lag: LoopLag,
    /// Own CPU time ÷ (elapsed × CPUs). It includes the server's if that is in this process.
    pub own_cpu_share: Option<f64>,
}

/// Why a run did not start: what was tried, and what happened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DriveError(pub(super) String);

/// Opens the sessions, runs the plan, and closes them. `sink` sees every call once.
///
/// Cancel `interrupt` to stop early: no more calls are made due, those under way have five seconds. A run that ends
/// by itself waits for the deadlines of the calls under way: a server that hangs at the end must not look well.
///
/// # Errors
///
/// Where the run cannot start; nothing has been measured then.
pub(crate) async fn drive<T: Connect, S: Sink>(
    plan: &Plan,
    target: Arc<T>,
    interrupt: &CancellationToken,
    sink: Arc<Mutex<S>>,
) -> Result<Run, DriveError> {
    drive_until(&CancellationToken::new(), plan, target, interrupt, sink).await
}

/// The same for a run of which it is seen only on the way how long it must be: once `enough` is cancelled, its duration
/// is over.
///
/// # Errors
///
/// Where the run cannot start; nothing has been measured then.
pub(crate) async fn drive_until<T: Connect, S: Sink>(
    enough: &CancellationToken,
    plan: &Plan,
    target: Arc<T>,
    interrupt: &CancellationToken,
    sink: Arc<Mutex<S>>,
) -> Result<Run, DriveError> {
    if !plan.workload.is_runnable() {
        let why = "the workload makes no calls; give it a flow with a step and a positive weight";
        return Err(DriveError(why.to_owned()));
    }
    let opened = open_workers(plan, &*target).await?;
    let probe_stop = CancellationToken::new();
    let probe = tokio::spawn(watch_loop(probe_stop.clone()));
    let cpu_before = music21_mcp_proc::own_cpu();

    let shared = Arc::new(share(plan, target, sink));
    let mut workers = Workers::start(&shared, opened);
    let tenths = plan.stop.duration.map(|duration| tokio::spawn(tell_tenths(Arc::clone(&shared), duration)));
    let stopped_by = tokio::select! {
        stopped_by = pace(plan, &shared, &mut workers) => stopped_by,
        () = enough.cancelled() => StoppedBy::Duration,
        () = interrupt.cancelled() => StoppedBy::Interrupt,
    };
    let offered_for = shared.start.elapsed();
    let answered_by_then = shared.answered.load(Ordering::Relaxed);
    let waiting = shared.waiting();
    drain(&shared, &mut workers, interrupt).await;
    let elapsed = shared.start.elapsed();
    // Not before: a session in a closed loop that had just looked whether it should stop schedules one more call.
    let scheduled = shared.scheduled.load(Ordering::Relaxed);
    let answered_in_time = match plan.load {
        Load::Closed { .. } => answered_by_then,
        Load::Open { .. } => shared.answered.load(Ordering::Relaxed).min(scheduled.saturating_sub(waiting)),
    };
    if let Some(tenths) = tenths {
        tenths.abort();
        shared.sink().on_tenth(shared.now_ns());
    }
    let cpu = music21_mcp_proc::own_cpu().saturating_sub(cpu_before);
    probe_stop.cancel();
    let loop_lag = probe.await.unwrap_or_default();
    // A server that is still busy with a call that was given up does not answer the teardown either.
    let _ = unless_interrupted(interrupt, close_workers(plan, workers.returned)).await;
    Ok(Run {
        stopped_by,
        scheduled,
        overdue: shared.overdue.load(Ordering::Relaxed),
        offered_for,
        elapsed,
        answered_in_time,
        reopened: shared.reopened.load(Ordering::Relaxed),
        internal_errors: workers.panics,
        loop_lag,
        own_cpu_share: Some(cpu.as_secs_f64() / elapsed.as_secs_f64() / own_cpus()),
    })
}

/// What comes of `work`; `None` if it has not ended five seconds after an interrupt.
pub(crate) async fn unless_interrupted<T>(
    interrupt: &CancellationToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    let too_late = async {
        interrupt.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        biased;
        result = work => Some(result),
        () = too_late => None,
    }
}

fn share<T>(plan: &Plan, target: Arc<T>, sink: Arc<Mutex<dyn Sink>>) -> Shared<T> {
    let source = match &plan.load {
        Load::Closed { .. } => Source::Closed { left: AtomicU64::new(plan.stop.calls.unwrap_or(u64::MAX)) },
        Load::Open { queue, .. } => Source::Open(Queue::new(*queue)),
    };
    Shared {
        target,
        source,
        sink,
        setup: plan.workload.setup.clone(),
        sessions: plan.workload.sessions,
        deadline: plan.deadline,
        start: Instant::now(),
        stop: CancellationToken::new(),
        abandon: CancellationToken::new(),
        scheduled: AtomicU64::new(0),
        overdue: AtomicU64::new(0),
        answered: AtomicU64::new(0),
        reopened: AtomicU64::new(0),
    }
}

/// Lets the calls under way end: each by its own deadline, or within five seconds of an interrupt, when they are
/// abandoned. Calls that still wait for a session after five seconds are dropped.
async fn drain<T: Connect>(shared: &Shared<T>, workers: &mut Workers<T>, interrupt: &CancellationToken) {
    shared.stop.cancel();
    if let Source::Open(queue) = &shared.source {
        queue.close();
    }
    let in_time = timeout(DRAIN, workers.join()).await.is_ok();
    drop_waiting(shared);
    if in_time {
        return;
    }
    let interrupted = tokio::select! {
        () = workers.join() => false,
        () = interrupt.cancelled() => true,
    };
    if interrupted {
        shared.abandon.cancel();
        workers.join().await;
    }
}

fn drop_waiting<T>(shared: &Shared<T>) {
    if let Source::Open(queue) = &shared.source {
        for _ in queue.leftover() {
            shared.sink().on_dropped();
        }
    }
}
