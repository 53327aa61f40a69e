//! Runs beside other work: what is printed must cover the truth, and no limit that the truth breaks may be kept.
//!
//! The program itself is run, as a user runs it, against a server whose delay is known.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};

use super::harness::{CHEAP, Server, ms, run_as_user};
use super::{Finding, Length};
use crate::measure::quantile::Quantile;
use crate::measure::steady::Steadiness;
use crate::measure::validity::Standing;
use crate::result::{StageResult, Verdict};

/// What the server waits before it answers: its own p95 is the longer one.
const DELAY: &str = "delay=90%10ms+10%50ms";
const TRUTH: Duration = Duration::from_millis(50);
/// The limits of p95 that runs are held against in turn, milliseconds: one with a factor of 3 to spare, and one that the
/// truth breaks.
const LIMITS_MS: [f64; 2] = [150.0, 45.0];
/// Calls of a run at 60 a second: enough for a p95, not for its batches.
const SECONDS: f64 = 3.5;
/// Runs in a hundred whose bound may miss the truth.
const MISSES: usize = 1;

/// What else the machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// So many processes that do nothing but work.
    Busy(usize),
    /// One that works for a while and rests for a while.
    Bursts,
}

const SETTINGS: [Beside; 5] =
    [Beside::Busy(0), Beside::Busy(1), Beside::Busy(2), Beside::Busy(4), Beside::Bursts];

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&["--fault", DELAY]).await?;
    let mut all = Vec::new();
    for beside in SETTINGS {
        let _others = beside.start()?;
        let mut runs = Vec::new();
        for round in 0..length.of(2, 20) {
            runs.push(Seen::of(&server.url, LIMITS_MS[round % LIMITS_MS.len()]).await?);
        }
        all.push((beside, runs));
    }
    server.stop().await;
    Ok(findings(&all))
}

/// What one run says.
struct Seen {
    limit_ms: f64,
    verdict: Verdict,
    upper_ns: Option<u64>,
    /// Neither were its times taken for what they seem, nor did it grade them as such.
    is_careful: bool,
}

impl Seen {
    async fn of(url: &str, limit_ms: f64) -> anyhow::Result<Self> {
        let scenario = run_as_user(&scenario(limit_ms), url).await?;
        let stage = scenario.stages.first().context("the run has no stage")?;
        let tool = stage.tools.get(CHEAP).context("the run made no calls")?;
        let upper_ns = tool.response.as_ref().and_then(|response| response.p95.upper_ns());
        let is_careful = tool.steadiness == Some(Steadiness::Unsteady) || is_disturbed(stage);
        Ok(Self { limit_ms, verdict: scenario.verdict, upper_ns, is_careful })
    }

    fn covers_the_truth(&self) -> bool {
        self.upper_ns.is_some_and(|ns| u128::from(ns) >= TRUTH.as_nanos())
    }
}

/// Marked so, with no lower side to any figure and no grade but "at least".
fn is_disturbed(stage: &StageResult) -> bool {
    let graded_as_is = stage.ratings.p95.is_some_and(|rating| rating.grade.is_some() && !rating.is_at_least);
    let mut p95s = stage.tools.values().filter_map(|tool| Some(tool.response.as_ref()?.p95));
    let has_lower_side = p95s.any(|p95| matches!(p95, Quantile::Value { .. } | Quantile::Censored { .. }));
    // At best Excellent is what it is, also of an upper bound.
    stage.validity.times() != Standing::Valid && !has_lower_side && (!graded_as_is || is_excellent(stage))
}

fn is_excellent(stage: &StageResult) -> bool {
    stage.ratings.p95.is_some_and(|rating| rating.grade == Some(crate::measure::rating::Grade::Excellent))
}

fn scenario(limit_ms: f64) -> String {
    format!(
        "name = 'known'\nthresholds = {{ max_p95_ms = {limit_ms:?} }}\n[[stages]]\nname = 's'\nclients = 8\n\
         rate_per_s = 60\nduration_s = {SECONDS:?}\n[[stages.workload.flows]]\nsteps = [{{ tool = '{CHEAP}' }}]\n"
    )
}

fn findings(all: &[(Beside, Vec<Seen>)]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = all
        .iter()
        .map(|(beside, runs)| {
            let (count, covered) = (runs.len(), runs.iter().filter(|run| run.covers_the_truth()).count());
            let bounds: Vec<u64> = runs.iter().filter_map(|run| run.upper_ns).collect();
            let least = bounds.iter().min().map_or(f64::NAN, |&ns| ms(ns));
            Finding::new(
                format!("p95 beside {}", beside.name()),
                format!("the printed bound covers the true {} ms", TRUTH.as_millis()),
                format!("{covered} of {count}, the least {least:.1} ms"),
                (count - covered) * 100 <= MISSES * count,
            )
        })
        .collect();
    let of =
        |limit_ms: f64| all.iter().flat_map(|(_, runs)| runs).filter(move |run| run.limit_ms == limit_ms);
    let [kept_ms, broken_ms] = LIMITS_MS;
    let wrong = of(broken_ms).filter(|run| run.verdict == Verdict::Pass).count();
    findings.push(Finding::new(
        format!("a limit of {broken_ms} ms, which the truth breaks"),
        "never passed",
        format!("{wrong} of {} passed", of(broken_ms).count()),
        wrong == 0,
    ));
    let beside_one = all.iter().filter(|(beside, _)| *beside == Beside::Busy(1));
    let spare: Vec<&Seen> =
        beside_one.flat_map(|(_, runs)| runs).filter(|run| run.limit_ms == kept_ms).collect();
    let passed = spare.iter().filter(|run| run.verdict == Verdict::Pass).count();
    findings.push(Finding::new(
        format!("a limit of {kept_ms} ms beside one busy process"),
        "passed by 90 %",
        format!("{passed} of {}", spare.len()),
        !spare.is_empty() && passed * 10 >= spare.len() * 9,
    ));
    let crowded = all.iter().filter(|(beside, _)| *beside == Beside::Busy(4)).flat_map(|(_, runs)| runs);
    let careless = crowded.clone().filter(|run| !run.is_careful).count();
    findings.push(Finding::new(
        "beside 4 busy processes",
        "DISTURBED, INVALID or UNSTEADY",
        format!("{careless} of {} were not", crowded.count()),
        careless == 0,
    ));
    findings
}

impl Beside {
    fn name(self) -> String {
        match self {
            Self::Busy(0) => "nothing else".to_owned(),
            Self::Busy(1) => "one busy process".to_owned(),
            Self::Busy(count) => format!("{count} busy processes"),
            Self::Bursts => "bursts".to_owned(),
        }
    }

    /// Processes that end when they are dropped.
    fn start(self) -> anyhow::Result<Vec<Child>> {
        const BUSY: &str = "while :; do :; done";
        // Seconds busy and seconds idle in turn, drawn once: 0.2 to 2 and 0.5 to 3.5.
        const BURSTS: &str = "while :; do for s in '1.3 0.8' '0.4 2.9' '1.9 1.1' '0.2 0.6' '0.9 3.4' '1.6 2.0'; do \
                              timeout ${s% *} sh -c 'while :; do :; done'; sleep ${s#* }; done; done";
        let (script, count) = match self {
            Self::Busy(count) => (BUSY, count),
            Self::Bursts => (BURSTS, 1),
        };
        let burn = |_| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::null()).kill_on_drop(true);
            command.spawn().context("failed to start 'sh'")
        };
        (0..count).map(burn).collect()
    }
}
