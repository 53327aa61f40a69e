//! Each reply against the answer that its call must get, in the timed run itself.
//!
//! Every session asks about a score of its own. What is right was found out one call after another
//! before; a reply to another session's call, or a false one, has another digest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use music21_mcp_bench::client::{Music21Client, ProtocolViolations, Reply, Tool};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::harness::{self, Server};
use super::{Finding, Length};
use crate::driver::{Call, Event, Load, Session};
use crate::lock::lock;
use crate::result::Step;

const SESSIONS: usize = 20;
const CALLS: u64 = 4000;
/// Every tenth answer about keys is false on request.
const FALSE: u64 = 10;
const TOOLS: [&str; 2] = [Tool::ScoreInfo.name(), Tool::KeyAnalysis.name()];

/// The digest of the right answer, by session and tool.
type Expected = HashMap<(usize, String), [u8; 32]>;

/// What was seen in a run.
#[derive(Default, Clone, Copy)]
struct Seen {
    wrong: u64,
    checked: u64,
    /// Replies to no call of their session, or to one that had its reply.
    doubles: u64,
}

pub(super) async fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    let sound = Server::start(&[]).await?;
    let expected = Arc::new(expected(&sound).await?);
    let (seen, _) = compare(&sound, &expected).await?;
    sound.stop().await;
    let liar = Server::start(&["--fault", &format!("wrong={FALSE},tool=key_analysis")]).await?;
    liar.import(SESSIONS, notes).await?;
    let (lies, keys) = compare(&liar, &expected).await?;
    liar.stop().await;
    let Seen { wrong, checked, doubles } = seen;
    let (found, planted) = (lies.wrong, keys / FALSE);
    Ok(vec![
        Finding::new(
            format!("{SESSIONS} sessions, answers that are not the one to their call"),
            format!("0 of {CALLS}"),
            format!("{wrong} of {checked}"),
            wrong == 0 && checked == CALLS,
        ),
        Finding::exact("replies to no call, or a second one", 0, doubles),
        Finding::exact(
            "a server that falsifies a tenth of the keys",
            &*format!("{planted} found"),
            &*format!("{found} found"),
        ),
    ])
}

fn score_id(client: usize) -> String {
    format!("audit-{client}")
}

/// A scale of another length for each session.
fn notes(client: usize) -> String {
    let names = ["C4", "D4", "E4", "F4", "G4", "A4", "B4", "C5"];
    names.iter().cycle().take(8 + client).copied().collect::<Vec<_>>().join(" ")
}

async fn expected(server: &Server) -> anyhow::Result<Expected> {
    server.import(SESSIONS, notes).await?;
    let client = server.client().await?;
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
async fn compare(server: &Server, expected: &Arc<Expected>) -> anyhow::Result<(Seen, u64)> {
    let (seen, expected) = (Arc::new(Mutex::new(Seen::default())), Arc::clone(expected));
    let id = json!({ "score_id": "audit-{{client}}" });
    let steps = TOOLS.map(|tool| Step::call(tool, id.clone())).to_vec();
    let plan = harness::plan(Load::Closed { workers: SESSIONS }, harness::calls(CALLS), steps);
    let in_tap = Arc::clone(&seen);
    let observer = move |event: &Event<'_>| {
        let right = expected.get(&(event.client, event.tool.to_owned()));
        let mut seen = lock(&in_tap);
        seen.checked += 1;
        seen.wrong += u64::from(right != Some(&digest(event.reply)));
    };
    let at_end = Arc::clone(&seen);
    let watched = move |client| Watched { client, seen: Arc::clone(&at_end) };
    let target = harness::sessions_as(&server.url, watched);
    let measured = harness::measure_with(&plan, &server.pids(), target, observer).await?;
    let keys = measured.recorder.tools.get(TOOLS[1]).map_or(0, |tool| tool.accounts.ended());
    let seen = *lock(&seen);
    Ok((seen, keys))
}

/// A session that tells at its end what it saw that a sound server does not do.
struct Watched {
    client: Music21Client,
    seen: Arc<Mutex<Seen>>,
}

impl Session for Watched {
    async fn call(&self, call: Call, deadline: Duration) -> Reply {
        Session::call(&self.client, call, deadline).await
    }

    async fn close(self) {
        let ProtocolViolations { late, unmatched, duplicates, .. } = self.client.protocol_violations();
        lock(&self.seen).doubles += late + unmatched + duplicates;
        self.client.close().await;
    }
}
