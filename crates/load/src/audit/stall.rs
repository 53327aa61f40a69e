//! A single stall of 5 s in 300 s at 10 calls a second of 20 ms each, on one session: in quick audits
//! run ten times faster, in which every time shrinks alike.
//!
//! The 50 calls due meanwhile wait for each other too, so that p99 is 2.6 s; a closed loop would report 40 ms.

use super::harness::{self, CHEAP, Server, constant, ms};
use super::{Finding, Length};

/// The longest service time is the stall, or less by what the call had waited already.
const STALL_TOLERANCE: f64 = 0.10;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let faster: u32 = length.of(10, 1);
    let scaled = |ms: u32| f64::from(ms / faster);
    let (delay, stall) = (20 / faster, 5000 / faster);
    let faults = [format!("delay={delay}ms"), format!("stall={stall}ms/{}ms", 300_000 / faster)];
    let server = Server::start(&["--fault", &faults[0], "--fault", &faults[1]]).await?;
    let plan = harness::cheap(constant(10.0 * f64::from(faster), 1), harness::calls(3000));
    let measured = harness::measure(&plan, &server).await?;
    server.stop().await;
    let (response, service) = (measured.response()?, measured.service(CHEAP)?);
    let (p95, p99) = (response.p95.ns().map_or(f64::NAN, ms), response.p99.ns().map_or(0.0, ms));
    let longest = ms(service.max_ns);
    let finding = |what: &str, required: String, found: f64, passed| {
        let what = if faster == 1 { what.to_owned() } else { format!("{what}, run {faster} times faster") };
        Finding::new(what, required, format!("{found:.1} ms"), passed).unless(measured.doubt())
    };
    Ok(vec![
        finding("p99 response time", format!(">= {} ms", scaled(2300)), p99, p99 >= scaled(2300)),
        finding("p95 response time", format!("< {} ms", scaled(60)), p95, p95 < scaled(60)),
        finding(
            "longest service time",
            format!("{stall} ms ± 10 %"),
            longest,
            (longest / f64::from(stall) - 1.0).abs() <= STALL_TOLERANCE,
        ),
    ])
}
