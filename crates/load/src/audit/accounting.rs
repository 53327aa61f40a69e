//! Calls reported against calls that the server counted, good and bad ones.

use std::time::Duration;

use anyhow::bail;
use music21_mcp_bench::client::Outcome;
use music21_mcp_embedded::CALLS_META;
use serde_json::Map;

use super::harness::{self, CHEAP, Server};
use super::{Finding, Length};
use crate::driver::Load;

const CALLS: u64 = 10_000;

pub(super) async fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    let mut findings = counted("sound server", &[], &[]).await?;
    let faults = ["--fault", "tool-error=7", "--fault", "rpc-error=11"];
    // Every eleventh is refused before the tool is asked; each fault counts all calls.
    let (refused, both) = (CALLS / 11, CALLS / 77);
    let classes = [(Outcome::RpcError, refused), (Outcome::ToolError, CALLS / 7 - both)];
    findings.extend(counted("failing server", &faults, &classes).await?);
    Ok(findings)
}

async fn counted(name: &str, faults: &[&str], classes: &[(Outcome, u64)]) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(faults).await?;
    let plan = harness::cheap(Load::Closed { workers: 10 }, harness::calls(CALLS));
    let measured = harness::measure(&plan, &server).await?;
    let counted = ask_count(&server).await?;
    server.stop().await;
    let accounts = measured.recorder.accounts(&measured.run);
    let balance = accounts.check();
    let mut findings = vec![Finding::new(
        format!("{name}: scheduled = sent = ended = counted by the server"),
        format!("{CALLS} each"),
        match &balance {
            Ok(()) if accounts.sent() == counted => format!("{} each", accounts.scheduled),
            Ok(()) => format!("{} sent, {counted} counted by the server", accounts.sent()),
            Err(imbalance) => imbalance.to_string(),
        },
        balance.is_ok() && [accounts.sent(), counted] == [CALLS; 2],
    )];
    findings.extend(classes.iter().map(|&(outcome, expected)| {
        Finding::exact(format!("{name}: ended as {outcome}"), expected, accounts.count(outcome))
    }));
    Ok(findings)
}

/// The server's count before it was asked. A refused question tells nothing and is asked again.
async fn ask_count(server: &Server) -> anyhow::Result<u64> {
    let client = server.client().await?;
    for asked_before in 1..=3 {
        let reply = client.call(CHEAP, Map::new(), Duration::from_secs(10)).await;
        if let Some(calls) = reply.meta(CALLS_META).and_then(|calls| calls.as_u64()) {
            client.close().await;
            return Ok(calls - asked_before);
        }
    }
    bail!("the server does not tell how many calls it got")
}
