//! The sessions of a run: opened and set up before it, worked during it, closed after it.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::task::JoinSet;

use super::script::Script;
use super::worker::{Seat, Shared, run_steps, work};
use super::{DriveError, Load, Plan, Session, Sink, Target};

/// Sessions opened, set up or closed at the same time.
const AT_ONCE: usize = 16;

/// The workers of a run, and the seats of those that have finished.
pub(super) struct Crew<T: Target> {
    workers: JoinSet<Seat<T>>,
    pub(super) returned: Vec<Seat<T>>,
    pub(super) panics: u64,
}

impl<T: Target> Crew<T> {
    pub(super) fn start<S: Sink>(shared: &Arc<Shared<T, S>>, seats: Vec<Seat<T>>) -> Self {
        let mut workers = JoinSet::new();
        for seat in seats {
            workers.spawn(work(Arc::clone(shared), seat));
        }
        Self { workers, returned: Vec::new(), panics: 0 }
    }

    /// Waits until all have finished. It can be given up and called again.
    pub(super) async fn join(&mut self) {
        while let Some(finished) = self.workers.join_next().await {
            match finished {
                Ok(seat) => self.returned.push(seat),
                Err(_) => self.panics += 1,
            }
        }
    }
}

/// Opens every session and makes its set-up calls, some at a time.
pub(super) async fn open_seats<T: Target>(plan: &Plan, target: &T) -> Result<Vec<Seat<T>>, DriveError> {
    let sessions = match plan.load {
        Load::Closed { workers } => workers,
        Load::Open { sessions, .. } => sessions,
    };
    stream::iter((0..sessions).map(|client| open_seat(plan, target, client)))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn open_seat<T: Target>(plan: &Plan, target: &T, client: usize) -> Result<Seat<T>, DriveError> {
    let session = target.open(client).await.map_err(|error| DriveError::Open { client, error })?;
    let script = Script::new(Arc::clone(&plan.workload), client, Arc::clone(&plan.run_id), plan.seed);
    let setup = script.render_all(&plan.workload.setup);
    run_steps(&session, setup, plan.deadline).await.map_err(|(tool, reply)| DriveError::Setup {
        client,
        tool: tool.to_string(),
        outcome: reply.outcome,
        message: reply.message.unwrap_or_default(),
    })?;
    Ok(Seat { client, session: Some(session), script, failed_attempts: 0, retry_at: None })
}

/// Makes the tear-down calls and closes the sessions. A failure changes no figure any more.
pub(super) async fn close_seats<T: Target>(plan: &Plan, seats: Vec<Seat<T>>) {
    stream::iter(seats)
        .for_each_concurrent(AT_ONCE, async |seat| {
            if let Some(session) = seat.session {
                let teardown = seat.script.render_all(&plan.workload.teardown);
                let _ = run_steps(&session, teardown, plan.deadline).await;
                session.close().await;
            }
        })
        .await;
}
