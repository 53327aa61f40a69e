//! Coordinated omission: a server that stands still for one second in every ten.
//!
//! A tenth of the calls is due while it stands still, and these wait evenly between 0 and 1 s: the
//! quantile 0.95 is half a second and 0.99 nine tenths. A closed loop would report a few milliseconds.

use super::harness::{self, Server, constant, ms};
use super::{Finding, Length};

const PER_SECOND: f64 = 200.0;
const PERIOD_S: u64 = 10;
const TOLERANCE: f64 = 0.05;

/// Whole periods, so that a tenth of the time is frozen wherever the run begins.
pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&["--fault", "stall=1s/10s"]).await?;
    let periods = length.of(1, 10);
    let plan = harness::cheap(constant(PER_SECOND, 50), harness::seconds(PERIOD_S * periods));
    let measured = harness::measure(&plan, &server).await?;
    server.stop().await;
    let response = measured.response()?;
    let check = |name: &str, found: Option<u64>, expected_ms: f64| {
        let found = found.map_or(0.0, ms);
        Finding::new(
            format!("{name} of {} response times", response.count),
            format!("{expected_ms} ms ± 5 %"),
            format!("{found:.1} ms ({:+.1} %)", (found / expected_ms - 1.0) * 100.0),
            (found / expected_ms - 1.0).abs() <= TOLERANCE,
        )
        .unless(measured.doubt())
    };
    Ok(vec![check("p95", response.p95.ns(), 500.0), check("p99", response.p99.ns(), 900.0)])
}
