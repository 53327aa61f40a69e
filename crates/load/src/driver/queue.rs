//! Calls that are due and wait for a free session, first come first served.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::lock::lock;

/// A call that was due and that the generator has acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) due_ns: u64,
    pub(super) dispatched_ns: u64,
}

/// Which free session gets the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// One in the midst of an iteration: it comes first, else calls fewer than sessions would all be the first of theirs.
    Begun,
    /// One between two iterations.
    Between,
}

/// A bounded queue with one producer that never waits and many consumers.
pub(super) struct Queue {
    state: Mutex<State>,
    bound: usize,
}

#[derive(Default)]
struct State {
    tickets: VecDeque<Ticket>,
    /// Free sessions of either kind, the one that has waited longest first. None where there are tickets.
    begun: VecDeque<oneshot::Sender<Ticket>>,
    between: VecDeque<oneshot::Sender<Ticket>>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Self {
        Self { state: Mutex::default(), bound }
    }

    /// Whether there was room.
    pub(super) fn push(&self, ticket: Ticket) -> bool {
        let mut state = lock(&self.state);
        if state.tickets.len() >= self.bound {
            return false;
        }
        if let Some(ticket) = state.hand_over(ticket) {
            state.tickets.push_back(ticket);
        }
        true
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.state).tickets.len()
    }

    /// The oldest ticket, as soon as there is one; `None` once the queue is closed and empty.
    pub(super) async fn pop(&self, session: Session) -> Option<Ticket> {
        let given = {
            let mut state = lock(&self.state);
            if let Some(ticket) = state.tickets.pop_front() {
                return Some(ticket);
            }
            if state.is_closed {
                return None;
            }
            let (give, given) = oneshot::channel();
            match session {
                Session::Begun => state.begun.push_back(give),
                Session::Between => state.between.push_back(give),
            }
            given
        };
        let mut waiting = Waiting { queue: self, given };
        (&mut waiting.given).await.ok()
    }

    /// No more tickets will come.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.begun.clear();
        state.between.clear();
    }

    /// What nobody took before the end.
    pub(super) fn leftover(&self) -> Vec<Ticket> {
        lock(&self.state).tickets.drain(..).collect()
    }
}

impl State {
    /// Gives the ticket to a session that waits; returns it where none does.
    fn hand_over(&mut self, mut ticket: Ticket) -> Option<Ticket> {
        while let Some(give) = self.begun.pop_front().or_else(|| self.between.pop_front()) {
            match give.send(ticket) {
                Ok(()) => return None,
                // That session has gone.
                Err(back) => ticket = back,
            }
        }
        Some(ticket)
    }
}

/// A session that waits, and may be dropped while it is given a ticket: nothing may be lost then.
struct Waiting<'a> {
    queue: &'a Queue,
    given: oneshot::Receiver<Ticket>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.given.close();
        if let Ok(ticket) = self.given.try_recv() {
            let mut state = lock(&self.queue.state);
            if let Some(ticket) = state.hand_over(ticket) {
                state.tickets.push_front(ticket);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    fn ticket(due_ns: u64) -> Ticket {
        Ticket { due_ns, dispatched_ns: due_ns }
    }

    #[tokio::test]
    async fn an_iteration_that_has_begun_goes_on_before_another_begins() {
        let queue = Queue::new(8);
        let (mut first, mut begun) = (pin!(queue.pop(Session::Between)), pin!(queue.pop(Session::Begun)));
        assert!(poll!(&mut first).is_pending() && poll!(&mut begun).is_pending());
        assert!(queue.push(ticket(1)) && queue.push(ticket(2)) && queue.push(ticket(3)));
        assert_eq!((begun.await, first.await), (Some(ticket(1)), Some(ticket(2))));
        assert_eq!((queue.len(), queue.pop(Session::Between).await), (1, Some(ticket(3))));
    }

    #[tokio::test]
    async fn no_ticket_is_lost_with_the_session_that_it_was_given_to() {
        let queue = Queue::new(2);
        let mut gone = Box::pin(queue.pop(Session::Begun));
        assert!(poll!(&mut gone).is_pending() && queue.push(ticket(1)) && queue.push(ticket(2)));
        drop(gone);
        let mut also_gone = Box::pin(queue.pop(Session::Begun));
        assert_eq!(poll!(&mut also_gone), std::task::Poll::Ready(Some(ticket(1))));
        assert_eq!(queue.leftover(), [ticket(2)]);
        let mut waits = pin!(queue.pop(Session::Between));
        assert!(poll!(&mut waits).is_pending());
        queue.close();
        assert_eq!((waits.await, queue.pop(Session::Begun).await), (None, None));
    }

    #[test]
    fn a_full_queue_takes_no_more() {
        let queue = Queue::new(1);
        assert_eq!([1, 2].map(|due| queue.push(ticket(due))), [true, false]);
    }
}
