//! What keeps a definition from being run: all of it is said before a server is started.

use music21_mcp_score::OrchestraSpec;

use crate::measure::token_bucket::Limit;
use crate::result::{Arrivals, Definition, ScoreFile, Search, Stage, Step, Thresholds};

/// More seconds, or calls a second, than anybody means.
const MOST: f64 = 1e6;
/// Sessions of a stage.
const MOST_CLIENTS: usize = 10_000;

fn positive(value: f64) -> bool {
    value > 0.0 && value <= MOST
}

fn not_negative(value: f64) -> bool {
    (0.0..=MOST).contains(&value)
}

impl Definition {
    /// # Errors
    ///
    /// A line that names what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.stages.is_empty() && self.probe.is_none() {
            return Err("it has no [[stages]]; give it one with a [[stages.workload.flows]]".into());
        }
        self.probe.iter().try_for_each(check_probe)?;
        self.search.iter().try_for_each(|search| check_search(search, self.stages.len()))?;
        check_thresholds(&self.thresholds)?;
        self.scores.iter().try_for_each(check_score)?;
        self.steps().try_for_each(|step| self.check_scores_of(step))?;
        self.stages
            .iter()
            .try_for_each(|stage| stage.check().map_err(|what| format!("stage '{}': {what}", stage.name)))
    }

    fn steps<'a>(&'a self) -> impl Iterator<Item = &'a Step> {
        let of_stage = |stage: &'a Stage| {
            let workload = &stage.workload;
            let flows = workload.flows.iter().flat_map(|flow| &flow.steps);
            workload.setup.iter().chain(flows).chain(&workload.teardown)
        };
        self.prepare.iter().chain(self.stages.iter().flat_map(of_stage))
    }

    /// A `{{score:NAME}}` that no file stands for would be sent to the server as it is.
    fn check_scores_of(&self, step: &Step) -> Result<(), String> {
        let texts = step.arguments.values().filter_map(|value| value.as_str());
        for rest in texts.flat_map(|text| text.split("{{score:").skip(1)) {
            let name = rest.split("}}").next().unwrap_or(rest);
            if !self.scores.iter().any(|score| score.name == name) {
                return Err(format!("{}: {{{{score:{name}}}}} is none of its `scores`", step.tool));
            }
        }
        Ok(())
    }
}

fn check_probe(declared: &Limit) -> Result<(), String> {
    if declared.capacity == 0 || !positive(declared.per_second) {
        return Err("a probe needs a capacity of 1 or more and a positive per_second".into());
    }
    Ok(())
}

fn check_search(search: &Search, stages: usize) -> Result<(), String> {
    let sound = positive(search.max_p95_ms) && (0.0..=1.0).contains(&search.min_success);
    if !sound || !(1..=MOST_CLIENTS).contains(&search.max_clients) || stages != 1 {
        return Err("a search needs one stage, a positive max_p95_ms and max_clients, and a share".into());
    }
    Ok(())
}

fn check_thresholds(limits: &Thresholds) -> Result<(), String> {
    if !(0.0..=1.0).contains(&limits.min_success) {
        return Err("thresholds: min_success is a share from 0 to 1".into());
    }
    let others = [limits.max_p95_ms, limits.max_memory_mb_per_min, limits.min_calls_per_s];
    if !others.into_iter().flatten().all(not_negative) {
        return Err("thresholds must not be negative".into());
    }
    Ok(())
}

fn check_score(score: &ScoreFile) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if score.name.is_empty() || !score.name.chars().all(plain) {
        return Err(format!(
            "score '{}': a name has letters, digits, - and _ only: it is a file's",
            score.name
        ));
    }
    let spec = OrchestraSpec::new(score.parts, score.measures, 0);
    spec.map(|_| ()).map_err(|error| format!("score '{}': {error}", score.name))
}

impl Stage {
    fn check(&self) -> Result<(), &'static str> {
        if !(1..=MOST_CLIENTS).contains(&self.clients) {
            return Err("clients must be from 1 to 10000");
        }
        if !self.workload.is_runnable() {
            return Err("its workload makes no calls; give it a flow with a step and a positive weight");
        }
        if self.duration_s.is_none() && self.calls.is_none() {
            return Err("it never ends; set duration_s or calls");
        }
        if !(self.duration_s.is_none_or(positive) && self.rate_per_s.is_none_or(positive)) {
            return Err("duration_s and rate_per_s must be positive");
        }
        if let Some(extended_s) = self.extend_to_s {
            let is_longer = self.duration_s.is_some_and(|duration_s| extended_s > duration_s);
            if !is_longer || !positive(extended_s) || self.day().is_some() {
                return Err("extend_to_s must be longer than its duration_s, and a day has one length");
            }
        }
        if !positive(self.deadline_s)
            || !not_negative(self.warm_up_s)
            || !(0.0..=3600.0).contains(&self.settle_s)
        {
            return Err(
                "deadline_s must be positive, warm_up_s and settle_s not negative, none longer than a million",
            );
        }
        if let Some(fault) = &self.fault {
            let sound = |seconds: f64| (0.0..=86_400.0).contains(&seconds);
            if self.rate_per_s.is_none() || !sound(fault.at_s) || !sound(fault.for_s) {
                return Err("a fault needs rate_per_s, and times that are not negative");
            }
        }
        if let Arrivals::Day { hours, levels } = &self.arrivals {
            let ordered = levels.windows(2).all(|pair| pair[0].0 + 1.0 <= pair[1].0);
            let sound = levels.iter().all(|&(hour, level)| (0.0..24.0).contains(&hour) && level >= 0.0);
            if levels.is_empty() || !ordered || !sound || !positive(*hours) || self.duration_s.is_none() {
                return Err("a day needs hours, duration_s and levels at least one hour apart");
            }
        }
        Ok(())
    }
}
