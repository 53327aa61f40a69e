//! A stage that is lost ends early: nobody waits an hour to read that nothing worked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::observer::Observer;
use crate::lock::lock;
use crate::measure::stats::Proportion;
use crate::result::Stage;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// It is looked thousands of times, and must not end a sound stage once.
const CONFIDENCE: f64 = 0.99999;

/// The one who looks.
pub(super) struct Watching {
    task: JoinHandle<()>,
    is_lost: Arc<AtomicBool>,
}

impl Watching {
    /// Cancels `enough` once the share of good calls is surely below what the stage asks for; `None` if it asks for nothing.
    pub(super) fn start(
        stage: &Stage,
        observer: &Arc<Mutex<Observer>>,
        enough: &CancellationToken,
    ) -> Option<Self> {
        let least = stage.abort_below?;
        let is_lost = Arc::new(AtomicBool::new(false));
        let (observer, enough, told) = (Arc::clone(observer), enough.clone(), Arc::clone(&is_lost));
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                let (calls, errors) = {
                    let observer = lock(&observer);
                    (observer.calls, observer.errors)
                };
                if is_below(calls, errors, least) {
                    told.store(true, Ordering::Relaxed);
                    enough.cancel();
                    return;
                }
            }
        });
        Some(Self { task, is_lost })
    }

    /// Stops looking. Whether the stage was ended.
    pub(super) fn stop(self) -> bool {
        self.task.abort();
        self.is_lost.load(Ordering::Relaxed)
    }
}

fn is_below(calls: u64, errors: u64, least: f64) -> bool {
    let share = Proportion { successes: calls - errors.min(calls), trials: calls };
    calls > 0 && share.upper_bound(CONFIDENCE) < least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_below_ends_a_stage() {
        assert!(!is_below(0, 0, 0.9));
        assert!(!is_below(3, 3, 0.9), "three failures may be chance");
        assert!(is_below(20, 20, 0.9));
        assert!(is_below(1000, 300, 0.9));
        assert!(!is_below(1000, 110, 0.9));
    }
}
