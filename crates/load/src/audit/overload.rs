//! Four times more calls than a server can take.

use super::harness::{self, CHEAP, Server, constant, ms};
use super::{Finding, Length};

/// 25 sessions at 100 ms are 250 calls a second.
const SESSIONS: usize = 25;
const DELAY_MS: f64 = 100.0;
const OFFERED: f64 = 1000.0;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&["--fault", "delay=100ms"]).await?;
    // What is left in the queue after the last arrival has 5 s to be served.
    let plan = harness::cheap(constant(OFFERED, SESSIONS), harness::calls(length.of(1500, 20_000)));
    let measured = harness::measure(&plan, &server).await?;
    server.stop().await;
    let accounts = measured.recorder.accounts(&measured.run);
    let capacity = SESSIONS as f64 / (DELAY_MS / 1000.0);
    let achieved = measured.facts.achieved_per_s;
    let service = measured.service(CHEAP)?.median.ns().map_or(0.0, ms);
    let called = if measured.validity.saturated { "saturated" } else { "not saturated" };
    let lost = accounts.scheduled.abs_diff(accounts.ended());
    Ok(vec![
        Finding::new(
            "throughput",
            format!("{capacity:.0}/s ± 3 %"),
            format!("{achieved:.1}/s"),
            (achieved / capacity - 1.0).abs() <= 0.03,
        )
        .unless(measured.busy.clone()),
        Finding::exact("the run is called", "saturated", called),
        Finding::exact(format!("calls lost of {}", accounts.scheduled), 0, lost),
        Finding::new(
            "median service time, without the queue",
            "100 ms + 3 %",
            format!("{service:.1} ms"),
            (DELAY_MS..=1.03 * DELAY_MS).contains(&service),
        )
        .unless(measured.busy.clone()),
    ])
}
