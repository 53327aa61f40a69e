//! The calls of a session that wait for an answer, and what becomes of each frame that the server sends.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Timeout;

use super::frame::{self, Incoming, Response};
use super::violations::Counters;
use super::wire::Failure;
use crate::client::Outcome;

type Answer = Result<Response, Failure>;

/// Calls that wait, known by their ids.
pub(super) struct Waiting {
    calls: Mutex<Calls>,
    pub counters: Arc<Counters>,
}

/// Every id ever sent is either waiting, abandoned, or answered.
#[derive(Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    abandoned: HashSet<u64>,
    /// Were abandoned too, by a client that needed no answer any more.
    forgiven: HashSet<u64>,
    highest: u64,
    closed: Option<Failure>,
}

/// A call that waits; dropped before its answer has come, it makes that a late one.
pub(super) struct Call<'a> {
    waiting: &'a Waiting,
    id: u64,
    answered: oneshot::Receiver<Answer>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut calls = self.waiting.calls();
        if calls.waiting.remove(&self.id).is_some() {
            calls.abandoned.insert(self.id);
        }
    }
}

impl Waiting {
    pub(super) fn new(counters: Arc<Counters>) -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), counters })
    }

    /// A call with a new id.
    ///
    /// # Errors
    ///
    /// Why nobody will answer it.
    pub(super) fn call(&self, id: u64) -> Result<Call<'_>, Failure> {
        let (answer, answered) = oneshot::channel();
        let mut calls = self.calls();
        if let Some(failure) = &calls.closed {
            return Err(failure.clone());
        }
        calls.highest = calls.highest.max(id);
        calls.waiting.insert(id, answer);
        Ok(Call { waiting: self, id, answered })
    }

    /// Why the connection is no more, where that is known.
    pub(super) fn closed(&self) -> Option<Failure> {
        self.calls().closed.clone()
    }

    /// Gives an answer to the call that waits for it, or counts it as what it is.
    pub(super) fn answer(&self, id: u64, answer: Answer) {
        let mut calls = self.calls();
        if let Some(waiting) = calls.waiting.remove(&id) {
            // The caller may have left between our look and this; then nobody wants it.
            let _ = waiting.send(answer);
        } else if !calls.forgiven.remove(&id) {
            Counters::add(self.stray(&mut calls, id));
        }
    }

    /// Expects nothing of the calls that were abandoned so far: their answers are not late.
    pub(super) fn forgive(&self) {
        let calls = &mut *self.calls();
        calls.forgiven.extend(calls.abandoned.drain());
    }

    fn stray(&self, calls: &mut Calls, id: u64) -> &AtomicU64 {
        if calls.abandoned.remove(&id) {
            &self.counters.late
        } else if id <= calls.highest && id > 0 {
            &self.counters.duplicates
        } else {
            &self.counters.unmatched
        }
    }

    /// An answer that is to nobody by its id; the call that it seems to be to need not wait for another.
    fn foreign(&self, id: Option<u64>) {
        Counters::add(&self.counters.unmatched);
        if let Some((id, waiting)) = id.and_then(|id| Some((id, self.calls().waiting.remove(&id)?))) {
            let _ = waiting.send(Err(Failure::new(Outcome::ProtocolError, frame::id_is_text(id))));
        }
    }

    /// A frame that cannot be used: ends the call it names, if that waits.
    fn spoiled(&self, frame: &[u8], failure: Failure) {
        Counters::add(&self.counters.bad_frames);
        let id = frame::sniff_id(frame);
        if let Some(waiting) = id.and_then(|id| self.calls().waiting.remove(&id)) {
            let _ = waiting.send(Err(failure));
        }
    }

    /// No answer will come any more. Whatever ended the calls that wait, later ones have no connection.
    pub(super) fn close(&self, failure: &Failure) {
        let mut calls = self.calls();
        for (_, waiting) in calls.waiting.drain() {
            let _ = waiting.send(Err(failure.clone()));
        }
        let later = || Failure { outcome: Outcome::TransportClosed, ..failure.clone() };
        calls.closed.get_or_insert_with(later);
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call<'_> {
    /// Its answer, until the deadline.
    pub(super) fn answer_within(&mut self, deadline: Duration) -> Timeout<&mut oneshot::Receiver<Answer>> {
        tokio::time::timeout(deadline, &mut self.answered)
    }
}

/// Sets the timer of a call before its request is sent, so that this is no time of the server's.
pub(super) async fn first_look<F: Future>(ended: Pin<&mut F>) -> Poll<F::Output> {
    futures::poll!(ended)
}

/// Takes what a server sends, a frame at a time.
pub(super) struct Inbox {
    pub waiting: Arc<Waiting>,
    /// Answers to the server's own requests. Weak, so that the wire's end is the writer's end.
    pub replies: mpsc::WeakUnboundedSender<Bytes>,
}

/// What a frame turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Frame,
    /// JSON of another kind, such as a log line.
    NoFrame,
    Unreadable,
}

impl Inbox {
    /// `first_byte` is when its first byte had arrived, where bytes arrive.
    pub(super) fn take(&self, frame: &Bytes, first_byte: Option<Instant>) -> Taken {
        match frame::decode(frame) {
            Ok(Incoming::Response(id, response)) => {
                self.waiting.answer(id, Ok(Response { first_byte, ..response }));
            }
            Ok(Incoming::ForeignResponse(id)) => self.waiting.foreign(id),
            Ok(Incoming::NoFrame) => return Taken::NoFrame,
            Ok(Incoming::Request(answer)) => {
                if let Some(outbox) = self.replies.upgrade() {
                    let _ = outbox.send(answer);
                }
            }
            Ok(Incoming::Notification) => {}
            Err(error) => {
                self.waiting.spoiled(frame, Failure::new(Outcome::ProtocolError, error));
                return Taken::Unreadable;
            }
        }
        Taken::Frame
    }

    /// A frame of which no more than the beginning was kept.
    pub(super) fn oversized(&self, prefix: &[u8], bytes: usize) {
        let message = format!("reply of {bytes} bytes is over the limit");
        self.waiting.spoiled(prefix, Failure::new(Outcome::Oversized, message));
    }
}
