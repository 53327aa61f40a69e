//! How a run goes, on stderr: a line that changes on a terminal, else a new one now and then, so that a log is not silent
//! for minutes.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use super::units::{duration, megabytes};
use crate::result::Snapshot;

const REFRESH: Duration = Duration::from_millis(250);
/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(15);
/// Calls that ended longer ago say nothing about now: the server stands still.
const OLD_S: f64 = 3.0;

/// The line, shown while stages are under way, until dropped.
pub(crate) struct LiveLine {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

impl LiveLine {
    /// Of what `snapshot` gives.
    pub(crate) fn start(snapshot: impl Fn() -> Option<Snapshot> + Send + 'static) -> Self {
        let bar = ProgressBar::new_spinner();
        // A line that is too long for the terminal is cut, or it would be drawn below itself again and again.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        let shown = bar.clone();
        let pause = if shown.is_hidden() { PAUSE } else { REFRESH };
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(line) = snapshot().map(|snapshot| line(&snapshot)) else { continue };
                if shown.is_hidden() {
                    // A log that cannot be written is no reason to stop.
                    let _ = writeln!(std::io::stderr(), "{line}");
                } else {
                    shown.set_message(line);
                    shown.tick();
                }
            }
        });
        Self { bar, task }
    }

    /// Prints without the line in between.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

/// Throughput, response times, errors so far, the server's memory.
fn line(snapshot: &Snapshot) -> String {
    let Snapshot { scenario, stage, elapsed_s, in_flight, errors, last, resources, .. } = snapshot;
    let is_old = elapsed_s - last.at_s as f64 > OLD_S;
    let ended = last.ok + last.errors.values().sum::<u64>();
    let rate = if is_old { 0 } else { ended };
    let time = |ns: Option<u64>| match ns {
        Some(ns) if !is_old => duration(ns as f64).replace(' ', ""),
        _ => "–".to_owned(),
    };
    let memory = resources.map_or_else(String::new, |used| format!(" {:.0}MB", megabytes(used.rss_bytes)));
    // Short, so that a terminal of 80 columns has room for all of it.
    format!(
        "{scenario} · {stage} {} · {in_flight} in flight · {rate}/s {errors} err p50 {} p95 {}{memory}",
        progress(snapshot),
        time(last.p50_ns),
        time(last.p95_ns)
    )
}

/// How much of the stage is over: calls where they end it, else seconds.
fn progress(snapshot: &Snapshot) -> String {
    let elapsed_s = snapshot.elapsed_s;
    match (snapshot.of_calls, snapshot.duration_s) {
        (Some(all), _) => format!("{}/{all} calls", snapshot.calls),
        (None, Some(end_s)) => format!("{elapsed_s:.0}/{end_s:.0}s"),
        (None, None) => format!("{elapsed_s:.0}s"),
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}
