//! A line on stderr that tells how far a stage is; nothing where stderr is no terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::definition::Stage;
use super::observer::Observer;

const REFRESH: Duration = Duration::from_millis(250);

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

    pub(super) fn show(&self, stage: &Stage, observer: &Arc<Mutex<Observer>>) -> Shown {
        if !self.is_shown {
            return Shown { bar: ProgressBar::hidden(), task: None };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let head = format!("{} · {}", self.scenario, stage.name);
        let end = stage.duration_s.map_or(String::new(), |end| format!("/{end:.0}"));
        let (shown, observer, start) = (bar.clone(), Arc::clone(observer), Instant::now());
        let task = tokio::spawn(async move {
            loop {
                let (calls, errors) = {
                    let observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
                    (observer.calls, observer.errors)
                };
                let seconds = start.elapsed().as_secs_f64();
                let rate = calls as f64 / seconds.max(0.1);
                shown.set_message(format!(
                    "{head} · {seconds:.0}{end} s · {calls} calls, {rate:.0}/s, {errors} errors"
                ));
                shown.tick();
                tokio::time::sleep(REFRESH).await;
            }
        });
        Shown { bar, task: Some(task) }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.bar.finish_and_clear();
    }
}
