//! Known delays, as the server's own clock has them.

use std::sync::{Arc, Mutex};

use futures::future::try_join_all;
use music21_mcp_embedded::HANDLING_META;

use super::harness::{self, CHEAP, Server, constant, ms};
use super::{Finding, Length};
use crate::driver::Event;
use crate::lock::lock;
use crate::measure::Latency;
use crate::measure::histogram::Histogram;
use crate::measure::quantile::Quantile;
use crate::measure::summary::Summary;

const DELAYS: [(&str, &str); 3] =
    [("no delay", "0ms"), ("20 ms", "20ms"), ("10, 50 and 200 ms", "90%10ms+8%50ms+2%200ms")];
const PER_SECOND: f64 = 500.0;
/// Enough that two calls in a hundred at 200 ms do not queue.
const SESSIONS: usize = 60;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let calls = length.of(3000, 10_000);
    Ok(try_join_all(DELAYS.map(|(name, delay)| known(name, delay, calls))).await?.concat())
}

async fn known(name: &str, delay: &str, calls: u64) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&["--fault", &format!("delay={delay}")]).await?;
    let clock = Arc::new(Mutex::new(Histogram::default()));
    let seen = Arc::clone(&clock);
    let observer = move |event: &Event<'_>| {
        if let Some(ns) = event.reply.meta(HANDLING_META).and_then(|ns| ns.as_u64()) {
            lock(&seen).record(Latency { ns, censored: false });
        }
    };
    let plan = harness::cheap(constant(PER_SECOND, SESSIONS), harness::calls(calls));
    let measured =
        harness::measure_with(&plan, &server.pids(), harness::sessions(&server.url), observer).await?;
    server.stop().await;
    let clock = lock(&clock);
    let service = measured.service(CHEAP)?;
    let doubt = measured.doubt();
    let mut findings = compare(name, &service, &clock, doubt.as_ref());
    let what = format!("{name}: replies with the server's own time");
    findings.push(Finding::exact(what, calls, clock.count()));
    if delay.contains('%') {
        findings.push(edges(name, measured.recorder.tools[CHEAP].service.histogram(), doubt));
    }
    Ok(findings)
}

/// 1 ms + 2 %, for p99 3 ms + 2 %.
fn compare(name: &str, service: &Summary, clock: &Histogram, doubt: Option<&String>) -> Vec<Finding> {
    let quantiles =
        [("p50", 0.5, service.median, 1.0), ("p95", 0.95, service.p95, 1.0), ("p99", 0.99, service.p99, 3.0)];
    let check = |(quantile, q, reported, slack_ms): (&str, f64, Quantile, f64)| {
        let (reported, own) = (reported.ns().map_or(f64::INFINITY, ms), clock.quantile(q).map_or(0.0, ms));
        Finding::new(
            format!("{name}: {quantile}"),
            format!("server's own + {slack_ms} ms + 2 %"),
            format!("{reported:.2} ms, server's own {own:.2} ms"),
            (reported - own).abs() <= slack_ms + 0.02 * own,
        )
        .unless(doubt.cloned())
    };
    quantiles.into_iter().map(check).collect()
}

/// 90 % at 10 ms, 8 % at 50, 2 % at 200: each quantile beside an edge lies on its own side of it.
fn edges(name: &str, service: &Histogram, doubt: Option<String>) -> Finding {
    let expected = [(0.88, 10.0), (0.92, 50.0), (0.97, 50.0), (0.99, 200.0)];
    let found = expected.map(|(q, _)| service.quantile(q).map_or(0.0, ms));
    let holds =
        expected.iter().zip(found).all(|((_, mode), found)| (found - mode).abs() <= 3.0 + 0.02 * mode);
    Finding::new(
        format!("{name}: p88, p92, p97, p99"),
        "10, 50, 50, 200 ms",
        format!("{:.0}, {:.0}, {:.0}, {:.0} ms", found[0], found[1], found[2], found[3]),
        holds,
    )
    .unless(doubt)
}
