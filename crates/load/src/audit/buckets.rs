//! The prober of rate limiters against right and wrong ones, simulated and over a real transport.

use futures::future::try_join_all;
use music21_mcp_embedded::rate_limit::{LimiterKind, RateLimit};
use tokio_util::sync::CancellationToken;

use super::harness::{Machine, Server};
use super::limiters::{FAST, SLOW, broken, correct, jittered};
use super::{Finding, Length};
use crate::measure::token_bucket::{Limit, LimiterVerdict, Report, simulate};
use crate::run::probe_limiter;

/// Milliseconds of jitter up to which every defect must be found.
const JITTER_MS: f64 = 1.0;
/// Fast, so that probing takes 6 s; slow enough for round trips of 8 ms.
const LIVE: Limit = Limit { capacity: 10, per_second: 30.0 };

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let seeds = length.of(5, 20);
    let mut findings = vec![simulated_broken(seeds), simulated_correct(seeds)];
    let kinds: Vec<LimiterKind> =
        LimiterKind::ALL.into_iter().filter(|kind| *kind != LimiterKind::Open).collect();
    // A process for each: in a minute there is time for the right one and three wrong ones.
    let at_once = length.of(4, kinds.len());
    let quick =
        [LimiterKind::Bucket, LimiterKind::NoCap, LimiterKind::RatePlus10, LimiterKind::SlidingWindow];
    let chosen = if at_once == quick.len() { quick.to_vec() } else { kinds };
    for some in chosen.chunks(4) {
        findings.extend(try_join_all(some.iter().map(|&kind| live(kind))).await?);
    }
    Ok(findings)
}

fn simulated_broken(seeds: u64) -> Finding {
    let (mut tried, mut missed) = (0, Vec::new());
    for limit in [SLOW, FAST] {
        for seed in 0..seeds {
            for (name, admit) in broken(limit) {
                tried += 1;
                if !matches!(
                    simulate(limit, jittered(seed, JITTER_MS), admit).verdict,
                    LimiterVerdict::Fail(_)
                ) {
                    missed.push(name);
                }
            }
        }
    }
    let kinds = broken(FAST).len();
    let found = if missed.is_empty() { String::new() } else { format!(", missed: {}", missed.join(", ")) };
    Finding::new(
        format!("simulated, {kinds} wrong limiters at 1 ms of jitter, {seeds} seeds, two limits"),
        format!("{tried} of {tried} found"),
        format!("{} of {tried}{found}", tried - missed.len()),
        missed.is_empty(),
    )
}

fn simulated_correct(seeds: u64) -> Finding {
    let verdicts = [SLOW, FAST].into_iter().flat_map(|limit| {
        (0..seeds).map(move |seed| simulate(limit, jittered(seed, JITTER_MS), correct(limit)).verdict)
    });
    let verdicts: Vec<LimiterVerdict> = verdicts.collect();
    let (all, passed) = (verdicts.len(), verdicts.iter().filter(|one| **one == LimiterVerdict::Pass).count());
    let (required, found) = (format!("{all} of {all} passed"), format!("{passed} of {all}"));
    Finding::new("simulated, the right one", required, found, passed == all)
}

async fn live(kind: LimiterKind) -> anyhow::Result<Finding> {
    let Limit { capacity, per_second } = LIVE;
    let server =
        Server::start(&["--rate-limit", &RateLimit { capacity, per_second, kind }.to_string()]).await?;
    let client = server.client().await?;
    let machine = Machine::watch(&server.pids());
    let report = probe_limiter(&client, LIVE, &CancellationToken::new()).await?;
    client.close().await;
    server.stop().await;
    let is_right = kind == LimiterKind::Bucket;
    let passed = match &report.verdict {
        LimiterVerdict::Pass => is_right,
        LimiterVerdict::Fail(_) => !is_right,
        LimiterVerdict::Inconclusive(_) | LimiterVerdict::NoLimiter => false,
    };
    let what = format!("over HTTP, {}: {} calls", kind.name(), report.calls);
    let required = if is_right { "passes" } else { "found" };
    Ok(Finding::new(what, required, reported(&report), passed).unless(doubt(&report, &machine)))
}

fn reported(report: &Report) -> String {
    match &report.verdict {
        LimiterVerdict::Pass => "passes".to_owned(),
        LimiterVerdict::NoLimiter => "no limiter".to_owned(),
        LimiterVerdict::Fail(defects) => defects.first().map_or_else(String::new, ToString::to_string),
        LimiterVerdict::Inconclusive(doubts) => doubts.first().map_or_else(String::new, ToString::to_string),
    }
}

/// An inconclusive answer says itself that round trips were too slow.
fn doubt(report: &Report, machine: &Machine) -> Option<String> {
    let is_too_slow = matches!(report.verdict, LimiterVerdict::Inconclusive(_));
    if is_too_slow { Some(reported(report)) } else { machine.busy_with_others() }
}
