//! Calls that are due and wait for a free session, first come first served.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::Semaphore;

use crate::lock::lock;

/// A call that was due and that the generator has acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) due_ns: u64,
    pub(super) dispatched_ns: u64,
}

/// A bounded queue with one producer that never waits and many consumers.
pub(super) struct Queue {
    tickets: Mutex<VecDeque<Ticket>>,
    ready: Semaphore,
    bound: usize,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Self {
        Self { tickets: Mutex::default(), ready: Semaphore::new(0), bound }
    }

    /// Whether there was room.
    pub(super) fn push(&self, ticket: Ticket) -> bool {
        let mut tickets = lock(&self.tickets);
        if tickets.len() >= self.bound {
            return false;
        }
        tickets.push_back(ticket);
        drop(tickets);
        self.ready.add_permits(1);
        true
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.tickets).len()
    }

    /// The oldest ticket, as soon as there is one; `None` once the queue is closed and empty.
    pub(super) async fn pop(&self) -> Option<Ticket> {
        if let Ok(permit) = self.ready.acquire().await {
            permit.forget();
        }
        lock(&self.tickets).pop_front()
    }

    /// No more tickets will come.
    pub(super) fn close(&self) {
        self.ready.close();
    }

    /// What nobody took before the end.
    pub(super) fn leftover(&self) -> Vec<Ticket> {
        lock(&self.tickets).drain(..).collect()
    }
}
