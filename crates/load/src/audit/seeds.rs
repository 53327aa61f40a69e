//! Other seeds, other arrivals, the same figures.

use super::harness::{self, Server, ms, poisson};
use super::{Finding, Length};
use crate::measure::quantile::Quantile;

const SEEDS: [u64; 3] = [1, 2, 3];
/// Four sessions at 5 ms take 800 calls a second; at half of that some calls wait, and how many depends
/// on how they arrive.
const PER_SECOND: f64 = 400.0;
const SESSIONS: usize = 4;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let runs = SEEDS.map(|seed| p95(seed, length.of(2400, 10_000)));
    let runs: Vec<(Quantile, Option<String>)> = futures::future::try_join_all(runs).await?;
    let shown = runs.iter().map(|(p95, _)| shown(p95)).collect::<Vec<_>>().join(", ");
    let agree = runs.iter().all(|(a, _)| runs.iter().all(|(b, _)| overlap(a, b)));
    let doubt = runs.into_iter().find_map(|(_, doubt)| doubt);
    let what = "p95 of Poisson arrivals, three seeds, with 95 % intervals";
    Ok(vec![Finding::new(what, "intervals overlap", shown, agree).unless(doubt)])
}

async fn p95(seed: u64, calls: u64) -> anyhow::Result<(Quantile, Option<String>)> {
    let server = Server::start(&["--fault", "delay=5ms"]).await?;
    let plan = harness::cheap(poisson(PER_SECOND, seed, SESSIONS), harness::calls(calls));
    let measured = harness::measure(&plan, &server).await?;
    server.stop().await;
    Ok((measured.response()?.p95, measured.doubt()))
}

fn bounds(p95: &Quantile) -> Option<(u64, u64)> {
    match p95 {
        Quantile::Value { interval, .. } => Some((interval.low_ns, interval.high_ns?)),
        _ => None,
    }
}

/// No interval agrees with nothing.
fn overlap(a: &Quantile, b: &Quantile) -> bool {
    bounds(a)
        .zip(bounds(b))
        .is_some_and(|((a_low, a_high), (b_low, b_high))| a_low <= b_high && b_low <= a_high)
}

fn shown(p95: &Quantile) -> String {
    match (p95.ns(), bounds(p95)) {
        (Some(ns), Some((low, high))) => format!("{:.1} ({:.1} to {:.1}) ms", ms(ns), ms(low), ms(high)),
        _ => "unknown".to_owned(),
    }
}
