//! Makes calls due: at their times in an open loop, until the stop condition in a closed one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{sleep_until, timeout_at};

use super::queue::{Queue, Ticket};
use super::worker::{Shared, Source};
use super::workers::Workers;
use super::{Connect, Load, Plan, Schedule};
use crate::result::StoppedBy;

/// Late calls dispatched in a row before the sessions get a chance to run.
const BURST: u32 = 64;

/// Returns when no more calls are to be made due, and why. It may be dropped while it waits.
pub(super) async fn pace<T: Connect>(plan: &Plan, shared: &Shared<T>, workers: &mut Workers<T>) -> StoppedBy {
    match (&plan.load, &shared.source) {
        (Load::Open { schedule, .. }, Source::Open(queue)) => {
            enqueue_arrivals(plan, schedule, queue, shared).await
        }
        _ => until_stopped(plan, shared, workers).await,
    }
}

async fn until_stopped<T: Connect>(plan: &Plan, shared: &Shared<T>, workers: &mut Workers<T>) -> StoppedBy {
    let Some(duration) = plan.stop.duration else {
        workers.join().await;
        return StoppedBy::Calls;
    };
    let joined = timeout_at(shared.start + duration, workers.join()).await;
    if joined.is_ok() { StoppedBy::Calls } else { StoppedBy::Duration }
}

/// Puts every call into the queue when it is due. Its due time is the schedule's and not the time of
/// waking up: the timer is a millisecond coarse, and our own lateness must show.
async fn enqueue_arrivals<T: Connect>(
    plan: &Plan,
    schedule: &Schedule,
    queue: &Queue,
    shared: &Shared<T>,
) -> StoppedBy {
    let calls = plan.stop.calls.unwrap_or(u64::MAX);
    let mut in_a_row = 0;
    for (due_ns, _) in schedule.arrivals().zip(0..calls) {
        let due = Duration::from_nanos(due_ns);
        if let Some(duration) = plan.stop.duration.filter(|&duration| due >= duration) {
            sleep_until(shared.start + duration).await;
            return StoppedBy::Duration;
        }
        if shared.now_ns() < due_ns {
            sleep_until(shared.start + due).await;
            in_a_row = 0;
        }
        shared.scheduled.fetch_add(1, Ordering::Relaxed);
        let dispatched_ns = shared.now_ns();
        if plan.stop.duration.is_some_and(|duration| u128::from(dispatched_ns) > duration.as_nanos()) {
            shared.overdue.fetch_add(1, Ordering::Relaxed);
        }
        if !queue.push(Ticket { due_ns, dispatched_ns }) {
            shared.sink().on_dropped();
        }
        in_a_row += 1;
        if in_a_row % BURST == 0 {
            tokio::task::yield_now().await;
        }
    }
    StoppedBy::Calls
}

/// Tells the sink of the first nine tenths of the duration; the end of the run is the tenth.
pub(super) async fn tell_tenths<T: Connect>(shared: Arc<Shared<T>>, duration: Duration) {
    for tenth in 1..10 {
        sleep_until(shared.start + duration * tenth / 10).await;
        shared.sink().on_tenth(shared.now_ns());
    }
}
