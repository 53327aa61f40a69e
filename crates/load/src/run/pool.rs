//! Sessions as the driver sees them: taken from those that wait, or new.

use std::sync::Arc;
use std::time::{Duration, Instant};

use music21_mcp_bench::client::{Music21Client, Reply};

use super::in_flight::InFlight;
use super::session_pool::{Called, Host};
use crate::driver::{Call, Connect, OpenError, Session};
use crate::lock::lock;

/// A session between two stages.
pub(super) struct Idle {
    pub(super) client: Music21Client,
    called: Called,
    since: Instant,
}

/// Servers end sessions over HTTP that were idle for minutes, and the next stage's first call would be lost for it.
const IDLE: Duration = Duration::from_secs(30);

/// Sessions that outlive the stages: a stdio server stays the same process, and starts once.
pub(super) struct Pool {
    pub(super) host: Arc<Host>,
    /// Sessions outlive the stage. Otherwise each is new and ends when it is closed.
    pub(super) keeps: bool,
    /// Each new session holds its stream open.
    pub(super) listens: bool,
}

impl Pool {
    /// Sessions that are kept for whoever comes next.
    pub(super) fn kept(host: &Arc<Host>) -> Self {
        Self { host: Arc::clone(host), keeps: true, listens: false }
    }
}

/// A session that may go back to its pool.
pub(super) struct Pooled {
    client: Music21Client,
    called: Called,
    /// Where it goes back to.
    pool: Option<Arc<Host>>,
    in_flight: InFlight,
}

impl Connect for Pool {
    type Session = Pooled;

    async fn open(&self, _client: usize) -> Result<Pooled, OpenError> {
        let pool = self.keeps.then(|| Arc::clone(&self.host));
        let idle = pool.as_ref().and_then(|host| lock(&host.idle).pop());
        let (client, called) = match idle {
            Some(idle) if self.host.has_process_per_session() || idle.since.elapsed() < IDLE => {
                (idle.client, idle.called)
            }
            stale => {
                if let Some(idle) = stale {
                    idle.client.close().await;
                }
                self.host.new_session(self.listens).await?
            }
        };
        Ok(Pooled { client, called, pool, in_flight: self.host.in_flight.clone() })
    }
}

impl Session for Pooled {
    async fn call(&self, call: Call, deadline: Duration) -> Reply {
        let _under_way = self.in_flight.begin();
        Session::call(&self.client, call, deadline).await
    }

    fn is_first_call(&self, tool: &str) -> bool {
        let mut called = lock(&self.called);
        !called.contains(tool) && called.insert(tool.to_owned())
    }

    async fn close(self) {
        match self.pool {
            Some(host) => {
                lock(&host.idle).push(Idle {
                    client: self.client,
                    called: self.called,
                    since: Instant::now(),
                });
            }
            None => self.client.close().await,
        }
    }
}
