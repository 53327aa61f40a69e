//! What the environment asks for, beside the server itself.

use std::time::Duration;

use music21_mcp_bench::score::OrchestraSpec;

/// The environment's settings, checked.
pub(super) struct Settings {
    /// `MUSIC21_BENCH_DEADLINE`, in seconds: when a call is given up.
    pub deadline: Duration,
    /// `MUSIC21_BENCH_BUDGET`, in seconds: what one bench may spend on a slow server.
    pub budget: Duration,
    /// `MUSIC21_BENCH_PRESETS`, comma-separated.
    presets: Option<Vec<String>>,
}

/// The real server gives up an operation after 30 s; waiting a little longer lets it say so itself.
const DEADLINE_SECONDS: f64 = 40.0;
const BUDGET_SECONDS: f64 = 40.0;
/// music21 takes minutes for anything larger.
const MUSIC21_PRESETS: [&str; 2] = ["20x100", "50x200"];

impl Settings {
    pub(super) fn from_environment() -> Result<Self, String> {
        Ok(Self {
            deadline: seconds("MUSIC21_BENCH_DEADLINE", DEADLINE_SECONDS)?,
            budget: seconds("MUSIC21_BENCH_BUDGET", BUDGET_SECONDS)?,
            presets: presets(variable("MUSIC21_BENCH_PRESETS"))?,
        })
    }

    /// The presets asked for, else what suits the target.
    pub(super) fn presets(&self, embedded: bool) -> Vec<String> {
        let all = OrchestraSpec::PRESETS.iter().map(|(name, ..)| (*name).to_owned());
        let suits = |name: &String| embedded || MUSIC21_PRESETS.contains(&name.as_str());
        self.presets.clone().unwrap_or_else(|| all.filter(suits).collect())
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

fn presets(list: Option<String>) -> Result<Option<Vec<String>>, String> {
    let Some(list) = list else { return Ok(None) };
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        OrchestraSpec::preset(name, 0).map_err(|error| format!("MUSIC21_BENCH_PRESETS: {error}"))?;
    }
    Ok(Some(names))
}
