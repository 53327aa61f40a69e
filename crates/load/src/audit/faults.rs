//! Servers over stdio that misbehave: each call ends in one class and on time, and no process stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome};
use music21_mcp_bench::server::own_command;
use music21_mcp_proc::ProcessTree;

use super::{Finding, Length, harness};
use crate::driver::{Event, Load, OpenError, Plan};

const DEADLINE: Duration = Duration::from_millis(500);
/// A call may end so much after its deadline.
const GRACE: Duration = Duration::from_secs(1);
const CALLS: u64 = 20;

/// A fault, the class it must end in, and how many of [`CALLS`] do. A server that ended is started again, and
/// counts from one; one that hangs does so for good, from its sixteenth call on.
const CASES: [(&str, Outcome, u64); 7] = [
    ("crash=5", Outcome::TransportClosed, 4),
    ("hang=16", Outcome::TimedOut, 5),
    // The reply to the handshake is the first message: the fourth call's is the fifth.
    ("half-frame=5", Outcome::ProtocolError, 4),
    ("noise=5", Outcome::Ok, 20),
    ("rpc-error=5", Outcome::RpcError, 4),
    ("tool-error=5", Outcome::ToolError, 4),
    ("is-error=5", Outcome::ToolError, 4),
];

pub(super) async fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (fault, outcome, expected) in CASES {
        findings.extend(case(fault, outcome, expected).await?);
    }
    let left = ProcessTree::new([std::process::id()]).sample().map_or(0, |tree| tree.processes - 1);
    findings.push(Finding::exact("processes left afterwards", 0, left));
    Ok(findings)
}

async fn case(fault: &str, outcome: Outcome, expected: u64) -> anyhow::Result<Vec<Finding>> {
    let command = own_command(&["serve", "--stdio", "--quiet", "--fault", fault])?;
    let target = move |_: usize| {
        let command = command.clone();
        async move { Music21Client::spawn(&command, &ClientOptions::default()).await.map_err(OpenError::from) }
    };
    let longest = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&longest);
    let observer = move |event: &Event<'_>| {
        seen.fetch_max(event.sample.service_ns(), Ordering::Relaxed);
    };
    let cheap = harness::cheap(Load::Closed { workers: 1 }, harness::calls(CALLS));
    let measured =
        harness::measure_with(&Plan { deadline: DEADLINE, ..cheap }, &[], target, observer).await?;
    let accounts = measured.recorder.accounts(&measured.run);
    let (found, rest) = (accounts.count(outcome), accounts.count(Outcome::Ok));
    let adds_up = accounts.check().is_ok() && (outcome == Outcome::Ok || found + rest == CALLS);
    let longest = Duration::from_nanos(longest.load(Ordering::Relaxed));
    Ok(vec![
        Finding::new(
            format!("{fault}: ended as {outcome}, the others well"),
            format!("{expected} of {CALLS}"),
            format!("{found} of {}", accounts.ended()),
            found == expected && adds_up,
        ),
        Finding::new(
            format!("{fault}: the longest call"),
            format!("<= {:?}", DEADLINE + GRACE),
            format!("{longest:.0?}"),
            longest <= DEADLINE + GRACE,
        )
        .unless(measured.busy),
    ])
}
