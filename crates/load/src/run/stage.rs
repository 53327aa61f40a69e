//! Runs one stage and turns what was seen into its result.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use music21_mcp_bench::client::{Expectation, Tool};
use music21_mcp_proc::OthersClock;
use serde::Deserialize;
use serde_json::Map;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fault::Injecting;
use super::lost::Watching;
use super::observer::{LOOK, Observer, wait_for_start};
use super::pool::Pool;
use super::progress::Live;
use super::sampler::{self, Readings, Watch};
use super::scenario::Epoch;
use super::session_pool::Host;
use super::summarize::{AtEnd, Seen, run_so_far, session_memory, summarize};
use super::{extension, plan};
use crate::driver::{Call, DriveError, OwnProcess, Plan, Run, Settings, drive_until, unless_interrupted};
use crate::lock::lock;
use crate::measure::steady::FixedWarmUp;
use crate::measure::trend;
use crate::profile::{CallSpan, Followed, Profiling, UnderWay};
use crate::result::{FaultResult, ResourceAt, Stage, StageResult, StoppedBy};

/// Calls in a row that lost the server or did not reach it, after which it counts as lost.
const LOST_AFTER: u64 = 5;

/// What a stage needs to know of the run.
pub(super) struct Setting<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) epoch: Epoch,
    pub(super) seed: u64,
    pub(super) run_id: &'a str,
    pub(super) interrupt: &'a CancellationToken,
    /// The scenario's name.
    pub(super) scenario: &'a str,
    pub(super) profiling: Option<&'a Profiling>,
    pub(super) live: &'a Live,
}

/// Runs a stage to its end, to an interrupt, or to the end of our own server. `so_far` is called now and then with
/// what there is, so that nothing is lost if we are killed.
pub(super) async fn run(
    stage: &Stage,
    setting: &Setting<'_>,
    so_far: &mut dyn FnMut(StageResult),
) -> Result<StageResult, DriveError> {
    let host = setting.host;
    let plan = plan::plan(stage, setting.seed, setting.run_id);
    let scores_before = if stage.day().is_some() { scores_held(setting, plan.deadline).await } else { None };
    let asked = Asked { stage, plan: &plan, epoch: setting.epoch, scores_before };
    let server = if host.facts.shares_our_process { Vec::new() } else { host.pids().await };
    if let Some(profiling) = setting.profiling {
        profiling.prepare(&server).await;
    }
    let watchers = Watchers::start(stage, setting).await;
    let workload = &stage.workload;
    // One that was kept has no stream, or has one where none is asked for.
    let keeps = workload.sessions.is_kept() && !workload.listen;
    let target = Arc::new(Pool { host: Arc::clone(host), keeps, listens: workload.listen });
    let any_end = either(setting.interrupt, &watchers.server_gone);
    let enough = CancellationToken::new();
    let extending = extension::watch(stage, &watchers.observer, &watchers.readings, setting.live, &enough);
    let losing = Watching::start(stage, &watchers.observer, &enough);
    let title = format!("{} · {}", setting.scenario, stage.name);
    let warmed_up = warmed_up(Arc::clone(&watchers.observer), stage.warm_up_of_memory());
    let profiled = match setting.profiling {
        Some(profiling) => Some(profiling.start(title, &server, warmed_up).await),
        None => None,
    };
    let (driven, sink) = (plan.clone(), Arc::clone(&watchers.observer));
    let driving = tokio::spawn(async move { drive_until(&enough, &driven, target, &any_end, sink).await });
    let run = watch(driving, || watchers.so_far(&asked).into_iter().for_each(&mut *so_far)).await;
    let mut watched = watchers.stop(stage, host, profiled.as_ref().and_then(UnderWay::sampler)).await;
    setting.live.end();
    if let Some(extending) = extending {
        extending.abort();
    }
    let is_lost = losing.is_some_and(Watching::stop);
    let mut profile = None;
    if let Some(profiled) = profiled {
        let (started, spans) = spans(&watched.observer);
        (profile, watched.followed) = profiled.finish(started, &spans).await;
    }
    let mut run = run?;
    if is_lost && run.stopped_by == StoppedBy::Duration {
        run.stopped_by = StoppedBy::Lost;
    }
    rest(stage, setting.interrupt).await;
    Ok(StageResult { profile, ..result(&asked, &run, setting, watched).await })
}

/// What a stage was asked for, and what was known before it began.
struct Asked<'a> {
    stage: &'a Stage,
    plan: &'a Plan,
    epoch: Epoch,
    scores_before: Option<u64>,
}

impl Asked<'_> {
    /// The result, or what there is of it.
    fn summarize(&self, run: &Run, observer: &Observer, readings: &Readings, end: AtEnd) -> StageResult {
        let start = observer.started().unwrap_or_else(Instant::now);
        let &Asked { stage, plan, scores_before, .. } = self;
        let resources = readings.server(start);
        let started_unix_ms = self.epoch.unix_ms(start);
        summarize(Seen { stage, plan, run, observer, resources, started_unix_ms, scores_before, end })
    }
}

/// All that look on while a stage runs.
struct Watchers {
    observer: Arc<Mutex<Observer>>,
    readings: Arc<Mutex<Readings>>,
    stop: CancellationToken,
    server_gone: CancellationToken,
    sampling: JoinHandle<()>,
    injecting: Option<Injecting>,
    machine: music21_mcp_proc::Watch,
    others: OthersClock,
}

/// What they saw.
struct Watched {
    observer: Arc<Mutex<Observer>>,
    readings: Arc<Mutex<Readings>>,
    fault: Option<FaultResult>,
    conditions: music21_mcp_proc::Conditions,
    others_cpu_share: Option<f64>,
    followed: Followed,
}

impl Watchers {
    async fn start(stage: &Stage, setting: &Setting<'_>) -> Self {
        let host = setting.host;
        let settings = Settings { warm_up: stage.warm_up(), ..Settings::default() };
        let mut observer = Observer::new(settings, stage.day());
        observer.samples = stage.fault.map(|_| Vec::new());
        observer.spans = setting.profiling.map(|_| Vec::new());
        let observer = Arc::new(Mutex::new(observer));
        let readings = Arc::new(Mutex::new(Readings::default()));
        let (stop, server_gone) = (CancellationToken::new(), CancellationToken::new());
        let sampling = tokio::spawn(sampler::sample(
            Arc::clone(host),
            Arc::clone(&observer),
            Arc::clone(&readings),
            stop.clone(),
            server_gone.clone(),
        ));
        setting.live.begin(setting.scenario, stage, &observer, &host.in_flight);
        let injecting = stage.fault.map(|fault| Injecting::start(fault, host, &observer, &stop));
        let machine = music21_mcp_proc::Watch::start();
        let others = OthersClock::start(&host.pids().await);
        Self { observer, readings, stop, server_gone, sampling, injecting, machine, others }
    }

    /// What there is of a stage under way; `None` before its first call has ended.
    fn so_far(&self, asked: &Asked<'_>) -> Option<StageResult> {
        let observer = lock(&self.observer);
        let run = run_so_far(&observer, observer.started()?.elapsed());
        Some(asked.summarize(&run, &observer, &lock(&self.readings), AtEnd::default()))
    }

    async fn stop(self, stage: &Stage, host: &Host, sampler: Option<u32>) -> Watched {
        let conditions = self.machine.stop();
        // What a server that is gone by now used would count as that of others.
        let others_cpu_share =
            if stage.fault.is_none() { others_share(&self.others, host, sampler).await } else { None };
        self.stop.cancel();
        let fault = match self.injecting {
            Some(injecting) => Some(injecting.result(host, &self.observer).await),
            None => None,
        };
        // A sampler that panicked read nothing more.
        let _ = self.sampling.await;
        let Self { observer, readings, .. } = self;
        Watched { observer, readings, fault, conditions, others_cpu_share, followed: Followed::default() }
    }
}

/// The stage's result, with what is read of the server after the rest at its end.
async fn result(asked: &Asked<'_>, run: &Run, setting: &Setting<'_>, watched: Watched) -> StageResult {
    let (Asked { stage, plan, .. }, host) = (asked, setting.host);
    let settled = Watch::new(host).await.sample(host).await;
    let scores_held = if stage.settle_s > 0.0 { scores_held(setting, plan.deadline).await } else { None };
    let (observer, readings) = (lock(&watched.observer), lock(&watched.readings));
    let start = observer.started().unwrap_or_else(Instant::now);
    let end = AtEnd {
        settled,
        scores_held,
        session_memory: session_memory(stage, host, &before(run.elapsed, readings.server(start))),
        followed: watched.followed,
        exports: observer.exports(),
        // With a fault, calls that do not reach the server are what is measured.
        server_lost: if watched.fault.is_none() { lost(host, &observer) } else { None },
        fault: watched.fault,
        violations: host.new_violations(),
        conditions: Some(watched.conditions),
        others_cpu_share: watched.others_cpu_share,
        own: (!host.facts.shares_our_process).then(|| own_process(&readings.own(start), run)),
    };
    asked.summarize(run, &observer, &readings, end)
}

/// What was read while calls were made: afterwards sessions that were held are ended.
fn before(end: Duration, mut resources: Vec<ResourceAt>) -> Vec<ResourceAt> {
    resources.retain(|at| u128::from(at.at_ns) <= end.as_nanos());
    resources
}

/// Waits until a stage is warm.
async fn warmed_up(observer: Arc<Mutex<Observer>>, warm_up: FixedWarmUp) {
    let start = wait_for_start(&observer).await;
    tokio::time::sleep_until((start + Duration::from_nanos(warm_up.time_ns)).into()).await;
    while lock(&observer).calls < warm_up.calls as u64 {
        tokio::time::sleep(LOOK).await;
    }
}

/// When the stage's clock began, and the calls on it.
fn spans(observer: &Mutex<Observer>) -> (Instant, Vec<CallSpan>) {
    let mut observer = lock(observer);
    (observer.started().unwrap_or_else(Instant::now), observer.spans.take().unwrap_or_default())
}

/// How often a stage under way is written down.
const SO_FAR_EVERY: Duration = Duration::from_secs(10);
/// Writing it takes at most one part in this many of the time: meanwhile calls that end must wait, and less
/// than one in a hundred may, or it would show in their p99.
const SO_FAR_SHARE: u32 = 500;

/// Waits for the driver, which runs as a task of its own so that writing does not hold it up.
async fn watch(
    mut driving: JoinHandle<Result<Run, DriveError>>,
    mut write: impl FnMut(),
) -> Result<Run, DriveError> {
    let mut pause = SO_FAR_EVERY;
    loop {
        match tokio::time::timeout(pause, &mut driving).await {
            Ok(Ok(driven)) => return driven,
            Ok(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
            Err(_) => {
                let began = Instant::now();
                write();
                pause = SO_FAR_EVERY.max(began.elapsed() * SO_FAR_SHARE);
            }
        }
    }
}

/// `None` for a server whose processes cannot be seen: its work would count as that of others. The `sampler` is ours:
/// what it takes from the server is said beside every profile, and is no reason to measure again.
async fn others_share(others: &OthersClock, host: &Host, sampler: Option<u32>) -> Option<f64> {
    let mut pids = host.pids().await;
    let is_seen = host.facts.shares_our_process || !pids.is_empty();
    pids.extend(sampler);
    is_seen.then(|| others.share(&pids)).flatten()
}

/// Whether the generator itself grows, judged by what a server is judged by.
fn own_process(own: &[ResourceAt], run: &Run) -> OwnProcess {
    // By halfway all sessions are open; one that was lost and opened again may hold one more for a moment.
    let fds = |at: Option<&ResourceAt>| at.and_then(|at| i64::try_from(at.sample.fds?).ok());
    let grown = fds(own.last()).zip(fds(own.get(own.len() / 2))).map(|(last, half)| last - half);
    OwnProcess {
        leak: trend::judge_leak(&ResourceAt::memory(own)).map(|report| report.verdict),
        descriptors_left: grown.filter(|_| run.reopened == 0),
    }
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

async fn scores_held(setting: &Setting<'_>, deadline: Duration) -> Option<u64> {
    let call = Call {
        tool: Tool::ListScores.name().into(),
        request: None,
        arguments: Map::new(),
        expect: Expectation::default(),
    };
    let asked = unless_interrupted(setting.interrupt, setting.host.call_once(call, deadline)).await?;
    let listed: Listed = asked.ok()?.parse()?;
    Some(listed.count)
}

fn lost(host: &Host, observer: &Observer) -> Option<String> {
    let unreached = observer.unreached_in_a_row;
    host.exit_report().or_else(|| {
        (unreached >= LOST_AFTER)
            .then(|| format!("the last {unreached} calls lost the server or did not reach it"))
    })
}
