//! The sessions of a run: opened and set up before it, worked during it, closed after it.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::task::JoinSet;

use super::script::Script;
use super::worker::{Shared, Worker, run_steps, work};
use super::{Connect, DriveError, Load, Plan, Session};

/// Sessions opened, set up or closed at the same time.
const AT_ONCE: usize = 16;

/// The workers of a run: those that still run, and those that have finished.
pub(super) struct Workers<T: Connect> {
    running: JoinSet<Worker<T>>,
    pub(super) returned: Vec<Worker<T>>,
    pub(super) panics: u64,
}

impl<T: Connect> Workers<T> {
    pub(super) fn start(shared: &Arc<Shared<T>>, workers: Vec<Worker<T>>) -> Self {
        let mut running = JoinSet::new();
        for worker in workers {
            running.spawn(work(Arc::clone(shared), worker));
        }
        Self { running, returned: Vec::new(), panics: 0 }
    }

    /// Waits until all have finished. It may be dropped while it waits, and called again.
    pub(super) async fn join(&mut self) {
        while let Some(finished) = self.running.join_next().await {
            match finished {
                Ok(worker) => self.returned.push(worker),
                Err(_) => self.panics += 1,
            }
        }
    }
}

/// Opens every session and makes its set-up calls, some at a time.
pub(super) async fn open_workers<T: Connect>(plan: &Plan, target: &T) -> Result<Vec<Worker<T>>, DriveError> {
    let sessions = match plan.load {
        Load::Closed { workers } => workers,
        Load::Open { sessions, .. } => sessions,
    };
    stream::iter((0..sessions).map(|client| open_worker(plan, target, client)))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn open_worker<T: Connect>(plan: &Plan, target: &T, client: usize) -> Result<Worker<T>, DriveError> {
    let failed = |why| DriveError(format!("client {client}: {why}"));
    let session = target.open(client).await.map_err(|error| failed(error.message))?;
    let script = Script::new(Arc::clone(&plan.workload), client, Arc::clone(&plan.run_id), plan.seed);
    let setup = script.render_all(&plan.workload.setup);
    run_steps(&session, setup, plan.deadline).await.map_err(|(tool, reply)| {
        let why = reply.message.unwrap_or_default();
        failed(format!("set-up call '{tool}' ended as {}: {why}", reply.outcome))
    })?;
    Ok(Worker::new(client, session, script))
}

/// Makes the tear-down calls and closes the sessions. A failure changes no figure any more.
pub(super) async fn close_workers<T: Connect>(plan: &Plan, workers: Vec<Worker<T>>) {
    stream::iter(workers)
        .for_each_concurrent(AT_ONCE, async |worker| {
            for session in worker.held {
                session.close().await;
            }
            if let Some(session) = worker.session {
                let teardown = worker.script.render_all(&plan.workload.teardown);
                let _ = run_steps(&session, teardown, plan.deadline).await;
                session.close().await;
            }
        })
        .await;
}
