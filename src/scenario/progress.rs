//! A line on stderr that tells how far a stage is; nothing where stderr is no terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::definition::Stage;
use super::in_flight::InFlight;
use super::observer::Observer;
use crate::report::units::{duration, megabytes};

const REFRESH: Duration = Duration::from_millis(250);
/// Calls that ended longer ago say nothing about now: the server stands still.
const OLD_S: f64 = 3.0;

/// Whether and how progress is shown.
#[derive(Debug, Clone)]
pub struct Progress {
    scenario: String,
    is_shown: bool,
}

/// Shown until dropped.
pub(super) struct Shown {
    bar: ProgressBar,
    task: Option<JoinHandle<()>>,
}

impl Progress {
    /// Progress of a scenario, for people if `is_shown`.
    #[must_use]
    pub fn new(scenario: &str, is_shown: bool) -> Self {
        Self { scenario: scenario.to_owned(), is_shown }
    }

    pub(super) fn show(&self, stage: &Stage, observer: &Arc<Mutex<Observer>>, in_flight: &InFlight) -> Shown {
        if !self.is_shown {
            return Shown { bar: ProgressBar::hidden(), task: None };
        }
        let bar = ProgressBar::new_spinner();
        // A line that is too long for the terminal is cut, or it would be drawn below itself again and again.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        let head = format!("{} · {}", self.scenario, stage.name);
        let end = stage.duration_s.map_or(String::new(), |end| format!("/{end:.0}"));
        let (shown, observer, in_flight) = (bar.clone(), Arc::clone(observer), in_flight.clone());
        let start = Instant::now();
        let task = tokio::spawn(async move {
            loop {
                let seconds = start.elapsed().as_secs_f64();
                let now = {
                    let observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
                    pulse(&observer, seconds)
                };
                let in_flight = in_flight.count();
                shown.set_message(format!("{head} {seconds:.0}{end}s · {in_flight} in flight · {now}"));
                shown.tick();
                tokio::time::sleep(REFRESH).await;
            }
        });
        Shown { bar, task: Some(task) }
    }
}

/// What the last second was like: throughput, response times, errors so far, the server's memory.
fn pulse(observer: &Observer, elapsed_s: f64) -> String {
    let last = observer.last_second();
    let is_old = elapsed_s - last.at_s as f64 > OLD_S;
    let ended = last.ok + last.errors.values().sum::<u64>();
    let rate = if is_old { 0 } else { ended };
    let time = |ns: Option<u64>| match ns {
        Some(ns) if !is_old => duration(ns as f64).replace(' ', ""),
        _ => "–".to_owned(),
    };
    let memory =
        observer.resources.map_or_else(String::new, |used| format!(" {:.0}MB", megabytes(used.rss_bytes)));
    // Short, so that a terminal of 80 columns has room for all of it.
    format!("{rate}/s {} err p50 {} p95 {}{memory}", observer.errors, time(last.p50_ns), time(last.p95_ns))
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.bar.finish_and_clear();
    }
}
