//! The load scenarios: one file each, one table that lists them, all of them data for the one driver.

mod advisories;
mod calls;
mod capacity;
mod cleanup;
mod concurrent;
mod evidence;
mod goodput;
mod isolation;
pub(crate) mod judge;
mod large_scores;
mod length;
mod memory;
mod off_peak;
mod rate_limit;
mod recovery;
mod sessions;
mod stability;
mod thresholds;
mod tools;

pub(crate) use advisories::advise;
pub(crate) use capacity::served;
pub(crate) use judge::conclude;
pub(crate) use length::Length;

use crate::measure::token_bucket::Limit;
use crate::result::{Check, Definition, ScenarioResult};

/// A shipped scenario.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it finds out, in a line.
    pub about: &'static str,
    /// Method, thresholds, and what it cannot show.
    pub explanation: &'static str,
    /// Everything of the definition but its name and description.
    define: fn(&Options) -> Definition,
    /// What is judged beyond the thresholds, once all stages have ended.
    pub judge: fn(&ScenarioResult) -> Vec<Check>,
}

impl Scenario {
    /// Written down for what the user asked for.
    #[must_use]
    pub fn definition(&self, options: &Options) -> Definition {
        Definition { name: self.name.into(), description: self.about.into(), ..(self.define)(options) }
    }
}

/// What a user can change about shipped scenarios.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Sessions.
    pub clients: Option<usize>,
    /// Seconds that each timed stage takes.
    pub duration_s: Option<f64>,
    /// Calls per second.
    pub rate_per_s: Option<f64>,
    /// Seconds that a call may take.
    pub deadline_s: Option<f64>,
    /// Milliseconds that p95 may take where the most load is searched for.
    pub objective_ms: Option<f64>,
    /// Most clients that are tried there.
    pub max_clients: Option<usize>,
    /// The highest arrival rate that is tried there.
    pub max_rate_per_s: Option<f64>,
    /// Hours of the day's pattern.
    pub hours: Option<f64>,
    /// What the rate limiter declares.
    pub limit: Option<Limit>,
    /// How many times faster than written sessions think.
    pub speed: Option<f64>,
    /// A short version: seconds instead of minutes.
    pub quick: bool,
    /// All sizes of scores, even where that takes hours.
    pub all_sizes: bool,
    /// Each session is a server process of its own.
    pub process_per_session: bool,
}

/// Every shipped scenario, in the order of `all`.
pub static SCENARIOS: [Scenario; 11] = [
    tools::SCENARIO,
    concurrent::SCENARIO,
    large_scores::SCENARIO,
    rate_limit::SCENARIO,
    cleanup::SCENARIO,
    memory::SCENARIO,
    stability::SCENARIO,
    isolation::SCENARIO,
    sessions::SCENARIO,
    capacity::SCENARIO,
    recovery::SCENARIO,
];

/// Those that together take less than a minute in their short versions.
pub(crate) const QUICK: [&str; 4] = ["tools", "concurrent", "rate-limit", "cleanup"];

/// The scenario of that name; `None` where none is called so.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// Judges a whole that was put together from parts, as its scenario is judged when it is run in one piece.
pub fn conclude_by_name(result: &mut ScenarioResult, interrupted: bool) {
    conclude(result, find(&result.name).map(|scenario| scenario.judge), interrupted);
}

/// Nothing is judged beyond the thresholds.
fn nothing_more(_: &ScenarioResult) -> Vec<Check> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_survives_the_way_through_toml() {
        for scenario in &SCENARIOS {
            let definition = scenario.definition(&Options::default());
            assert_eq!(definition.name, scenario.name);
            let text = toml::to_string(&definition).unwrap();
            assert_eq!(Definition::from_toml(&text).unwrap(), definition, "{text}");
        }
    }

    #[test]
    fn a_definition_that_cannot_run_says_why() {
        let text = "name = 'x'\n[[stages]]\nname = 's'\nclients = 1\n[[stages.workload.flows]]\nsteps = [{ tool = 't' }]";
        let error = Definition::from_toml(text).unwrap_err();
        assert_eq!(error, "stage 's': it never ends; set duration_s or calls");
        assert!(Definition::from_toml("name = 'x'").unwrap_err().contains("no [[stages]]"));
        assert!(Definition::from_toml("name = 'x'\nclint = 3").unwrap_err().contains("clint"));
    }

    #[test]
    fn what_would_only_show_during_a_run_is_refused_before_it() {
        let stage = "[[stages]]\nname = 's'\nclients = 1\ncalls = 1\n[[stages.workload.flows]]\n\
                     steps = [{ tool = 't', arguments = { source = '{{score:big}}' } }]\n";
        let with = |line: &str| stage.replace("calls", &format!("{line}\ncalls"));
        let big = "scores = [{ name = 'big', parts = 2, measures = 2 }]\n";
        assert!(Definition::from_toml(&format!("name = 'x'\n{big}{stage}")).is_ok());
        for (head, stage, why) in [
            ("", stage, "t: {{score:big}} is none of its `scores`"),
            (&big.replace("parts = 2", "parts = 0"), stage, "score 'big': cannot generate 0 parts"),
            (&big.replace("'big'", "'../big'"), stage, "score '../big': a name has letters"),
            (
                &format!("{big}probe = {{ capacity = 1, per_second = 0 }}\n"),
                stage,
                "a probe needs a capacity",
            ),
            (&format!("{big}thresholds = {{ min_success = 95 }}\n"), stage, "min_success is a share"),
            (&format!("{big}thresholds = {{ max_p95_ms = -1 }}\n"), stage, "must not be negative"),
            (big, &format!("{stage}\n{stage}"), "two stages are named 's'"),
            (big, &with("deadline_s = 1e30"), "stage 's': deadline_s = 1e30 is beyond 1000000"),
            (big, &with("deadline_s = 0"), "stage 's': deadline_s = 0.0 is not above 0"),
            (big, &with("rate_per_s = -5"), "stage 's': rate_per_s = -5.0 is not above 0"),
            (big, &with("warm_up_s = nan"), "stage 's': warm_up_s = NaN is not from 0 to 1000000"),
            (big, &with("duration_s = 9\nwarm_up_s = 9"), "warm_up_s = 9 covers all of duration_s = 9"),
            (big, &with("settle_s = 3601"), "stage 's': settle_s = 3601 is not from 0 to 3600"),
            (
                big,
                &with(
                    "rate_per_s = 1\nduration_s = 9\narrivals = { kind = 'day', hours = 24, levels = [[25, 1]] }",
                ),
                "stage 's': a day has no hour 25",
            ),
            (
                big,
                &stage.replace("clients = 1", "clients = 20_000"),
                "stage 's': clients = 20000 is not from 1 to",
            ),
        ] {
            let error = Definition::from_toml(&format!("name = 'x'\n{head}{stage}")).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn scores_are_put_in_their_place() {
        let mut definition = large_scores::SCENARIO.definition(&Options::default());
        definition.place_scores(std::path::Path::new("/tmp/d"));
        let text = toml::to_string(&definition).unwrap();
        assert!(text.contains("/tmp/d/20x100.musicxml"));
        assert!(!text.contains("{{score:"));
    }
}
