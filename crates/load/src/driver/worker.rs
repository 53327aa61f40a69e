//! What one session does: take a turn, make its next call, tell the sink.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use music21_mcp_bench::client::{Outcome, Reply};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::queue::{self, Queue, Ticket};
use super::script::{Rendered, Script};
use super::{Call, Connect, Event, OpenError, Session, Sink};
use crate::lock::lock;
use crate::measure::Sample;
use crate::result::{SessionEnd, Step};

/// A session that does not keep its deadline is abandoned this much later.
const GRACE: Duration = Duration::from_secs(1);
/// Waits between attempts to reconnect: 100 ms · 2ᵏ, at most 2 s.
const BACKOFF_MS: u64 = 100;
const MAX_BACKOFF_MS: u64 = 2000;

/// Where the next turn comes from.
pub(super) enum Source {
    /// As soon as the last call has ended, this many times in all.
    Closed { left: AtomicU64 },
    /// As calls are due.
    Open(Queue),
}

/// What all workers of a run share.
pub(super) struct Shared<T> {
    pub(super) target: Arc<T>,
    pub(super) source: Source,
    pub(super) sink: Arc<Mutex<dyn Sink>>,
    pub(super) setup: Vec<Step>,
    pub(super) sessions: SessionEnd,
    pub(super) deadline: Duration,
    pub(super) start: Instant,
    /// No new calls in a closed loop.
    pub(super) stop: CancellationToken,
    /// Calls under way are abandoned.
    pub(super) abandon: CancellationToken,
    pub(super) scheduled: AtomicU64,
    pub(super) overdue: AtomicU64,
    pub(super) answered: AtomicU64,
    pub(super) reopened: AtomicU64,
}

/// One client: its session, while it has one, and its place in the workload.
pub(super) struct Worker<T: Connect> {
    pub(super) client: usize,
    pub(super) session: Option<T::Session>,
    /// Sessions of earlier iterations that stay open.
    pub(super) held: Vec<T::Session>,
    pub(super) script: Script,
    /// Attempts to get an answer, in a row: sessions that did not open, or were lost before they answered anything.
    pub(super) failed_attempts: u32,
    pub(super) retry_at: Option<Instant>,
    /// The session, or the last one, has answered something.
    pub(super) has_answered: bool,
}

impl<T: Connect> Worker<T> {
    /// One with the session that it begins with.
    pub(super) fn new(client: usize, session: T::Session, script: Script) -> Self {
        // The first session is taken for one that works: if it is lost, the next is opened at once.
        Self {
            client,
            session: Some(session),
            held: Vec::new(),
            script,
            failed_attempts: 0,
            retry_at: None,
            has_answered: true,
        }
    }

    /// Waits before it tries again.
    fn back_off(&mut self) {
        self.retry_at = Some(Instant::now() + backoff(self.client, self.failed_attempts));
        self.failed_attempts += 1;
    }

    /// Its session ended under a call. One that has worked is replaced at once.
    fn lose_session(&mut self) {
        self.session = None;
        if !std::mem::replace(&mut self.has_answered, false) {
            self.back_off();
        }
    }
}

enum Turn {
    Now,
    Queued(Ticket),
}

impl<T> Shared<T> {
    pub(super) fn now_ns(&self) -> u64 {
        self.ns_at(Instant::now())
    }

    fn ns_at(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_nanos() as u64
    }

    /// Calls that are due and wait for a free session.
    pub(super) fn waiting(&self) -> u64 {
        match &self.source {
            Source::Open(queue) => queue.len() as u64,
            Source::Closed { .. } => 0,
        }
    }

    pub(super) fn sink(&self) -> MutexGuard<'_, dyn Sink> {
        lock(&self.sink)
    }
}

/// Works until there are no more turns, and hands the worker back.
pub(super) async fn work<T: Connect>(shared: Arc<Shared<T>>, mut worker: Worker<T>) -> Worker<T> {
    while let Some(turn) = next_turn(&shared, &worker).await {
        // Calls that all end at once would leave no time to the clock and to Ctrl-C, which run on the same threads.
        tokio::task::coop::consume_budget().await;
        let is_closed = matches!(turn, Turn::Now);
        let think = perform(&shared, &mut worker, turn).await;
        if is_closed && think > Duration::ZERO {
            tokio::select! {
                () = tokio::time::sleep(think) => {}
                () = shared.stop.cancelled() => {}
            }
        }
    }
    worker
}

async fn next_turn<T: Connect>(shared: &Shared<T>, worker: &Worker<T>) -> Option<Turn> {
    if shared.abandon.is_cancelled() {
        return None;
    }
    let kind = if worker.script.is_between() { queue::Session::Between } else { queue::Session::Begun };
    match &shared.source {
        Source::Open(queue) => tokio::select! {
            ticket = queue.pop(kind) => ticket.map(Turn::Queued),
            () = shared.abandon.cancelled() => None,
        },
        Source::Closed { left } => {
            // Without a session a closed loop would fail calls as fast as it can.
            if let Some(retry_at) = worker.retry_at {
                tokio::select! {
                    () = sleep_until(retry_at) => {}
                    () = shared.stop.cancelled() => {}
                }
            }
            if shared.stop.is_cancelled() {
                return None;
            }
            let less = |left: u64| left.checked_sub(1);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
            shared.scheduled.fetch_add(1, Ordering::Relaxed);
            Some(Turn::Now)
        }
    }
}

/// Makes one call, tells the sink, and returns how long to think.
async fn perform<T: Connect>(shared: &Shared<T>, worker: &mut Worker<T>, turn: Turn) -> Duration {
    let Rendered { call, step } = worker.script.next();
    let deadline = step.deadline_ms.map_or(shared.deadline, Duration::from_millis);
    let opened = open(shared, worker, deadline).await;
    let was_open = opened.is_ok();
    let tool = Arc::clone(&call.tool);
    let is_cold = was_open && worker.session.as_ref().is_some_and(|session| session.is_first_call(&tool));
    let began_ns = shared.now_ns();
    let reply = match (opened, &worker.session) {
        (Ok(()), Some(session)) => tokio::select! {
            reply = bounded_call(session, call, deadline) => reply,
            () = shared.abandon.cancelled() => Reply::unanswered(Outcome::Cancelled, "the run ended"),
        },
        (Err(error), _) => Reply::unanswered(error.outcome, &error.message),
        (Ok(()), None) => Reply::unanswered(Outcome::ConnectError, "no session"),
    };

    // Writing the request was none of the server's time.
    let sent_ns = reply.sent.map_or(began_ns, |at| shared.ns_at(Instant::from_std(at)));
    let Ticket { due_ns, dispatched_ns } = match turn {
        Turn::Now => Ticket { due_ns: sent_ns, dispatched_ns: sent_ns },
        Turn::Queued(ticket) => ticket,
    };
    let outcome = reply.outcome;
    // What the client made of the answer since is none of the server's time.
    let free_ns = shared.now_ns();
    let done_ns = reply.received.map_or(free_ns, |at| shared.ns_at(Instant::from_std(at)));
    let sample = Sample { due_ns, dispatched_ns, sent_ns, done_ns, outcome };
    shared.answered.fetch_add(u64::from(outcome.is_answer()), Ordering::Relaxed);
    shared.sink().on_end(&Event {
        client: worker.client,
        tool: &tool,
        sample,
        is_cold,
        reply: &reply,
        judging_ns: free_ns.saturating_sub(done_ns),
    });
    if outcome != Outcome::Ok {
        worker.script.fail();
    }
    if outcome.is_connection_loss() {
        if was_open {
            worker.lose_session();
        }
    } else if outcome.is_answer() {
        (worker.failed_attempts, worker.has_answered) = (0, true);
    }
    if worker.script.is_between() {
        give_up(shared.sessions, worker).await;
    }
    worker.script.think(&step)
}

/// Does at the end of an iteration what the workload wants of sessions.
async fn give_up<T: Connect>(end: SessionEnd, worker: &mut Worker<T>) {
    if end.is_kept() {
        return;
    }
    let Some(session) = worker.session.take() else { return };
    match end {
        SessionEnd::Kept | SessionEnd::Abandoned => drop(session),
        SessionEnd::Ended => session.close().await,
        SessionEnd::Held => worker.held.push(session),
    }
}

/// Opens the worker's session if it has none, in the time of a call.
async fn open<T: Connect>(
    shared: &Shared<T>,
    worker: &mut Worker<T>,
    deadline: Duration,
) -> Result<(), OpenError> {
    if worker.session.is_some() {
        return Ok(());
    }
    let error = |outcome, message: &str| OpenError { outcome, message: message.to_owned() };
    if worker.retry_at.is_some_and(|at| Instant::now() < at) {
        return Err(error(Outcome::ConnectError, "not connected, waiting to try again"));
    }
    let opened = tokio::select! {
        opened = timeout(deadline, shared.target.open(worker.client)) => opened,
        () = shared.abandon.cancelled() => return Err(error(Outcome::Cancelled, "the run ended")),
    };
    match opened.unwrap_or_else(|_| Err(error(Outcome::ConnectError, "no session within the deadline"))) {
        Ok(session) => {
            shared.reopened.fetch_add(1, Ordering::Relaxed);
            // A new session may be a new server that has seen nothing yet.
            let setup = worker.script.render_all(&shared.setup);
            if let Err((tool, reply)) = run_steps(&session, setup, deadline).await {
                session.close().await;
                let why = reply.message.unwrap_or_default();
                let message =
                    format!("set-up call '{tool}' of a new session ended as {}: {why}", reply.outcome);
                worker.back_off();
                return Err(error(Outcome::ConnectError, &message));
            }
            worker.retry_at = None;
            worker.session = Some(session);
            Ok(())
        }
        Err(error) => {
            worker.back_off();
            Err(error)
        }
    }
}

/// The wait before the next attempt, spread by ±25 % so that not all clients come back at once; by
/// their numbers and not by chance, so that a run can be repeated.
fn backoff(client: usize, failed_attempts: u32) -> Duration {
    let wait = Duration::from_millis((BACKOFF_MS << failed_attempts.min(10)).min(MAX_BACKOFF_MS));
    wait.mul_f64(0.75 + 0.5 * (client as f64 * 0.618_034).fract())
}

/// Makes the calls in order, outside of all figures.
///
/// # Errors
///
/// The first call that does not end well: its tool and its reply.
pub(super) async fn run_steps<C: Session>(
    session: &C,
    steps: Vec<Rendered>,
    deadline: Duration,
) -> Result<(), (Arc<str>, Reply)> {
    for Rendered { call, step } in steps {
        let tool = Arc::clone(&call.tool);
        let deadline = step.deadline_ms.map_or(deadline, Duration::from_millis);
        let reply = bounded_call(session, call, deadline).await;
        if reply.outcome != Outcome::Ok {
            return Err((tool, reply));
        }
    }
    Ok(())
}

async fn bounded_call<C: Session>(session: &C, call: Call, deadline: Duration) -> Reply {
    let reply = timeout(deadline + GRACE, session.call(call, deadline)).await;
    reply.unwrap_or_else(|_| {
        Reply::unanswered(Outcome::TimedOut, "no answer, and the client did not keep its deadline")
    })
}
