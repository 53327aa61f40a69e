//! Sleeping precisely. tokio's timers round up to whole milliseconds; a thread of its own wakes
//! within the kernel's timer slack, about 0.1 ms, and burns nothing while it waits.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

/// Wakes tasks at their times. Its thread begins with the first sleep and ends with the timer.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sleepers: BinaryHeap<Reverse<Sleeper>>,
    started: bool,
    ended: bool,
}

#[derive(Debug)]
struct Sleeper {
    until: Instant,
    wake: oneshot::Sender<()>,
}

impl Timer {
    /// Returns at `until`, or at once if that is past.
    pub(crate) async fn sleep_until(&self, until: Instant) {
        if until > Instant::now() {
            // An error says that the timer is gone, and its server with it.
            let _ = self.wake_at(until).await;
        }
    }

    fn wake_at(&self, until: Instant) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sleepers.push(Reverse(Sleeper { until, wake }));
        if !state.started {
            state.started = true;
            let shared = Arc::clone(&self.shared);
            thread::spawn(move || shared.run());
        }
        drop(state);
        self.shared.changed.notify_one();
        woken
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.ended {
            let now = Instant::now();
            state = match state.sleepers.peek() {
                Some(Reverse(next)) if next.until <= now => {
                    if let Some(Reverse(due)) = state.sleepers.pop() {
                        // A sleeper that is gone need not be woken.
                        let _ = due.wake.send(());
                    }
                    state
                }
                Some(Reverse(next)) => {
                    let pause = next.until - now;
                    self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Sleeper {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_order_and_not_before_their_time() {
        let timer = Timer::default();
        let start = Instant::now();
        let order = Mutex::new(Vec::new());
        let sleep = |ms| {
            let (timer, order) = (&timer, &order);
            async move {
                timer.sleep_until(start + Duration::from_millis(ms)).await;
                assert!(start.elapsed() >= Duration::from_millis(ms));
                order.lock().unwrap().push(ms);
            }
        };
        tokio::join!(sleep(12), sleep(3), sleep(0), sleep(8));
        assert_eq!(*order.lock().unwrap(), [0, 3, 8, 12]);
    }
}
