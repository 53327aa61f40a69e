//! What keeps a definition from being run: all of it is said before a server is started.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use music21_mcp_score::OrchestraSpec;

use super::placeholder;
use crate::measure::token_bucket::Limit;
use crate::result::{Arrivals, Asked, Definition, ScoreFile, Search, SessionEnd, Stage, Step, Thresholds};

/// More seconds, or calls a second, than anybody means.
const MOST: f64 = 1e6;
/// Sessions of a stage.
const MOST_CLIENTS: usize = 10_000;

fn positive(value: f64) -> bool {
    value > 0.0 && value <= MOST
}

/// # Errors
///
/// Where a value is not in use, or beyond what anybody means.
fn check_positive(name: &str, value: f64) -> anyhow::Result<()> {
    ensure!(value > 0.0, "{name} = {value:?} is not above 0");
    ensure!(value <= MOST, "{name} = {value:?} is beyond {MOST}");
    Ok(())
}

fn not_negative(value: f64) -> bool {
    (0.0..=MOST).contains(&value)
}

impl Definition {
    /// # Errors
    ///
    /// A line that names what is wrong.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.stages.is_empty() || self.probe.is_some(),
            "it has no [[stages]]; give it one with a [[stages.workload.flows]]"
        );
        // Records and pages know a stage by its name.
        let mut names = BTreeSet::new();
        for name in self.stages.iter().map(|stage| &stage.name) {
            ensure!(names.insert(name), "two stages are named '{name}': give each a name of its own");
        }
        self.probe.iter().try_for_each(check_probe)?;
        self.search.iter().try_for_each(|search| check_search(search, &self.stages))?;
        check_thresholds(&self.thresholds)?;
        self.scores.iter().try_for_each(check_score)?;
        self.steps().try_for_each(check_step)?;
        self.steps().try_for_each(|step| placeholder::check(step, &self.scores))?;
        self.stages
            .iter()
            .try_for_each(|stage| stage.check().with_context(|| format!("stage '{}'", stage.name)))
    }

    /// Every step of it.
    pub(crate) fn steps<'a>(&'a self) -> impl Iterator<Item = &'a Step> {
        let of_stage = |stage: &'a Stage| {
            let workload = &stage.workload;
            let flows = workload.flows.iter().flat_map(|flow| &flow.steps);
            workload.setup.iter().chain(flows).chain(&workload.teardown)
        };
        self.prepare.iter().chain(self.stages.iter().flat_map(of_stage))
    }
}

fn check_step(step: &Step) -> anyhow::Result<()> {
    match step.request {
        None => ensure!(!step.tool.is_empty(), "a step names its tool, or another request"),
        Some(Asked::Read) => {
            let names_it = step.arguments.get("uri").is_some_and(serde_json::Value::is_string);
            ensure!(names_it, "a step that reads a resource has its uri among the arguments");
        }
        Some(_) => {}
    }
    ensure!(
        step.request.is_none() || step.tool.is_empty(),
        "{}: a step has a tool or another request",
        step.tool
    );
    step.think_ms.check().with_context(|| format!("step '{}'", step.name()))
}

fn check_probe(declared: &Limit) -> anyhow::Result<()> {
    let sound = declared.capacity > 0 && positive(declared.per_second);
    ensure!(sound, "a probe needs a capacity of 1 or more and a positive per_second");
    Ok(())
}

fn check_search(search: &Search, stages: &[Stage]) -> anyhow::Result<()> {
    let sound = positive(search.max_p95_ms)
        && (0.0..=1.0).contains(&search.min_success)
        && search.max_clients.is_none_or(|most| (1..=MOST_CLIENTS).contains(&most))
        && search.max_rate_per_s.is_none_or(positive);
    ensure!(sound, "a search needs a positive max_p95_ms, max_clients and max_rate_per_s, and a share");
    let (most, sessions) = (search.max_rate_per_s.unwrap_or(0.0), search.most_clients());
    ensure!(
        sessions <= MOST_CLIENTS,
        "a search up to {most} calls a second that may take {} ms needs {sessions} sessions; lower one of them",
        search.max_p95_ms
    );
    let (open, closed): (Vec<&Stage>, Vec<&Stage>) = stages.iter().partition(|one| one.rate_per_s.is_some());
    for (name, is_searched, kind, stages) in [
        ("max_clients", search.max_clients.is_some(), "without rate_per_s", closed.len()),
        ("max_rate_per_s", search.max_rate_per_s.is_some(), "with rate_per_s", open.len()),
    ] {
        ensure!(
            stages == usize::from(is_searched),
            "a search has {name} and one stage {kind}, or neither; it has {stages} such stages"
        );
    }
    let is_even = |stage: &&Stage| matches!(stage.arrivals, Arrivals::Constant | Arrivals::Poisson);
    let sound = !stages.is_empty() && open.iter().all(|one| is_even(one) && one.duration_s.is_some());
    ensure!(sound, "a search by rate needs duration_s, and arrivals that are constant or poisson");
    Ok(())
}

fn check_thresholds(limits: &Thresholds) -> anyhow::Result<()> {
    let is_share = (0.0..=1.0).contains(&limits.min_success);
    ensure!(is_share, "thresholds: min_success is a share from 0 to 1");
    let others = [limits.max_p95_ms, limits.max_memory_mb_per_min, limits.min_calls_per_s];
    ensure!(others.into_iter().flatten().all(not_negative), "thresholds must not be negative");
    Ok(())
}

fn check_score(score: &ScoreFile) -> anyhow::Result<()> {
    let name = &score.name;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    ensure!(
        !name.is_empty() && name.chars().all(plain),
        "score '{name}': a name has letters, digits, - and _ only: it is a file's"
    );
    OrchestraSpec::new(score.parts, score.measures, 0).with_context(|| format!("score '{name}'"))?;
    Ok(())
}

impl Stage {
    fn check(&self) -> anyhow::Result<()> {
        let clients = self.clients;
        ensure!((1..=MOST_CLIENTS).contains(&clients), "clients = {clients} is not from 1 to {MOST_CLIENTS}");
        ensure!(
            !self.workload.flows.is_empty(),
            "nothing in it is active: it has no [[stages.workload.flows]]; write one, or remove the '# ' in front of one"
        );
        ensure!(
            self.workload.is_runnable(),
            "its workload makes no calls; give it a flow with a step and a positive weight"
        );
        ensure!(self.duration_s.is_some() || self.calls.is_some(), "it never ends; set duration_s or calls");
        ensure!(
            self.workload.sessions != SessionEnd::Held
                || self.rate_per_s.or(self.calls.map(|_| 1.0)).is_some(),
            "sessions that are held need rate_per_s or calls: else as many are opened as the server lets in"
        );
        for (name, value) in [("duration_s", self.duration_s), ("rate_per_s", self.rate_per_s)] {
            value.into_iter().try_for_each(|value| check_positive(name, value))?;
        }
        if let Some(extended_s) = self.extend_to_s {
            let is_longer = self.duration_s.is_some_and(|duration_s| extended_s > duration_s);
            let sound = is_longer && positive(extended_s) && self.day().is_none();
            ensure!(sound, "extend_to_s must be longer than its duration_s, and a day has one length");
        }
        check_positive("deadline_s", self.deadline_s)?;
        let (warm_up_s, settle_s) = (self.warm_up_s, self.settle_s);
        ensure!(not_negative(warm_up_s), "warm_up_s = {warm_up_s} is not from 0 to {MOST}");
        if let Some(duration_s) = self.duration_s.filter(|&duration_s| warm_up_s >= duration_s) {
            bail!(
                "warm_up_s = {warm_up_s} covers all of duration_s = {duration_s}, so that no call is in a figure"
            );
        }
        ensure!((0.0..=3600.0).contains(&settle_s), "settle_s = {settle_s} is not from 0 to 3600");
        if let Some(fault) = &self.fault {
            let sound = [fault.at_s, fault.for_s].iter().all(|seconds| (0.0..=86_400.0).contains(seconds));
            ensure!(
                sound && self.rate_per_s.is_some(),
                "a fault needs rate_per_s, and times that are not negative"
            );
        }
        let is_share = self.abort_below.is_none_or(|share| share > 0.0 && share <= 1.0);
        ensure!(is_share, "abort_below is a share above 0 and up to 1");
        if let Arrivals::Ramp { from, steps } = &self.arrivals {
            let sound = (0.0..=100.0).contains(from) && steps.is_none_or(|steps| (2..=1000).contains(&steps));
            ensure!(
                sound && self.rate_per_s.is_some() && self.duration_s.is_some(),
                "a ramp needs rate_per_s, duration_s, a level from 0 to 100 and 2 to 1000 steps, if any"
            );
        }
        if let Arrivals::Day { hours, levels } = &self.arrivals {
            if let Some((hour, _)) = levels.iter().find(|(hour, _)| !(0.0..24.0).contains(hour)) {
                bail!("a day has no hour {hour}: its levels hold from an hour from 0 to below 24");
            }
            let ordered = levels.windows(2).all(|pair| pair[0].0 + 1.0 <= pair[1].0);
            let sound = levels.iter().all(|&(_, level)| level >= 0.0);
            ensure!(
                !levels.is_empty() && ordered && sound && positive(*hours) && self.duration_s.is_some(),
                "a day needs hours, duration_s and levels at least one hour apart"
            );
        }
        Ok(())
    }
}
