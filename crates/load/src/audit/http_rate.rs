//! What a call over HTTP costs: `run` in a process of its own with 100 sessions against the null server.

use std::time::{Duration, Instant};

use anyhow::Context;
use music21_mcp_proc::ProcessTree;
use tokio::process::Child;

use super::harness::{Machine, Server};
use super::{Finding, Length, client};
use crate::result::StageResult;

const SESSIONS: usize = 100;
const MIN_PER_SECOND: f64 = 10_000.0;
/// The client's CPU time a call ÷ the null server's, which does no more than hyper must: machines differ fourfold, and the same
/// one does from hour to hour. The bare server's side of an exchange is the lower bound of a client's, too.
const MAX_CPU_RATIO: f64 = 3.0;
/// Anonymous memory, as it is read of servers: how many pages of the program's own file are resident is the system's choice.
const MAX_MEMORY_MB: f64 = 15.0;
/// What the client's memory may still move by in the last two thirds of a run.
const GROWTH_MB: f64 = 1.0;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let server = Server::null().await?;
    let machine = Machine::watch(&server.pids());
    let mut served = ProcessTree::new(server.pids());
    let duration_s = length.of(5, 45);
    let mut client = client::run(directory.path(), &server.url, SESSIONS, duration_s)?
        .spawn()
        .context("failed to start 'run'")?;
    let memory = watch_memory(&mut client).await?;
    let busy = machine.busy_with_others();
    let served_ns = served.sample().map_or(0, |sample| sample.cpu_ns);
    server.stop().await;
    let stage = client::stage(client::read(directory.path())?)?;
    let mut findings = cost(&stage, served_ns, busy);
    let peak = memory.iter().map(|(_, mb)| *mb).fold(0.0, f64::max);
    findings.push(Finding::new(
        format!("client's memory at {SESSIONS} sessions, peak"),
        format!("<= {MAX_MEMORY_MB} MB"),
        format!("{peak:.1} MB"),
        peak <= MAX_MEMORY_MB,
    ));
    if length == Length::Full {
        findings.push(growth(&memory, duration_s));
    }
    Ok(findings)
}

/// Seconds since the start and megabytes of anonymous memory, until the client ends.
async fn watch_memory(client: &mut Child) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut tree = ProcessTree::new(client.id());
    let (start, mut memory) = (Instant::now(), Vec::new());
    while client.try_wait()?.is_none() {
        if let Some(sample) = tree.sample() {
            memory.push((start.elapsed().as_secs_f64(), sample.rss_anon_bytes as f64 / 1e6));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(memory)
}

fn cost(stage: &StageResult, served_ns: u64, busy: Option<String>) -> Vec<Finding> {
    let cpus = std::thread::available_parallelism().map_or(1.0, |cpus| cpus.get() as f64);
    let used_us = stage.generator.own_cpu_share.unwrap_or(f64::NAN) * cpus * stage.elapsed_ns as f64 / 1e3;
    let a_call = used_us / stage.accounts.sent as f64;
    let served_us = served_ns as f64 / 1e3 / stage.accounts.sent as f64;
    let ratio = a_call / served_us;
    vec![
        Finding::new(
            format!("calls a second, {SESSIONS} sessions on {cpus} CPUs"),
            format!(">= {MIN_PER_SECOND}"),
            format!("{:.0}", stage.calls_per_s),
            stage.calls_per_s >= MIN_PER_SECOND,
        )
        .unless(busy.clone()),
        Finding::new(
            "client's CPU time a call ÷ the null server's",
            format!("<= {MAX_CPU_RATIO}"),
            format!("{ratio:.2} ({a_call:.1} ÷ {served_us:.1} µs)"),
            ratio <= MAX_CPU_RATIO,
        )
        .unless(busy),
    ]
}

/// At a third of the run and at the end of the load.
fn growth(memory: &[(f64, f64)], duration_s: u64) -> Finding {
    let around = |share: f64| {
        let at = duration_s as f64 * share;
        memory.iter().find(|(s, _)| *s >= at).map_or(f64::NAN, |(_, mb)| *mb)
    };
    let (third, end) = (around(1.0 / 3.0), around(0.97));
    Finding::new(
        "client's memory from a third of the run to its end",
        format!("<= +{GROWTH_MB} MB"),
        format!("{third:.1} MB, then {end:.1} MB"),
        end - third <= GROWTH_MB,
    )
}
