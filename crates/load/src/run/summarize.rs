//! From what was seen of a stage to its result.

use std::collections::BTreeMap;
use std::time::Duration;

use music21_mcp_bench::client::ProtocolViolations;
use music21_mcp_proc::{Conditions, ResourceSample};

use super::observer::Observer;
use super::session_pool::Host;
use crate::driver::{Evidence, LoopLag, OwnProcess, Plan, Recorder, Run};
use crate::measure::Sample;
use crate::measure::summary::Summary;
use crate::measure::trend::{self, MIN_READINGS};
use crate::measure::validity::{self, Reason, Validity};
use crate::profile::Followed;
use crate::result::{
    AccountsBy, Exports, FaultResult, PhaseResult, Ratings, ResourceAt, SessionMemory, Stage, StageResult,
    StoppedBy, ToolResult, phases,
};

/// All that was seen of a stage.
pub(super) struct Seen<'a> {
    pub(super) stage: &'a Stage,
    pub(super) plan: &'a Plan,
    pub(super) run: &'a Run,
    pub(super) observer: &'a Observer,
    pub(super) resources: Vec<ResourceAt>,
    pub(super) started_unix_ms: u64,
    pub(super) scores_before: Option<u64>,
    pub(super) end: AtEnd,
}

/// What only the end of a stage shows; nothing of one that is under way.
#[derive(Default)]
pub(super) struct AtEnd {
    pub(super) settled: Option<ResourceSample>,
    pub(super) scores_held: Option<u64>,
    pub(super) session_memory: Option<SessionMemory>,
    pub(super) followed: Followed,
    pub(super) exports: Exports,
    pub(super) fault: Option<FaultResult>,
    pub(super) violations: ProtocolViolations,
    pub(super) server_lost: Option<String>,
    pub(super) conditions: Option<Conditions>,
    pub(super) others_cpu_share: Option<f64>,
    pub(super) own: Option<OwnProcess>,
}

/// The stage's result, made and judged once.
pub(super) fn summarize(seen: Seen<'_>) -> StageResult {
    let Seen { stage, plan, run, observer, resources, started_unix_ms, scores_before, end } = seen;
    let recorder = &observer.recorder;
    let is_over = run.stopped_by != StoppedBy::StillRunning;
    let result = |tool: &String| Some((tool.clone(), tool_result(recorder, tool, is_over)?));
    let tools: BTreeMap<String, ToolResult> = recorder.tools.keys().filter_map(result).collect();
    let responses: Vec<&Summary> = tools.values().filter_map(|tool| tool.response.as_ref()).collect();
    let AtEnd { conditions, others_cpu_share, own, .. } = end;
    let evidence = Evidence { plan, run, recorder, responses: &responses, conditions, others_cpu_share, own };
    let generator = evidence.facts();
    let whole = StageResult {
        name: stage.name.clone(),
        clients: stage.clients,
        open_loop: stage.rate_per_s.is_some(),
        stopped_by: run.stopped_by,
        started_unix_ms,
        elapsed_ns: run.elapsed.as_nanos() as u64,
        goodput: None,
        calls_per_s: generator.achieved_per_s,
        accounts: AccountsBy::of(&recorder.accounts(run)),
        tools,
        phases: phases_of(stage, observer, &resources),
        due_by_hour: observer.due_by_hour.clone(),
        backlog_after_ramps: observer.ramp_ends.iter().map(|&(_, waiting)| waiting).collect(),
        timeline: observer.seconds(),
        leak: trend::judge_leak(&ResourceAt::memory(&resources)),
        peak_rss_bytes: ResourceAt::peak_rss_bytes(&resources),
        resources,
        settled: end.settled,
        scores_before,
        scores_held: end.scores_held,
        exports: end.exports,
        reopened: run.reopened,
        violations: end.violations,
        session_memory: end.session_memory,
        kept_memory: end.followed.kept,
        fault: end.fault,
        validity: Validity::default(),
        generator: generator.clone(),
        ratings: Ratings::default(),
        server_lost: end.server_lost,
        profile: None,
        shards: Vec::new(),
    };
    let mut validity = validity::judge_generator(&generator);
    if end.followed.disturbed {
        validity.add(Reason::MemoryProfiled);
    }
    whole.judged(validity)
}

/// A session makes the calls of one iteration, so that calls count sessions where a flow has one step.
pub(super) fn session_memory(stage: &Stage, host: &Host, resources: &[ResourceAt]) -> Option<SessionMemory> {
    let probes = stage.workload.probes();
    if stage.workload.sessions.is_kept() && !probes {
        return None;
    }
    if host.has_process_per_session() {
        return Some(SessionMemory::OfItsProcess);
    }
    if host.facts.shares_our_process {
        return Some(SessionMemory::Unknown("the server shares this process, and its memory".into()));
    }
    // A probe is by itself what leaves something.
    let calls_each = stage.workload.flows.iter().map(|flow| flow.steps.len()).max()?;
    let calls_each = if probes { 1.0 } else { calls_each as f64 };
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
    let lag1 = figures.service.as_ref().map_or(0.0, |service| service.lag1);
    Some(ToolResult {
        accounts: AccountsBy::of(&record.accounts),
        first_calls_ns: record.cold.iter().map(Sample::service_ns).collect(),
        response: figures.response,
        service: figures.service,
        steadiness: figures.steadiness,
        response_hdr: record.response.histogram().to_base64(),
        service_hdr: record.service.histogram().to_base64(),
        // The same calls, and so as much alike.
        first_byte: Summary::of_histogram(&record.first_byte, lag1),
        first_byte_hdr: record.first_byte.to_base64_if_any(),
        failures: Summary::of_histogram(&record.failures, 0.0),
        failures_hdr: record.failures.to_base64_if_any(),
        reply_bytes: record.reply_bytes,
        intervals: record.intervals.clone(),
        examples: record.examples.clone(),
        slowest: record.slowest.clone(),
        doubtful: record.doubtful.clone(),
        good_example: record.good_example.clone(),
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

/// A stage under way as a run of what has ended so far.
pub(super) fn run_so_far(observer: &Observer, elapsed: Duration) -> Run {
    Run {
        stopped_by: StoppedBy::StillRunning,
        scheduled: observer.calls + observer.recorder.dropped,
        overdue: 0,
        offered_for: elapsed,
        elapsed,
        answered_in_time: observer.recorder.answered(),
        reopened: 0,
        internal_errors: 0,
        loop_lag: LoopLag::default(),
        own_cpu_share: None,
    }
}
