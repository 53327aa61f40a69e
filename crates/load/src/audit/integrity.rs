//! Each reply against the answer that its call must get, in the timed run itself.
//!
//! Every session asks about a score of its own. What is right was found out one call after another
//! before; a reply to another session's call, or a false one, has another digest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::bail;
use music21_mcp_bench::client::{Music21Client, ProtocolViolations, Reply, Tool};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::harness::{self, Server};
use super::{Finding, Length};
use crate::driver::{Call, Connect, Event, Load, OpenError, Session};
use crate::result::Step;

const SESSIONS: usize = 20;
const CALLS: u64 = 4000;
/// Every tenth answer about keys is false on request.
const FALSE: u64 = 10;
const TOOLS: [&str; 2] = [Tool::ScoreInfo.name(), Tool::KeyAnalysis.name()];

/// The digest of the right answer, by session and tool.
type Expected = HashMap<(usize, String), [u8; 32]>;

/// What was seen in a run.
#[derive(Default)]
struct Seen {
    wrong: AtomicU64,
    checked: AtomicU64,
    /// Replies to no call of their session, or to one that had its reply.
    doubles: AtomicU64,
}

pub(super) fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    harness::block_on(async {
        let sound = Server::start(&[]).await?;
        let expected = Arc::new(expected(&sound).await?);
        let (seen, _) = compare(&sound, &expected).await?;
        sound.stop().await;
        let liar = Server::start(&["--fault", &format!("wrong={FALSE},tool=key_analysis")]).await?;
        import(&liar.client().await?).await?;
        let (lies, keys) = compare(&liar, &expected).await?;
        liar.stop().await;
        let (wrong, checked) = (seen.wrong.load(Ordering::Relaxed), seen.checked.load(Ordering::Relaxed));
        let (found, planted) = (lies.wrong.load(Ordering::Relaxed), keys / FALSE);
        let doubles = seen.doubles.load(Ordering::Relaxed);
        Ok(vec![
            Finding::new(
                format!("{SESSIONS} sessions, answers that are not the one to their call"),
                format!("0 of {CALLS}"),
                format!("{wrong} of {checked}"),
                wrong == 0 && checked == CALLS,
            ),
            Finding::new("replies to no call, or a second one", "0", doubles.to_string(), doubles == 0),
            Finding::new(
                "a server that falsifies a tenth of the keys",
                format!("{planted} found"),
                format!("{found} found"),
                found == planted,
            ),
        ])
    })
}

fn score_id(client: usize) -> String {
    format!("audit-{client}")
}

/// A scale of another length for each session.
fn notes(client: usize) -> String {
    let names = ["C4", "D4", "E4", "F4", "G4", "A4", "B4", "C5"];
    names.iter().cycle().take(8 + client).copied().collect::<Vec<_>>().join(" ")
}

async fn import(client: &Music21Client) -> anyhow::Result<()> {
    for n in 0..SESSIONS {
        let reply = client.import_score(&score_id(n), &notes(n), "text", Duration::from_secs(10)).await;
        if !reply.is_ok() {
            bail!("import ended as {}: {}", reply.outcome, reply.message.unwrap_or_default());
        }
    }
    Ok(())
}

async fn expected(server: &Server) -> anyhow::Result<Expected> {
    let client = server.client().await?;
    import(&client).await?;
    let mut expected = Expected::new();
    for n in 0..SESSIONS {
        for tool in TOOLS {
            let arguments = rmcp::model::object(json!({ "score_id": score_id(n) }));
            let reply = client.call(tool, arguments, Duration::from_secs(10)).await;
            expected.insert((n, tool.to_owned()), digest(&reply));
        }
    }
    client.close().await;
    Ok(expected)
}

fn digest(reply: &Reply) -> [u8; 32] {
    Sha256::digest(reply.text.as_deref().unwrap_or_default()).into()
}

/// Runs the load; returns what was seen and how many calls asked for a key.
async fn compare(server: &Server, expected: &Arc<Expected>) -> anyhow::Result<(Arc<Seen>, u64)> {
    let (seen, expected) = (Arc::new(Seen::default()), Arc::clone(expected));
    let id = json!({ "score_id": "audit-{{client}}" });
    let steps = TOOLS.map(|tool| Step::call(tool, id.clone())).to_vec();
    let plan = harness::plan(Load::Closed { workers: SESSIONS }, harness::calls(CALLS), steps);
    let in_tap = Arc::clone(&seen);
    let observer = move |event: &Event<'_>| {
        let right = expected.get(&(event.client, event.tool.to_owned()));
        in_tap.checked.fetch_add(1, Ordering::Relaxed);
        in_tap.wrong.fetch_add(u64::from(right != Some(&digest(event.reply))), Ordering::Relaxed);
    };
    let target = Watching { inner: harness::sessions(&server.url), seen: Arc::clone(&seen) };
    let measured = harness::measure_with(&plan, &server.pids(), target, observer).await?;
    let keys = measured.recorder.tools.get(TOOLS[1]).map_or(0, |tool| tool.accounts.ended());
    Ok((seen, keys))
}

/// Sessions that tell at their end what they saw that a sound server does not do.
struct Watching<T> {
    inner: T,
    seen: Arc<Seen>,
}

struct Watched {
    client: Music21Client,
    seen: Arc<Seen>,
}

impl<T: Connect<Session = Music21Client>> Connect for Watching<T> {
    type Session = Watched;

    async fn open(&self, client: usize) -> Result<Watched, OpenError> {
        Ok(Watched { client: self.inner.open(client).await?, seen: Arc::clone(&self.seen) })
    }
}

impl Session for Watched {
    async fn call(&self, call: Call, deadline: Duration) -> Reply {
        Session::call(&self.client, call, deadline).await
    }

    async fn close(self) {
        let ProtocolViolations { late, unmatched, duplicates, .. } = self.client.protocol_violations();
        self.seen.doubles.fetch_add(late + unmatched + duplicates, Ordering::Relaxed);
        self.client.close().await;
    }
}
