//! Runs one scenario: scores, preparation, stages, judgement.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use music21_mcp_score::{OrchestraSpec, write_generated};
use tokio_util::sync::CancellationToken;

use super::preparation::prepare;
use super::probe::probe;
use super::progress::Live;
use super::session_pool::Host;
use super::stage::{self, Setting};
use super::{fault, http_only};
use crate::profile::Profiling;
use crate::result::{
    Definition, FaultResult, ScenarioResult, ScoreFile, Search, Served, Shard, Stage, StageResult, Tried,
};

/// A moment by both clocks. The engine reads the wall clock nowhere else: stepped during a run, it would put a stage
/// before the one that ended when it began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch {
    /// By the monotonic clock.
    pub instant: Instant,
    /// By the wall clock, since 1970.
    pub unix: Duration,
}

impl Epoch {
    /// What the wall clock would have shown at a moment of the monotonic one, milliseconds since 1970.
    pub(super) fn unix_ms(self, at: Instant) -> u64 {
        (self.unix + at.saturating_duration_since(self.instant)).as_millis() as u64
    }
}

/// What all scenarios of a run share.
pub(crate) struct Context<'a> {
    /// The server.
    pub host: &'a Arc<Host>,
    /// When the run began.
    pub epoch: Epoch,
    /// Decides arrivals and the choice of flows.
    pub seed: u64,
    /// Goes into every nonce.
    pub run_id: String,
    /// Stops everything.
    pub interrupt: &'a CancellationToken,
    /// Most sessions that are processes.
    pub max_processes: usize,
    /// Which share of the load this is; its arrivals and choices differ from the others'.
    pub shard: Option<Shard>,
    /// Shows the stage under way.
    pub live: Live,
    /// Profiles each stage.
    pub profiling: Option<&'a Profiling>,
}

/// What a run is judged by; the engine itself judges nothing.
pub(crate) struct Judges<'a> {
    /// Whether a stage of a search kept the objective.
    pub served: fn(&Search, &StageResult) -> Tried,
    /// Makes the checks and the verdict of a result, which was interrupted or not.
    pub conclude: &'a dyn Fn(&mut ScenarioResult, bool),
}

/// Runs a scenario. `saved` is called after each stage, so that nothing measured is lost.
pub(crate) async fn run(
    mut definition: Definition,
    judges: &Judges<'_>,
    context: &Context<'_>,
    saved: &mut dyn FnMut(&ScenarioResult),
) -> ScenarioResult {
    let mut notes = cap(&mut definition, context);
    notes.extend(fault::leave_out(&mut definition, context.host));
    notes.extend(http_only::leave_out(&mut definition, context.host).await);
    if !music21_mcp_proc::IS_KNOWN {
        let neither =
            "this system tells neither what the server uses nor what else the machine does; Linux does";
        notes.push(neither.to_owned());
    }
    let mut result = ScenarioResult { notes, ..ScenarioResult::begun(definition.clone()) };
    definition.place_scores(context.host.directory.path());
    if let Err(error) = measure(&definition, judges, context, &mut result, saved).await {
        result.error = Some(format!("{error:#}"));
    }
    result.notes.extend(context.profiling.into_iter().flat_map(Profiling::take_lines));
    (judges.conclude)(&mut result, context.interrupt.is_cancelled());
    result
}

/// Over stdio each session is a process; a hundred Python servers are not what anyone wants to start
/// unasked.
fn cap(definition: &mut Definition, context: &Context<'_>) -> Vec<String> {
    let max = context.max_processes;
    let mut notes = Vec::new();
    if context.host.has_process_per_session() {
        for stage in definition.stages.iter_mut().filter(|stage| stage.clients > max) {
            notes.push(format!(
                "{}: {} clients would be as many server processes; ran {max} (raise --max-processes, or use an http:// server)",
                stage.name, stage.clients
            ));
            stage.clients = max;
        }
        let most = definition.search.map_or(0, |search| search.most_clients());
        if let Some(search) = definition.search.as_mut().filter(|_| most > max) {
            notes.push(format!(
                "each client is a server process; no more than {max} are tried (raise --max-processes, or use an http:// server)"
            ));
            search.max_clients = search.max_clients.map(|most| most.min(max));
        }
    }
    notes
}

async fn measure(
    definition: &Definition,
    judges: &Judges<'_>,
    context: &Context<'_>,
    result: &mut ScenarioResult,
    saved: &mut dyn FnMut(&ScenarioResult),
) -> anyhow::Result<()> {
    for score in &definition.scores {
        write_score(score, context).with_context(|| format!("score '{}'", score.name))?;
    }
    if let Some(limit) = definition.probe {
        result.rate_limit = Some(probe(context.host, limit, context.interrupt).await?);
        return Ok(());
    }
    result.notes.extend(prepare(&definition.prepare, context).await?);
    while let Some(mut stage) = next_stage(definition, result).filter(|_| !context.interrupt.is_cancelled()) {
        if context.host.has_process_per_session() {
            stage.clients = stage.clients.min(context.max_processes);
        }

        // A nonce is one of its stage: what a stage leaves must not collide with the next.
        let run_id = format!("{}{}", context.run_id, result.stages.len());
        let setting = Setting {
            host: context.host,
            epoch: context.epoch,
            seed: context.shard.map_or(context.seed, |shard| shard.seed(context.seed)),
            run_id: &run_id,
            interrupt: context.interrupt,
            scenario: &definition.name,
            profiling: context.profiling,
            live: &context.live,
        };
        let mut so_far = |partial| {
            result.stages.push(partial);
            saved(result);
            result.stages.pop();
        };
        let measured = stage::run(&stage, &setting, &mut so_far).await.with_context(|| stage.name.clone())?;
        let searched = if measured.open_loop { &mut result.rate_capacity } else { &mut result.capacity };
        if let (Some(search), Some(capacity)) = (&definition.search, searched) {
            let rate_per_s = stage.rate_per_s;
            capacity.observe(Tried { rate_per_s, ..(judges.served)(search, &measured) });
        }
        let lost = measured.server_lost.clone();
        result.stages.push(measured);
        saved(result);
        if let Some(lost) = lost {
            bail!("{}: {lost}", stage.name);
        }
        let fault = result.stages.last().and_then(|stage| stage.fault.as_ref());
        if fault.is_some_and(FaultResult::is_for_good) {
            result.notes.push(format!("{}: the server did not come back; nothing else was run", stage.name));
            break;
        }
    }
    Ok(())
}

/// The stages in order; in a search each with one load after the other, the closed loop first.
fn next_stage(definition: &Definition, result: &ScenarioResult) -> Option<Stage> {
    let Some(search) = &definition.search else {
        return definition.stages.get(result.stages.len()).cloned();
    };
    result.searches().find_map(|(capacity, _)| {
        let stage = definition.stages.iter().find(|one| one.rate_per_s.is_some() == capacity.is_by_rate())?;
        let load = capacity.next(search.span(stage, throughput_within(result)))?;
        Some(search.trial(stage, load))
    })
}

/// The most calls a second with a number of clients that kept the objective.
fn throughput_within(result: &ScenarioResult) -> Option<f64> {
    let by_clients = result.searches().filter(|(capacity, _)| !capacity.is_by_rate());
    let within =
        by_clients.flat_map(|(_, trials)| trials).filter(|(tried, _)| tried.served == Served::Within);
    within.map(|(_, stage)| stage.calls_per_s).reduce(f64::max)
}

fn write_score(score: &ScoreFile, context: &Context<'_>) -> anyhow::Result<()> {
    let path = context.host.directory.path().join(format!("{}.musicxml", score.name));
    if path.exists() {
        return Ok(());
    }
    let spec = OrchestraSpec::new(score.parts, score.measures, context.seed)?;
    let mut out = BufWriter::new(File::create(&path)?);
    write_generated(&spec, &mut out, |_| {})?;
    Ok(out.flush()?)
}
