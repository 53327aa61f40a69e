//! What audits of a server share: a server of our own with known faults, a run against it, and whether the
//! machine was free to show anything.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use music21_mcp_bench::client::{ClientOptions, Music21Client, Tool};
use music21_mcp_bench::server::{own_program, spawn_own};
use music21_mcp_proc::{OthersClock, Watch};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::driver::{
    Connect, Event, Evidence, Load, OpenError, OwnProcess, Plan, Recorder, Run, Schedule, Session, Settings,
    Sink, Stop, drive,
};
use crate::lock::lock;
use crate::measure::steady::FixedWarmUp;
use crate::measure::summary::Summary;
use crate::measure::validity::{self, GeneratorFacts, Validity};
use crate::result::{RunFile, ScenarioResult, Step, Workload};

/// Share of the CPUs that others may use before a number that was not reached proves nothing.
const OTHERS: f64 = 0.15;
/// Share that the hypervisor may take, percent.
const STEAL: f64 = 5.0;
/// Calls that may wait in an open loop: more than any audit makes.
const QUEUE: usize = 1_000_000;

/// A server in a process of its own, killed when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    _directory: TempDir,
}

/// A finished run.
pub(super) struct Measured {
    pub(super) recorder: Recorder,
    pub(super) run: Run,
    pub(super) facts: GeneratorFacts,
    pub(super) validity: Validity,
    /// What else the machine did.
    pub(super) busy: Option<String>,
}

impl Server {
    /// The embedded server over HTTP, with these arguments of `serve`.
    pub(super) async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let serve = ["serve", "--http", "127.0.0.1:0", "--quiet", "--account"];
        Self::spawn(&[&serve[..], arguments].concat()).await
    }

    /// The null server.
    pub(super) async fn null() -> anyhow::Result<Self> {
        Self::spawn(&["null-server"]).await
    }

    async fn spawn(arguments: &[&str]) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir().context("no temporary directory")?;
        let (child, url) = spawn_own(directory.path(), arguments).await?;
        Ok(Self { child, url, _directory: directory })
    }

    /// Its processes.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.child.id().into_iter().collect()
    }

    /// A session of its own.
    pub(super) async fn client(&self) -> anyhow::Result<Music21Client> {
        Ok(Music21Client::connect(&self.url, &ClientOptions::default()).await?)
    }

    /// Imports scores of these notes as `audit-0`, `audit-1` and so on.
    pub(super) async fn import(&self, scores: usize, notes: fn(usize) -> String) -> anyhow::Result<()> {
        let client = self.client().await?;
        for n in 0..scores {
            let id = format!("audit-{n}");
            let reply = client.import_score(&id, &notes(n), "text", Duration::from_secs(10)).await;
            if !reply.is_ok() {
                bail!("import ended as {}: {}", reply.outcome, reply.message.unwrap_or_default());
            }
        }
        client.close().await;
        Ok(())
    }

    /// Ends it; it may be frozen or hang, so that nothing gentler reaches it.
    pub(super) async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}

/// What a scenario file comes to, run by this program as a user runs it, against a server.
pub(super) async fn run_as_user(scenario: &str, url: &str) -> anyhow::Result<ScenarioResult> {
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let file = directory.path().join("known.toml");
    std::fs::write(&file, scenario).context("failed to write a scenario")?;
    let output = Command::new(own_program()?)
        .arg("run")
        .arg(&file)
        .args(["--server", url, "--json", "--out"])
        .arg(directory.path())
        .stdin(Stdio::null())
        .output()
        .await
        .context("failed to start this program")?;
    let file: RunFile = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("the run printed no result: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    file.scenarios.into_iter().next().context("the run has no scenario")
}

/// Calls due evenly.
pub(super) fn constant(per_second: f64, sessions: usize) -> Load {
    Load::Open { schedule: Schedule::Constant { per_second }, sessions, queue: QUEUE }
}

/// Calls due independently of each other.
pub(super) fn poisson(per_second: f64, seed: u64, sessions: usize) -> Load {
    Load::Open { schedule: Schedule::Poisson { per_second, seed }, sessions, queue: QUEUE }
}

/// After so many seconds.
pub(super) fn seconds(seconds: u64) -> Stop {
    Stop { duration: Some(Duration::from_secs(seconds)), calls: None }
}

/// After so many calls.
pub(super) fn calls(calls: u64) -> Stop {
    Stop { duration: None, calls: Some(calls) }
}

/// The cheapest call there is.
pub(super) const CHEAP: &str = Tool::HealthCheck.name();

/// A plan of one flow.
pub(super) fn plan(load: Load, stop: Stop, steps: Vec<Step>) -> Plan {
    let run_id = format!("a{}", std::process::id()).into();
    let workload = Arc::new(Workload::of(steps));
    Plan { load, workload, stop, deadline: Duration::from_secs(30), seed: 1, run_id }
}

/// A plan of the cheapest call.
pub(super) fn cheap(load: Load, stop: Stop) -> Plan {
    plan(load, stop, vec![Step::call(CHEAP, Value::Object(Map::new()))])
}

/// Sessions as users' runs open them.
pub(super) fn sessions(url: &str) -> impl Connect<Session = Music21Client> + use<> {
    sessions_as(url, |client| client)
}

/// The same, each made into something else that calls.
pub(super) fn sessions_as<S: Session, W>(url: &str, wrap: W) -> impl Connect<Session = S> + use<S, W>
where
    W: Fn(Music21Client) -> S + Clone + Send + Sync + 'static,
{
    let url = url.to_owned();
    move |_: usize| {
        let (url, wrap) = (url.clone(), wrap.clone());
        async move {
            let client = Music21Client::connect(&url, &ClientOptions::default()).await;
            client.map(wrap).map_err(OpenError::from)
        }
    }
}

/// The recorder of a run, and someone who looks on.
struct Observed<F> {
    recorder: Recorder,
    observer: F,
}

impl<F: FnMut(&Event<'_>) + Send + 'static> Sink for Observed<F> {
    fn on_end(&mut self, event: &Event<'_>) {
        (self.observer)(event);
        self.recorder.on_end(event);
    }

    fn on_dropped(&mut self) {
        self.recorder.on_dropped();
    }

    fn on_tenth(&mut self, at_ns: u64) {
        self.recorder.on_tenth(at_ns);
    }
}

/// Runs `plan` against a server of our own.
pub(super) async fn measure(plan: &Plan, server: &Server) -> anyhow::Result<Measured> {
    measure_with(plan, &server.pids(), sessions(&server.url), |_| {}).await
}

/// Runs `plan` against `target`; `observer` sees every call that ends, as the recorder does. `server` is the
/// processes that are no one else's; those that ended meanwhile need not be named.
pub(super) async fn measure_with<T: Connect>(
    plan: &Plan,
    server: &[u32],
    target: T,
    observer: impl FnMut(&Event<'_>) + Send + 'static,
) -> anyhow::Result<Measured> {
    // Nothing is left out: an audit knows what to expect from its first call on.
    let warm_up = FixedWarmUp { time_ns: 0, calls: 0 };
    let recorder = Recorder::new(Settings { warm_up, ..Settings::default() });
    let sink = Arc::new(Mutex::new(Observed { recorder, observer }));
    let machine = Machine::watch(server);
    let run = drive(plan, Arc::new(target), &CancellationToken::new(), Arc::clone(&sink)).await?;
    let conditions = machine.watch.stop();
    let busy = machine.busy_with_others();
    let recorder = std::mem::take(&mut lock(&sink).recorder);
    let responses: Vec<Summary> =
        recorder.tools.keys().filter_map(|tool| recorder.figures(tool)?.response).collect();
    let evidence = Evidence {
        plan,
        run: &run,
        recorder: &recorder,
        responses: &responses.iter().collect::<Vec<_>>(),
        conditions: Some(conditions),
        others_cpu_share: machine.others.share(&machine.server),
        own: Some(OwnProcess::default()),
    };
    let facts = evidence.facts();
    let validity = validity::judge_generator(&facts);
    Ok(Measured { recorder, run, facts, validity, busy })
}

impl Measured {
    /// Response times of the cheapest call.
    pub(super) fn response(&self) -> anyhow::Result<Summary> {
        self.recorder.figures(CHEAP).and_then(|figures| figures.response).context("no call was answered")
    }

    /// Service times of a tool.
    pub(super) fn service(&self, tool: &str) -> anyhow::Result<Summary> {
        self.recorder.figures(tool).and_then(|figures| figures.service).context("no call was answered")
    }

    /// Why its times prove nothing, if they do not: the run is INVALID, or the machine was busy.
    pub(super) fn doubt(&self) -> Option<String> {
        let invalid = self.validity.invalid.iter().map(ToString::to_string);
        let all: Vec<String> = self.busy.iter().cloned().chain(invalid).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// What others do with the machine's CPUs meanwhile.
pub(super) struct Machine {
    watch: Watch,
    others: OthersClock,
    server: Vec<u32>,
}

impl Machine {
    pub(super) fn watch(server: &[u32]) -> Self {
        Self { watch: Watch::start(), others: OthersClock::start(server), server: server.to_vec() }
    }

    /// `None` where the machine was ours, or the kernel does not tell.
    pub(super) fn busy_with_others(&self) -> Option<String> {
        let share = self.others.share(&self.server).unwrap_or(0.0);
        let steal = self.watch.stop().steal_percent.unwrap_or(0.0);
        if share > OTHERS {
            Some(format!("others used {:.0} % of the CPUs", share * 100.0))
        } else if steal >= STEAL {
            Some(format!("the hypervisor took {steal:.0} % of the CPU time"))
        } else {
            None
        }
    }
}

/// Nanoseconds as milliseconds.
pub(super) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
