//! What the environment and the command line ask for, beside the server itself.

use std::time::Duration;

use super::presets::presets;

/// The environment's settings, checked.
pub(super) struct Settings {
    /// `MUSIC21_BENCH_DEADLINE`, in seconds: when a call is given up.
    pub deadline: Duration,
    /// `MUSIC21_BENCH_BUDGET`, in seconds: what one bench may spend on a slow server.
    pub budget: Duration,
    /// Criterion's `--test`: whether each bench works, and nothing of how fast it is.
    pub only_tested: bool,
    /// The orchestral scores, by their presets.
    pub presets: Vec<String>,
}

/// The real server gives up an operation after 30 s; waiting a little longer lets it say so itself.
const DEADLINE_SECONDS: f64 = 40.0;
const BUDGET_SECONDS: f64 = 40.0;

impl Settings {
    pub(super) fn from_environment(embedded: bool) -> Result<Self, String> {
        Ok(Self {
            deadline: seconds("MUSIC21_BENCH_DEADLINE", DEADLINE_SECONDS)?,
            budget: seconds("MUSIC21_BENCH_BUDGET", BUDGET_SECONDS)?,
            only_tested: std::env::args().any(|argument| argument == "--test"),
            presets: presets(embedded)?,
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn seconds(name: &str, default: f64) -> Result<Duration, String> {
    let text = variable(name).unwrap_or_else(|| default.to_string());
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed.filter(|d| !d.is_zero()).ok_or_else(|| format!("{name}: '{text}' is no number of seconds above 0"))
}
