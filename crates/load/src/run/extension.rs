//! A stage that goes on where its time was not enough to judge the server's memory.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::observer::Observer;
use super::progress::Live;
use super::sampler::Readings;
use crate::lock::lock;
use crate::measure::trend::{self, LeakVerdict, MemoryReading};
use crate::result::{ResourceAt, Stage};

/// How often it is looked whether the stage's clock has begun.
const POLL: Duration = Duration::from_millis(100);

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
        let start = started(&observer).await;
        tokio::time::sleep_until((start + Duration::from_secs_f64(after_s)).into()).await;
        let memory = ResourceAt::memory(&lock(&readings).server(start));
        if needs_more(&memory) {
            live.takes(to_s);
        } else {
            enough.cancel();
        }
    }))
}

async fn started(observer: &Mutex<Observer>) -> Instant {
    loop {
        // By itself, so that the lock is not held while it waits.
        let started = lock(observer).started();
        match started {
            Some(start) => return start,
            None => tokio::time::sleep(POLL).await,
        }
    }
}

/// A leak is to be confirmed and a doubt to be settled. Where no memory was seen, more time shows none.
fn needs_more(memory: &[MemoryReading]) -> bool {
    trend::judge_leak(memory).is_some_and(|report| report.verdict != LeakVerdict::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trend::simulate;
    use crate::result::fixture::stage_named;
    use crate::result::{StageResult, Verdict};
    use crate::scenario::{Options, find, judge};

    fn verdict(memory: &[MemoryReading]) -> Verdict {
        judge::leak(&StageResult { leak: trend::judge_leak(memory), ..stage_named("steady load") }).verdict
    }

    #[test]
    fn a_leak_fails_only_once_it_is_confirmed() {
        let stage = find("memory").unwrap().definition(&Options::default()).stages.remove(0);
        let lengths = [stage.duration_s, stage.extend_to_s].map(|seconds| seconds.unwrap() as u64);
        let [at_first, extended] = lengths.map(|seconds| simulate(4, 10.0, seconds));
        assert_eq!((needs_more(&at_first), verdict(&at_first)), (true, Verdict::Inconclusive));
        assert_eq!(verdict(&extended), Verdict::Fail);
    }

    #[test]
    fn a_sound_server_is_not_watched_any_longer_nor_one_that_cannot_be_seen() {
        let sound = simulate(0, 0.0, 420);
        assert_eq!((needs_more(&sound), verdict(&sound)), (false, Verdict::Pass));
        assert!(!needs_more(&[]));
    }

    #[test]
    fn a_window_that_is_too_short_is_extended() {
        assert!(needs_more(&simulate(0, 0.0, 300)));
    }

    #[test]
    fn a_duration_that_the_user_gave_is_kept() {
        let options = Options { duration_s: Some(300.0), ..Options::default() };
        let stage = find("memory").unwrap().definition(&options).stages.remove(0);
        assert_eq!((stage.duration_s, stage.extend_to_s), (Some(420.0), None));
    }
}
