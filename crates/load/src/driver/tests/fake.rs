//! A server made of sleeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use music21_mcp_bench::client::{Outcome, Reply};
use tokio::time::{Instant, sleep, sleep_until};

use crate::driver::{Call, Connect, OpenError, Session};

/// What the server does to one call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// Answers after this long.
    Answer(Duration),
    /// Ends like this after this long.
    End(Duration, Outcome),
    /// Never answers, and the client does not keep its deadline either.
    Hang,
    /// Takes the generator's task down.
    Panic,
}

type Behaviour = dyn Fn(Duration, u64) -> Act + Send + Sync;

pub(super) struct Fake {
    born: Instant,
    behaviour: Box<Behaviour>,
    /// It refuses sessions in this span since its birth.
    pub(super) closed: Mutex<std::ops::Range<Duration>>,
    pub(super) calls: AtomicU64,
    pub(super) opened: AtomicU64,
    pub(super) closed_sessions: AtomicU64,
    pub(super) by_tool: Mutex<BTreeMap<String, u64>>,
    /// Each session is a server of its own.
    pub(super) server_per_session: AtomicBool,
    called: Called,
}

/// Tools that were called on a server.
type Called = Arc<Mutex<BTreeSet<String>>>;

impl Fake {
    /// `behaviour(time since birth, calls before)` decides what becomes of a call.
    pub(super) fn new(behaviour: impl Fn(Duration, u64) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            born: Instant::now(),
            behaviour: Box::new(behaviour),
            closed: Mutex::new(Duration::ZERO..Duration::ZERO),
            calls: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            closed_sessions: AtomicU64::new(0),
            by_tool: Mutex::default(),
            server_per_session: AtomicBool::new(false),
            called: Called::default(),
        })
    }

    /// Answers every call after `ms` milliseconds.
    pub(super) fn steady(ms: u64) -> Arc<Self> {
        Self::new(move |_, _| Act::Answer(Duration::from_millis(ms)))
    }

    pub(super) fn count(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Connect for Arc<Fake> {
    type Session = FakeSession;

    async fn open(&self, _: usize) -> Result<FakeSession, OpenError> {
        if self.closed.lock().unwrap().contains(&self.born.elapsed()) {
            return Err(OpenError { outcome: Outcome::ConnectError, message: "refused".to_owned() });
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        let own = self.server_per_session.load(Ordering::Relaxed);
        let called = if own { Called::default() } else { Arc::clone(&self.called) };
        Ok(FakeSession(Arc::clone(self), called))
    }
}

pub(super) struct FakeSession(Arc<Fake>, Called);

impl Session for FakeSession {
    fn is_first_call(&self, tool: &str) -> bool {
        self.1.lock().unwrap().insert(tool.to_owned())
    }

    async fn call(&self, call: Call, deadline: Duration) -> Reply {
        let before = self.0.calls.fetch_add(1, Ordering::Relaxed);
        *self.0.by_tool.lock().unwrap().entry(call.tool.to_string()).or_default() += 1;
        let gives_up = Instant::now() + deadline;
        match (self.0.behaviour)(self.0.born.elapsed(), before) {
            Act::Answer(after) if after > deadline => {
                sleep_until(gives_up).await;
                Reply::unanswered(Outcome::TimedOut, "no answer within the deadline")
            }
            Act::Answer(after) => {
                sleep(after).await;
                Reply::answered(&call.tool, &call.arguments, &call.expect, "pong".to_owned())
            }
            Act::End(after, outcome) => {
                // Even a sleep of no time gives way now and then.
                if !after.is_zero() {
                    sleep(after).await;
                }
                Reply::unanswered(outcome, "as told")
            }
            Act::Hang => std::future::pending().await,
            Act::Panic => panic!("as told"),
        }
    }

    async fn close(self) {
        self.0.closed_sessions.fetch_add(1, Ordering::Relaxed);
    }
}
