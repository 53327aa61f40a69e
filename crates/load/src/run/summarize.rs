//! From what was seen of a stage to its result.

use std::collections::BTreeMap;
use std::time::Duration;

use super::observer::Observer;
use super::session_pool::Host;
use crate::driver::{LoopLag, Recorder, Run};
use crate::measure::quantile::Quantile;
use crate::measure::trend::{self, MIN_READINGS};
use crate::measure::{Sample, little, validity};
use crate::record;
use crate::result::Stage;
use crate::result::StoppedBy;
use crate::result::phases;
use crate::result::{AccountsBy, PhaseResult, Ratings, ResourceAt, SessionMemory, StageResult, ToolResult};
use music21_mcp_bench::client::Outcome;

/// What the stage measured, but for what is read after its end.
pub(super) fn summarize(
    stage: &Stage,
    run: &Run,
    observer: &Observer,
    resources: Vec<ResourceAt>,
) -> StageResult {
    let recorder = &observer.recorder;
    let is_open = stage.rate_per_s.is_some();
    let is_over = run.stopped_by != StoppedBy::StillRunning;
    let result = |tool: &String| Some((tool.clone(), tool_result(recorder, tool, is_over)?));
    let tools: BTreeMap<String, ToolResult> = recorder.tools.keys().filter_map(result).collect();
    let accounts = recorder.accounts(run);
    let mut generator = recorder.generator_facts(run, is_open);
    generator.p95_ns = tools.values().filter_map(told_p95).min();
    generator.little_gap = (!is_open).then(|| little_gap(stage, run, recorder)).flatten();
    StageResult {
        name: stage.name.clone(),
        clients: stage.clients,
        open_loop: is_open,
        stopped_by: run.stopped_by,
        started_unix_ms: started_unix_ms(observer),
        elapsed_ns: run.elapsed.as_nanos() as u64,
        calls_per_s: generator.achieved_per_s,
        accounts: AccountsBy::of(&accounts),
        tools,
        phases: phases_of(stage, observer, &resources),
        due_by_hour: observer.due_by_hour.clone(),
        backlog_after_ramps: observer.ramp_ends.iter().map(|&(_, waiting)| waiting).collect(),
        timeline: observer.seconds(),
        leak: trend::judge(&ResourceAt::memory(&resources)),
        resources,
        settled: None,
        scores_before: None,
        scores_held: None,
        exports: crate::result::Exports::default(),
        reopened: run.reopened,
        session_memory: None,
        fault: None,
        validity: validity::judge(&generator),
        generator,
        ratings: Ratings::default(),
        server_lost: None,
        shards: Vec::new(),
    }
}

fn started_unix_ms(observer: &Observer) -> u64 {
    let ago = observer.started().map_or(Duration::ZERO, |started| started.elapsed());
    record::unix_time().saturating_sub(ago).as_millis() as u64
}

/// A session makes the calls of one iteration, so that calls count sessions where a flow has one step.
pub(super) fn session_memory(stage: &Stage, host: &Host, resources: &[ResourceAt]) -> Option<SessionMemory> {
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
    let slope = (resources.len() >= MIN_READINGS).then(|| trend::slope(&thousands, &megabytes)).flatten();
    // MB for a thousand sessions are KB for each.
    Some(slope.map_or_else(
        || {
            SessionMemory::Unknown(format!(
                "{} readings of memory, {MIN_READINGS} are needed",
                resources.len()
            ))
        },
        SessionMemory::Kb,
    ))
}

fn tool_result(recorder: &Recorder, tool: &str, is_over: bool) -> Option<ToolResult> {
    let record = recorder.tools.get(tool)?;
    let figures = if is_over { recorder.figures(tool) } else { recorder.figures_so_far(tool) }?;
    Some(ToolResult {
        accounts: AccountsBy::of(&record.accounts),
        first_calls_ns: record.cold.iter().map(Sample::service_ns).collect(),
        response: figures.response,
        service: figures.service,
        steadiness: figures.steadiness,
        response_hdr: record.response.histogram().to_base64(),
        service_hdr: record.service.histogram().to_base64(),
        intervals: record.intervals.clone(),
        examples: record.examples.clone(),
    })
}

fn phases_of(stage: &Stage, observer: &Observer, resources: &[ResourceAt]) -> BTreeMap<String, PhaseResult> {
    let Some(day) = stage.day() else { return BTreeMap::new() };
    let of = |(&name, phase): (&&str, &Recorder)| {
        let memory = ResourceAt::memory(phases::readings(resources, &day, name));
        let result = PhaseResult {
            accounts: phase.tools.get("all").map(|all| AccountsBy::of(&all.accounts)).unwrap_or_default(),
            response: phase.figures("all").and_then(|figures| figures.response),
            memory_mb_per_min: trend::growth(&memory),
        };
        (name.to_owned(), result)
    };
    observer.phases.iter().map(of).collect()
}

/// The p95 of a tool where there are calls enough to tell it.
fn told_p95(tool: &ToolResult) -> Option<u64> {
    match tool.response.as_ref()?.p95 {
        Quantile::Value { ns, .. } => Some(ns),
        Quantile::UpperBound { .. } | Quantile::Censored { .. } | Quantile::TooFewSamples { .. } => None,
    }
}

/// Little's law over the time in which calls were made due, all calls counted. After that time clients are idle
/// one after the other, which is no fault of theirs.
fn little_gap(stage: &Stage, run: &Run, recorder: &Recorder) -> Option<f64> {
    let records = recorder.tools.values();
    let only_good = records.clone().all(|tool| tool.accounts.count(Outcome::Ok) == tool.accounts.ended());
    let timed = records.clone().flat_map(|tool| tool.samples.iter().chain(&tool.cold));
    let end_ns = run.offered_for.as_nanos() as u64;
    let busy = |sample: &Sample| sample.done_ns.min(end_ns).saturating_sub(sample.sent_ns);
    let (calls, busy_ns) = timed.fold((0_u64, 0), |(n, ns), sample| (n + 1, ns + busy(sample)));
    let has_all = calls == recorder.tools.values().map(|tool| tool.accounts.ended()).sum::<u64>();
    let thinks = stage.workload.flows.iter().flat_map(|flow| &flow.steps).any(|step| step.think_ms > 0);
    // Sessions that are opened in between take time that no call has.
    if !only_good || !has_all || thinks || calls == 0 || !stage.workload.sessions.is_kept() {
        return None;
    }
    let throughput = calls as f64 / run.offered_for.as_secs_f64();
    little::gap(u32::try_from(stage.clients).ok()?, throughput, busy_ns as f64 / calls as f64 / 1e9, 0.0)
}

/// A stage under way as a run of what has ended so far.
pub(super) fn run_so_far(observer: &Observer, elapsed: std::time::Duration) -> Run {
    Run {
        stopped_by: StoppedBy::StillRunning,
        scheduled: observer.calls + observer.recorder.dropped,
        offered_for: elapsed,
        elapsed,
        answered_in_time: observer.recorder.answered(),
        reopened: 0,
        internal_errors: 0,
        loop_lag: LoopLag::default(),
        own_cpu_share: None,
    }
}
