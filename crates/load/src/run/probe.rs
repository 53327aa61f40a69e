//! Drives the rate-limit prober over a session: what it asks next depends on the last answer, so it is no
//! load that a schedule could describe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use music21_mcp_bench::client::{Music21Client, Outcome, Tool};
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use super::session_pool::Host;
use crate::measure::token_bucket::{Limit, Probe, Prober, Report, Step};

/// The cheapest call that every server has.
pub(crate) const PROBED: &str = Tool::ListScores.name();

/// Probes until the prober has seen enough or `interrupt` is cancelled.
///
/// # Errors
///
/// Where no session opens, or a call ends without an answer: nothing can be said of the limiter then.
pub(super) async fn probe(
    host: &Arc<Host>,
    limit: Limit,
    interrupt: &CancellationToken,
) -> anyhow::Result<Report> {
    let client = host.target.session().await?;
    let probed = ask(&client, limit, interrupt).await;
    client.close().await;
    probed
}

/// The same over a session of the caller's, which must have made no calls before.
pub(crate) async fn ask(
    client: &Music21Client,
    limit: Limit,
    interrupt: &CancellationToken,
) -> anyhow::Result<Report> {
    let start = Instant::now();
    let now_ns = || start.elapsed().as_nanos() as u64;
    let mut prober = Prober::new(limit);
    while let Step::Call { at_ns } = prober.next() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_nanos(at_ns.saturating_sub(now_ns()))) => {}
            () = interrupt.cancelled() => break,
        }
        let sent_ns = now_ns();
        let reply = client.call(PROBED, Map::new(), Duration::from_secs(30)).await;
        let admitted = match reply.outcome {
            Outcome::RateLimited => false,
            Outcome::Ok | Outcome::ToolError | Outcome::WrongAnswer | Outcome::MisroutedAnswer => true,
            other => bail!("{PROBED} ended as {other}: {}", reply.message.unwrap_or_default()),
        };
        let retry_after_ns = reply.retry_after.map(|wait| wait.as_nanos() as u64);
        prober.observe(Probe { sent_ns, received_ns: now_ns(), admitted, retry_after_ns });
    }
    Ok(prober.report())
}
