//! Whether the generator keeps its own pace, against a server that costs next to nothing.

use super::harness::{self, Server, constant, ms};
use super::{Finding, Length};

/// Calls a second of each client: ten times what the scenarios ask of one.
const PER_CLIENT: f64 = 10.0;
/// Twenty times the highest rate of a scenario, with the sessions of the largest one.
const NULL_RATE: f64 = 2000.0;
const NULL_SESSIONS: usize = 100;
const MAX_LAG_MS: f64 = 10.0;

/// 50, 100 and 200 clients.
pub(super) async fn generator(length: Length) -> anyhow::Result<Vec<Finding>> {
    paced(
        &[50_u32, 100, 200].map(|clients| (PER_CLIENT * f64::from(clients), clients as usize)),
        length.of(2, 20),
    )
    .await
}

/// The highest rate that a run may ever need.
pub(super) async fn null_rate(length: Length) -> anyhow::Result<Vec<Finding>> {
    paced(&[(NULL_RATE, NULL_SESSIONS)], length.of(3, 20)).await
}

/// Calls a second of so many clients, one load after the other.
async fn paced(loads: &[(f64, usize)], s: u64) -> anyhow::Result<Vec<Finding>> {
    let server = Server::null().await?;
    let mut findings = Vec::new();
    for &(per_second, clients) in loads {
        findings.extend(on_time(&server, per_second, clients, s).await?);
    }
    server.stop().await;
    Ok(findings)
}

async fn on_time(server: &Server, per_second: f64, clients: usize, s: u64) -> anyhow::Result<Vec<Finding>> {
    let plan = harness::cheap(constant(per_second, clients), harness::seconds(s));
    let measured = harness::measure(&plan, server).await?;
    let facts = &measured.facts;
    let name = format!("{clients} clients, {per_second}/s");
    let lag = |what: &str, ns: Option<u64>| {
        let found = ns.map_or(f64::INFINITY, ms);
        Finding::new(format!("{name}: {what} p99"), "<= 10 ms", format!("{found:.2} ms"), found <= MAX_LAG_MS)
            .unless(measured.busy.clone())
    };
    let share = facts.achieved_per_s / per_second;
    let cpu =
        facts.own_cpu_share.map_or_else(String::new, |cpu| format!(", {:.0} % of the CPUs", cpu * 100.0));
    Ok(vec![
        lag("lag of dispatching", facts.scheduling_delay_p99_ns),
        lag("lag of the event loop", facts.loop_lag_p99_ns),
        Finding::new(
            format!("{name}: answered of what was due"),
            ">= 99 %",
            format!("{:.2} %{cpu}", share * 100.0),
            share >= 0.99,
        )
        .unless(measured.busy.clone()),
    ])
}
