//! A stage that goes on where its time was not enough to judge the server's memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::observer::{Observer, wait_for_start};
use super::progress::Live;
use super::sampler::Readings;
use crate::lock::lock;
use crate::measure::trend::{self, LeakVerdict, MemoryReading};
use crate::result::{ResourceAt, Stage};

/// Cancels `enough` after the stage's duration, unless its memory needs longer: the stage then ends as its plan says.
/// `None` for a stage of one length.
pub(super) fn watch(
    stage: &Stage,
    observer: &Arc<Mutex<Observer>>,
    readings: &Arc<Mutex<Readings>>,
    live: &Live,
    enough: &CancellationToken,
) -> Option<JoinHandle<()>> {
    let (to_s, after_s) = stage.extend_to_s.zip(stage.duration_s)?;
    let (observer, readings) = (Arc::clone(observer), Arc::clone(readings));
    let (live, enough) = (live.clone(), enough.clone());
    Some(tokio::spawn(async move {
        let start = wait_for_start(&observer).await;
        tokio::time::sleep_until((start + Duration::from_secs_f64(after_s)).into()).await;
        let memory = ResourceAt::memory(&lock(&readings).server(start));
        if needs_more(&memory) {
            live.takes(to_s);
        } else {
            enough.cancel();
        }
    }))
}

/// A leak is to be confirmed and a doubt to be settled. Where no memory was seen, more time shows none.
fn needs_more(memory: &[MemoryReading]) -> bool {
    trend::judge_leak(memory).is_some_and(|report| report.verdict != LeakVerdict::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trend::simulate;

    #[test]
    fn a_leak_is_to_be_confirmed_and_a_short_window_to_be_extended() {
        assert!(needs_more(&simulate(4, 10.0, 420)));
        assert!(needs_more(&simulate(0, 0.0, 300)));
    }

    #[test]
    fn a_sound_server_is_not_watched_any_longer_nor_one_that_cannot_be_seen() {
        assert!(!needs_more(&simulate(0, 0.0, 420)));
        assert!(!needs_more(&[]));
    }
}
