//! A scenario as data: what a custom TOML file says and what the shipped scenarios are written in.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::measure::steady::FixedWarmUp;
use crate::measure::token_bucket::Limit;
use crate::measure::trend::WARM_UP_S;
use crate::result::{DayProfile, Injection, Search, SessionEnd, Step, Thresholds, Workload};

/// How long it takes at most to let a profiler into a server, seconds.
const ATTACHING_S: f64 = 15.0;

/// One scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name. Under the name of a shipped scenario, it is judged as that one is, beyond its thresholds.
    pub name: String,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The server, as `--server` takes it, which overrides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Headers of every request over HTTP, as `--header` takes them: `Authorization: Bearer env:TOKEN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// What makes it fail.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Probe the rate limiter that this declares, with one session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Limit>,
    /// Search for the most load with which a stage keeps an objective: clients of a closed loop, the rate of an open one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// Scores generated into files before the run; `{{score:NAME}}` is a file's path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreFile>,
    /// Calls that one session makes once before everything, outside of all figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<Step>,
    /// What is measured, in order.
    #[serde(default)]
    pub stages: Vec<Stage>,
}

/// A generated orchestral score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreFile {
    /// What `{{score:NAME}}` calls it.
    pub name: String,
    /// Instruments.
    pub parts: u32,
    /// Measures.
    pub measures: u32,
}

/// One load, held until its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Sessions. Without `rate_per_s` each makes its next call when the last one has ended.
    pub clients: usize,
    /// Calls due per second, whatever the server does: an open loop. For a day, at level 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// How an open loop's calls are spread.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// It ends after this long …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// … or, where the server's memory then seems to leak or cannot be judged, after this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend_to_s: Option<f64>,
    /// … or after this many calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// It ends early, and fails, once the share of good calls is surely below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_below: Option<f64>,
    /// How long a call may take.
    #[serde(default = "default_deadline_s")]
    pub deadline_s: f64,
    /// Seconds that are in no latency figure, though in the accounts.
    #[serde(default)]
    pub warm_up_s: f64,
    /// Calls that are in no latency figure either.
    #[serde(default)]
    pub warm_up_calls: usize,
    /// Seconds of rest afterwards, before the server's resources are read for the last time.
    #[serde(default)]
    pub settle_s: f64,
    /// What the server meets while it runs; only where we started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Injection>,
    /// What is called.
    pub workload: Workload,
}

/// How an open loop's calls are spread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Arrivals {
    /// Evenly.
    #[default]
    Constant,
    /// Independently of each other.
    Poisson,
    /// Independently, at a rate that goes to `rate_per_s` until the stage ends.
    Ramp {
        /// The level at which it begins; 1 is `rate_per_s`.
        from: f64,
        /// In so many steps of equal length; evenly without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        steps: Option<u32>,
    },
    /// Independently, at a rate that follows the hours of a day.
    Day {
        /// Hours shown in the stage's duration.
        hours: f64,
        /// (hour from which it holds, level) in order of the hour.
        levels: Vec<(f64, f64)>,
    },
}

fn default_deadline_s() -> f64 {
    30.0
}

impl Definition {
    /// Reads a definition from TOML and checks that it can run.
    ///
    /// # Errors
    ///
    /// A line that says what is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let definition: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        definition.check().map_err(|error| format!("{error:#}"))?;
        Ok(definition)
    }

    /// The most sessions that any stage has.
    pub(crate) fn most_clients(&self) -> usize {
        let searched = self.search.map(|search| search.most_clients());
        self.stages.iter().map(|stage| stage.clients).chain(searched).max().unwrap_or(0)
    }

    /// The most sessions that are open at once, those that are held among them.
    pub(crate) fn most_sessions(&self) -> usize {
        let held = self.stages.iter().map(|stage| stage.clients + stage.held()).max();
        self.most_clients().max(held.unwrap_or(0))
    }

    /// Puts the paths of generated scores in place of `{{score:NAME}}`.
    pub(crate) fn place_scores(&mut self, directory: &Path) {
        let names: Vec<String> = self.scores.iter().map(|score| score.name.clone()).collect();
        let place =
            |step: &mut Step| step.arguments.values_mut().for_each(|value| fill(value, &names, directory));
        self.prepare.iter_mut().for_each(place);
        for stage in &mut self.stages {
            let Workload { setup, flows, teardown, .. } = &mut stage.workload;
            setup.iter_mut().for_each(place);
            flows.iter_mut().flat_map(|flow| &mut flow.steps).for_each(place);
            teardown.iter_mut().for_each(place);
        }
    }
}

fn fill(value: &mut Value, names: &[String], directory: &Path) {
    match value {
        Value::String(text) if text.contains("{{score:") => {
            for name in names {
                let path = directory.join(format!("{name}.musicxml"));
                *text = text.replace(&format!("{{{{score:{name}}}}}"), &path.to_string_lossy());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| fill(value, names, directory)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fill(value, names, directory)),
        _ => {}
    }
}

impl Stage {
    /// A closed loop without an end, a warm-up or decoration.
    pub(crate) fn new(name: impl Into<String>, clients: usize, workload: Workload) -> Self {
        Self {
            name: name.into(),
            clients,
            rate_per_s: None,
            arrivals: Arrivals::Constant,
            duration_s: None,
            extend_to_s: None,
            calls: None,
            abort_below: None,
            deadline_s: default_deadline_s(),
            warm_up_s: 0.0,
            warm_up_calls: 0,
            settle_s: 0.0,
            fault: None,
            workload,
        }
    }

    /// Sessions that are held open at its end, but for those in use.
    fn held(&self) -> usize {
        if self.workload.sessions != SessionEnd::Held {
            return 0;
        }
        let due = self.rate_per_s.zip(self.duration_s).map(|(rate, duration_s)| (rate * duration_s) as usize);
        let calls = self.calls.map(|calls| calls as usize);
        due.into_iter().chain(calls).min().unwrap_or(0)
    }

    /// The shortest time after which a call of this tool times out, nanoseconds: a time in a histogram that has lost
    /// which of its calls were is exact below it.
    pub(crate) fn shortest_deadline_ns(&self, tool: &str) -> u64 {
        let steps = self.workload.flows.iter().flat_map(|flow| &flow.steps).filter(|step| step.tool == tool);
        let own_ms = steps.filter_map(|step| step.deadline_ms).min();
        let all = Duration::from_secs_f64(self.deadline_s);
        own_ms.map_or(all, |ms| all.min(Duration::from_millis(ms))).as_nanos() as u64
    }

    /// The shape of the day, where it has one.
    pub(crate) fn day(&self) -> Option<DayProfile> {
        let Arrivals::Day { hours, levels } = &self.arrivals else { return None };
        let (peak_per_second, duration_s) = (self.rate_per_s?, self.duration_s?);
        Some(DayProfile { peak_per_second, duration_s, hours: *hours, levels: levels.clone() })
    }

    /// The warm-up as the recorder takes it.
    pub(crate) fn warm_up(&self) -> FixedWarmUp {
        FixedWarmUp { time_ns: (self.warm_up_s * 1e9) as u64, calls: self.warm_up_calls }
    }

    /// What passes before its memory is followed: a quarter at least, since what warms up is kept and is no leak. In a long
    /// stage the profiler is there before the window begins in which memory is judged.
    pub(crate) fn warm_up_of_memory(&self) -> FixedWarmUp {
        let quarter_s = (self.duration_s.unwrap_or(0.0) / 4.0).min(WARM_UP_S - ATTACHING_S);
        FixedWarmUp {
            time_ns: (self.warm_up_s.max(quarter_s) * 1e9) as u64,
            calls: self.warm_up_calls.max(self.calls.unwrap_or(0) as usize / 4),
        }
    }
}
