//! Memory that leaks against memory that only grows at first.
//!
//! Simulated processes judge the rule; a real server that leaks by the call judges the way from its pages
//! to the verdict. There the rate is raised tenfold and time is counted tenfold, so that 42 s of 100 calls a
//! second stand for 7 minutes of 10.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;
use music21_mcp_proc::ProcessTree;
use tokio_util::sync::CancellationToken;

use super::harness::{self, Server, constant};
use super::{Finding, Length};
use crate::driver::Event;
use crate::measure::trend::{LeakReport, LeakVerdict, MemoryReading, judge_leak, simulate};

const SEEDS: u64 = 20;
/// Warm-up and window of the rule.
const WINDOW_S: u64 = 420;
const FASTER: u32 = 10;
const CALLS_PER_S: f64 = 10.0;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![
        simulated(0, "<= 2 of 20 called a leak", |found| found <= 2),
        simulated(2, ">= 14 of 20", |found| found >= 14),
        simulated(10, "20 of 20", |found| found == SEEDS as usize),
    ];
    if length == Length::Full {
        let cases = [(0, LeakVerdict::None), (2, LeakVerdict::Leak), (10, LeakVerdict::Leak)];
        findings.extend(try_join_all(cases.map(|(mb, verdict)| live(mb, verdict))).await?);
    }
    Ok(findings)
}

fn simulated(mb_per_min: u32, required: &str, is_enough: fn(usize) -> bool) -> Finding {
    let verdict =
        |seed| judge_leak(&simulate(seed, f64::from(mb_per_min), WINDOW_S)).map(|report| report.verdict);
    let found = (0..SEEDS).filter(|&seed| verdict(seed) == Some(LeakVerdict::Leak)).count();
    let what = format!("simulated, {mb_per_min} MB/min");
    Finding::new(what, required, format!("{found} of {SEEDS}"), is_enough(found))
}

/// A server that leaks so much with each call that `mb_per_min` are lost at 10 calls a second.
async fn live(mb_per_min: u32, expected: LeakVerdict) -> anyhow::Result<Finding> {
    let bytes = f64::from(mb_per_min) * 1e6 / (CALLS_PER_S * 60.0);
    let fault = format!("leak={bytes:.0}");
    let faulty = ["--fault", &fault];
    let server = Server::start(if mb_per_min == 0 { &[] } else { &faulty }).await?;
    let (calls, stop) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
    let readings = tokio::spawn(read(server.pids(), Arc::clone(&calls), stop.clone()));
    let observer = move |_: &Event<'_>| {
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let time = Duration::from_secs(WINDOW_S + u64::from(FASTER)) / FASTER;
    let stop_after = crate::driver::Stop { duration: Some(time), calls: None };
    let plan = harness::cheap(constant(CALLS_PER_S * f64::from(FASTER), 8), stop_after);
    let measured =
        harness::measure_with(&plan, &server.pids(), harness::sessions(&server.url), observer).await?;
    stop.cancel();
    let report = judge_leak(&readings.await?).context("too few readings of the server's memory")?;
    server.stop().await;
    let LeakReport { verdict, mb_per_min: slope, .. } = report;
    let word = |verdict| match verdict {
        LeakVerdict::Leak => "leak",
        LeakVerdict::None => "no leak",
        LeakVerdict::Inconclusive => "inconclusive",
    };
    let found =
        format!("{}: {:.2} ({:.2} to {:.2}) MB/min", word(verdict), slope.estimate, slope.lower, slope.upper);
    let what = format!("a real server, {mb_per_min} MB/min, time counted tenfold");
    Ok(Finding::new(what, word(expected), found, verdict == expected).unless(measured.busy))
}

/// Once a second of the time that is counted.
async fn read(server: Vec<u32>, calls: Arc<AtomicU64>, stop: CancellationToken) -> Vec<MemoryReading> {
    let (start, mut tree) = (Instant::now(), ProcessTree::new(server));
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / FASTER);
    let mut readings = Vec::new();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(sample) = tree.sample() else { break };
        readings.push(MemoryReading {
            at_ns: start.elapsed().as_nanos() as u64 * u64::from(FASTER),
            calls: calls.load(Ordering::Relaxed),
            rss_anon_bytes: sample.rss_anon_bytes,
        });
    }
    readings
}
