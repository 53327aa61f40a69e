//! Does the same question asked again come faster than another one? Then a benchmark that repeats its
//! questions measures a cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use music21_mcp_bench::client::{Music21Client, Reply, Tool};
use serde_json::json;

use super::harness::{self, Server, ms};
use super::{Finding, Length};
use crate::driver::{Call, Connect, Event, Load, Session};
use crate::lock::lock;
use crate::measure::rng::Rng;
use crate::measure::stats::median;
use crate::result::Step;

/// Scores held by a server.
const SCORES: usize = 90;
const TOOL: &str = Tool::ChordAnalysis.name();
/// Same input this much faster than distinct input is labelled.
const FASTER: f64 = 0.10;
/// Distinct inputs between one time and the next that the same is asked: a CPU remembers what it did last, too. With one between
/// them the same input of 1200 notes was up to 27 % faster on a server that keeps nothing.
const APART: usize = 8;
/// Enough that the work is most of a call, and more than a CPU remembers.
const NOTES: usize = 4800;

pub(super) async fn run(_: Length) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&[]).await?;
    server.import(SCORES, notes).await?;
    let sound = speed(&server, harness::sessions(&server.url)).await?;
    let remembering = |client| Remembering { client, replies: Mutex::default() };
    let caching = speed(&server, harness::sessions_as(&server.url, remembering)).await?;
    server.stop().await;
    Ok(vec![
        reported("a server that works each answer out", false, sound),
        reported("answers kept by argument", true, caching),
    ])
}

/// Another piece for each score, and the same work: one sequence of chance, begun at another note.
fn notes(n: usize) -> String {
    let names = ["C4", "D4", "E4", "F4", "G4", "A4", "B4"];
    let mut rng = Rng::new(1);
    let mut piece: Vec<&str> =
        (0..NOTES).map(|_| names[(rng.uniform() * names.len() as f64) as usize]).collect();
    piece.rotate_left(n * NOTES / SCORES);
    piece.join(" ")
}

/// Medians of service time, of the same input and of distinct input.
struct Speed {
    same_ms: f64,
    distinct_ms: f64,
    busy: Option<String>,
}

/// By turns: a drift of the machine hits both alike, and so does what a call finds in the CPU's caches, which in blocks made
/// the same input up to 14 % faster on a server that keeps nothing. Each distinct input is asked once.
async fn speed(server: &Server, target: impl Connect) -> anyhow::Result<Speed> {
    let ask = |n: usize| Step::call(TOOL, json!({ "score_id": format!("audit-{n}") }));
    let distinct: Vec<usize> = (1..SCORES).collect();
    let turns = distinct.chunks(APART).flat_map(|turn| std::iter::once(0).chain(turn.iter().copied()));
    let steps: Vec<Step> = turns.map(ask).collect();
    let calls = steps.len() as u64;
    let times = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let times = Arc::clone(&times);
        move |event: &Event<'_>| {
            let mut times = lock(&times);
            times.push(ms(event.sample.service_ns()));
        }
    };
    let plan = harness::plan(Load::Closed { workers: 1 }, harness::calls(calls), steps);
    let measured = harness::measure_with(&plan, &server.pids(), target, observer).await?;
    let times = lock(&times);
    let is_same = |at: usize| at.is_multiple_of(APART + 1);
    let median_of = |same: bool| {
        // The first call asks for the first time.
        let of = times.iter().enumerate().skip(1).filter(|(at, _)| is_same(*at) == same);
        median(&of.map(|(_, ms)| *ms).collect::<Vec<_>>()).unwrap_or(f64::NAN)
    };
    Ok(Speed { same_ms: median_of(true), distinct_ms: median_of(false), busy: measured.busy })
}

fn reported(what: &str, expected: bool, speed: Speed) -> Finding {
    let faster = 1.0 - speed.same_ms / speed.distinct_ms;
    let word = |cached| if cached { "cached" } else { "not cached" };
    let found = format!(
        "{}: same input {:.2} ms, distinct {:.2} ms ({:+.0} %)",
        word(faster > FASTER),
        speed.same_ms,
        speed.distinct_ms,
        -faster * 100.0
    );
    Finding::new(what, word(expected), found, (faster > FASTER) == expected).unless(speed.busy)
}

/// What a caching server would be to its callers.
struct Remembering {
    client: Music21Client,
    replies: Mutex<HashMap<String, Reply>>,
}

impl Session for Remembering {
    async fn call(&self, call: Call, deadline: Duration) -> Reply {
        let key = serde_json::to_string(&call.arguments).unwrap_or_default();
        let kept = lock(&self.replies).get(&key).cloned();
        if let Some(mut reply) = kept {
            // What was remembered was asked for and came at another time.
            (reply.sent, reply.received) = (None, None);
            return reply;
        }
        let reply = Session::call(&self.client, call, deadline).await;
        lock(&self.replies).insert(key, reply.clone());
        reply
    }

    async fn close(self) {
        self.client.close().await;
    }
}
