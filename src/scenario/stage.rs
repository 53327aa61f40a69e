//! Runs one stage and turns what was seen into its result.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use super::definition::Stage;
use super::host::{Host, Pool};
use super::judge;
use super::observer::Observer;
use super::progress::Progress;
use super::result::{AccountsBy, PhaseResult, Ratings, ResourceAt, SessionMemory, StageResult, ToolResult};
use super::sampler::{self, Watch};
use crate::load::{Call, DriveError, Recorder, Run, Settings, drive};
use crate::measure::trend::{self, MemoryReading};
use crate::measure::{Outcome, little, validity};
use crate::profile::{CallSpan, Profiling};
use crate::record;

/// Calls in a row that did not reach the server, after which it counts as lost.
const LOST_AFTER: u64 = 5;

/// What a stage needs to know of the run.
pub(super) struct Setting<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) seed: u64,
    pub(super) run_id: &'a str,
    pub(super) interrupt: &'a CancellationToken,
    pub(super) progress: &'a Progress,
    /// Of the scenario: the title of its profiles.
    pub(super) scenario: &'a str,
    pub(super) profiling: Option<&'a Profiling>,
}

/// Runs a stage to its end, to an interrupt, or to the end of our own server.
pub(super) async fn run(stage: &Stage, setting: &Setting<'_>) -> Result<StageResult, DriveError> {
    let host = setting.host;
    let settings = Settings {
        warm_up: stage.warm_up(),
        server_per_client: host.has_process_per_session(),
        ..Settings::default()
    };
    let mut observer = Observer::new(settings, stage.day());
    observer.spans = setting.profiling.map(|_| Vec::new());
    let observer = Arc::new(Mutex::new(observer));
    let (stop, server_gone) = (CancellationToken::new(), CancellationToken::new());
    let readings = tokio::spawn(sampler::sample(
        Arc::clone(host),
        Arc::clone(&observer),
        stop.clone(),
        server_gone.clone(),
    ));
    let shown = setting.progress.show(stage, &observer);
    let machine = record::Watch::start();

    let plan = stage.plan(setting.seed, setting.run_id);
    let target = Arc::new(Pool { host: Arc::clone(host), keeps: stage.workload.sessions.is_kept() });
    let any_end = either(setting.interrupt, &server_gone);
    let title = format!("{} · {}", setting.scenario, stage.name);
    let server = if host.facts.shares_our_process { Vec::new() } else { host.pids().await };
    let profiled = setting.profiling.map(|profiling| profiling.start(title, &server));
    let driven = drive(&plan, target, &any_end, Arc::clone(&observer)).await;
    let conditions = machine.stop();
    stop.cancel();
    drop(shown);
    let readings = readings.await.unwrap_or_default();
    if let Some(profiled) = profiled {
        let (started, spans) = spans(&observer);
        profiled.finish(started, &spans).await;
    }
    let run = driven?;

    rest(stage, setting.interrupt).await;
    let settled = Watch::new(host).await.sample(host).await;
    let scores_held = if stage.settle_s > 0.0 { scores_held(host, &plan.deadline).await } else { None };
    let observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
    let mut result =
        summarize(stage, &run, &observer, readings.since(observer.started().unwrap_or_else(Instant::now)));
    result.settled = settled;
    result.session_memory = session_memory(stage, host, &result.resources);
    result.scores_held = scores_held;
    result.exports = observer.exports();
    result.generator.steal_share = conditions.steal_percent.map(|percent| percent / 100.0);
    result.generator.cpu_pressure_percent = conditions.cpu_pressure_percent;
    if host.facts.shares_our_process {
        // The server's work is in this figure, so it says nothing about the generator.
        result.generator.own_cpu_share = None;
    }
    result.validity = validity::judge(&result.generator);
    result.server_lost = lost(host, &observer);
    result.ratings = judge::rate(&result);
    Ok(result)
}

/// When the stage's clock began, and the calls on it.
fn spans(observer: &Mutex<Observer>) -> (Instant, Vec<CallSpan>) {
    let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
    (observer.started().unwrap_or_else(Instant::now), observer.spans.take().unwrap_or_default())
}

fn either(a: &CancellationToken, b: &CancellationToken) -> CancellationToken {
    let both = a.child_token();
    let (b, cancel) = (b.clone(), both.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = b.cancelled() => cancel.cancel(),
            () = cancel.cancelled() => {}
        }
    });
    both
}

async fn rest(stage: &Stage, interrupt: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs_f64(stage.settle_s)) => {}
        () = interrupt.cancelled() => {}
    }
}

#[derive(Deserialize)]
struct Listed {
    count: u64,
}

async fn scores_held(host: &Arc<Host>, deadline: &Duration) -> Option<u64> {
    let call = Call { tool: "list_scores".into(), arguments: Map::new() };
    let listed: Listed = host.call_once(call, *deadline).await.ok()?.parse()?;
    Some(listed.count)
}

fn lost(host: &Host, observer: &Observer) -> Option<String> {
    let unreached = observer.unreached_in_a_row;
    host.obituary().or_else(|| {
        (unreached >= LOST_AFTER).then(|| format!("the last {unreached} calls did not reach the server"))
    })
}

fn summarize(stage: &Stage, run: &Run, observer: &Observer, resources: Vec<ResourceAt>) -> StageResult {
    let recorder = &observer.recorder;
    let is_open = stage.rate_per_s.is_some();
    let tools: BTreeMap<String, ToolResult> =
        recorder.tools.keys().filter_map(|tool| Some((tool.clone(), tool_result(recorder, tool)?))).collect();
    let accounts = recorder.accounts(run);
    let mut generator = recorder.generator_facts(run, is_open);
    generator.p95_ns = tools.values().filter_map(|tool| tool.response.as_ref()?.p95.ns()).max();
    let memory: Vec<MemoryReading> = resources.iter().map(reading).collect();
    StageResult {
        name: stage.name.clone(),
        clients: stage.clients,
        open_loop: is_open,
        stopped_by: run.stopped_by,
        elapsed_ns: run.elapsed.as_nanos() as u64,
        calls_per_s: generator.achieved_per_s,
        little_gap: (!is_open).then(|| little_gap(stage, run, recorder)).flatten(),
        accounts: AccountsBy::of(&accounts),
        tools,
        phases: observer.phases.iter().map(|(&name, phase)| (name.to_owned(), phase_result(phase))).collect(),
        timeline: observer.seconds(),
        resources,
        settled: None,
        scores_held: None,
        exports: super::result::Exports::default(),
        leak: trend::judge(&memory),
        reopened: run.reopened,
        session_memory: None,
        validity: validity::judge(&generator),
        generator,
        ratings: Ratings::default(),
        server_lost: None,
    }
}

fn reading(at: &ResourceAt) -> MemoryReading {
    MemoryReading { at_ns: at.at_ns, calls: at.calls, rss_anon_bytes: at.sample.rss_anon_bytes }
}

/// Readings that a slope needs.
const READINGS: usize = 10;

/// A session makes the calls of one iteration, so that calls count sessions where a flow has one step.
fn session_memory(stage: &Stage, host: &Host, resources: &[ResourceAt]) -> Option<SessionMemory> {
    if stage.workload.sessions.is_kept() {
        return None;
    }
    if host.has_process_per_session() {
        return Some(SessionMemory::OfItsProcess);
    }
    if host.facts.shares_our_process {
        return Some(SessionMemory::Unknown("the server shares this process, and its memory".into()));
    }
    let calls_each = stage.workload.flows.iter().map(|flow| flow.steps.len()).max()? as f64;
    let thousands: Vec<f64> = resources.iter().map(|at| at.calls as f64 / calls_each / 1e3).collect();
    let megabytes: Vec<f64> = resources.iter().map(|at| at.sample.rss_anon_bytes as f64 / 1e6).collect();
    let slope = (resources.len() >= READINGS).then(|| trend::slope(&thousands, &megabytes)).flatten();
    // MB for a thousand sessions are KB for each.
    Some(slope.map_or_else(
        || SessionMemory::Unknown(format!("{} readings of memory, {READINGS} are needed", resources.len())),
        SessionMemory::Kb,
    ))
}

fn tool_result(recorder: &Recorder, tool: &str) -> Option<ToolResult> {
    let record = recorder.tools.get(tool)?;
    let figures = recorder.figures(tool)?;
    Some(ToolResult {
        accounts: AccountsBy::of(&record.accounts),
        first_calls_ns: record.cold.iter().map(crate::measure::Sample::service_ns).collect(),
        response: figures.response,
        service: figures.service,
        steadiness: figures.steadiness,
        response_hdr: record.response.histogram().to_base64(),
        service_hdr: record.service.histogram().to_base64(),
        examples: record.examples.clone(),
    })
}

fn phase_result(phase: &Recorder) -> PhaseResult {
    let accounts = phase.tools.get("all").map(|all| AccountsBy::of(&all.accounts)).unwrap_or_default();
    PhaseResult { accounts, response: phase.figures("all").and_then(|figures| figures.response) }
}

/// Little's law over the whole stage, all calls counted; think time is the mean over the steps.
fn little_gap(stage: &Stage, run: &Run, recorder: &Recorder) -> Option<f64> {
    let records = recorder.tools.values();
    let only_good = records.clone().all(|tool| tool.accounts.count(Outcome::Ok) == tool.accounts.ended());
    let timed = records.clone().flat_map(|tool| tool.samples.iter().chain(&tool.cold));
    let (calls, busy_ns) = timed.fold((0_u64, 0), |(n, ns), sample| (n + 1, ns + sample.service_ns()));
    let has_all = calls == recorder.tools.values().map(|tool| tool.accounts.ended()).sum::<u64>();
    let thinks = stage.workload.flows.iter().flat_map(|flow| &flow.steps).any(|step| step.think_ms > 0);
    // Sessions that are opened in between take time that no call has.
    if !only_good || !has_all || thinks || calls == 0 || !stage.workload.sessions.is_kept() {
        return None;
    }
    let throughput = calls as f64 / run.elapsed.as_secs_f64();
    little::gap(u32::try_from(stage.clients).ok()?, throughput, busy_ns as f64 / calls as f64 / 1e9, 0.0)
}
