//! The calls that are benched: one tool each, on one imported score.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use music21_mcp_bench::client::{Music21Client, Reply, Tool};

use super::profiler::CALLS;
use super::score::{BenchScore, Source};

/// One tool, with the argument that makes it another job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Import,
    Info,
    Key,
    Chords,
    Harmony,
    ExportMusicXml,
    ExportMidi,
    List,
    Delete,
}

/// Ids are never used twice: a server refuses one it has.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Operation {
    pub(super) const ALL: [Self; 9] = [
        Self::Import,
        Self::Info,
        Self::Key,
        Self::Chords,
        Self::Harmony,
        Self::ExportMusicXml,
        Self::ExportMidi,
        Self::List,
        Self::Delete,
    ];

    /// Its part of a bench's id.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Info => "info",
            Self::Key => "key",
            Self::Chords => "chords",
            Self::Harmony => "harmony",
            Self::ExportMusicXml => "export-musicxml",
            Self::ExportMidi => "export-midi",
            Self::List => "list",
            Self::Delete => "delete",
        }
    }

    /// Makes `iterations` calls and sums the time of these alone: what comes before and after is not
    /// counted, and exported files are removed.
    ///
    /// # Errors
    ///
    /// The first reply that is not what its call expects.
    pub(super) async fn time(
        self,
        client: &Music21Client,
        source: &Source,
        score: &BenchScore,
        iterations: u64,
        deadline: Duration,
    ) -> Result<Duration, Box<Reply>> {
        let mut total = Duration::ZERO;
        if matches!(self, Self::Import | Self::Delete) {
            for _ in 0..iterations {
                let id = fresh_id();
                let (imported, reply) = timed(score.import(client, &id, source, deadline)).await;
                expect_ok(reply)?;
                let (deleted, reply) = timed(client.delete_score(&id, deadline)).await;
                expect_ok(reply)?;
                total += if self == Self::Import { imported } else { deleted };
            }
            return Ok(total);
        }
        let id = fresh_id();
        expect_ok(score.import(client, &id, source, deadline).await)?;
        for _ in 0..iterations {
            let (time, reply) = timed(self.on_stored(client, &id, deadline)).await;
            let reply = expect_ok(reply)?;
            total += time;
            if matches!(self, Self::ExportMusicXml | Self::ExportMidi) {
                remove_exported(&reply);
            }
        }
        expect_ok(client.delete_score(&id, deadline).await)?;
        Ok(total)
    }

    async fn on_stored(self, client: &Music21Client, id: &str, deadline: Duration) -> Reply {
        match self {
            Self::Info => client.score_info(id, deadline).await,
            Self::Key => client.key_analysis(id, deadline).await,
            Self::Chords => client.chord_analysis(id, deadline).await,
            Self::Harmony => client.harmony_analysis(id, deadline).await,
            Self::ExportMusicXml => client.export_score(id, "musicxml", deadline).await,
            Self::ExportMidi => client.export_score(id, "midi", deadline).await,
            Self::List => client.list_scores(deadline).await,
            Self::Import | Self::Delete => unreachable!("made and timed in pairs"),
        }
    }
}

/// The tools a server must have to be benched.
pub(super) fn tools() -> Vec<String> {
    Tool::ALL.iter().filter(|tool| **tool != Tool::HealthCheck).map(|tool| tool.name().to_owned()).collect()
}

/// The time from a request that was ready to a reply's last byte: writing the one and judging the other is the client's.
async fn timed(call: impl Future<Output = Reply>) -> (Duration, Reply) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let started = Instant::now();
    let reply = call.await;
    let (sent, received) = (reply.sent.unwrap_or(started), reply.received.unwrap_or_else(Instant::now));
    (received - sent, reply)
}

fn fresh_id() -> String {
    format!("bench-{}-{}", std::process::id(), NEXT_ID.fetch_add(1, Ordering::Relaxed))
}

fn expect_ok(reply: Reply) -> Result<Reply, Box<Reply>> {
    if reply.is_ok() { Ok(reply) } else { Err(Box::new(reply)) }
}

/// The original server never removes its exports, and thousands of iterations would fill the disk.
fn remove_exported(reply: &Reply) {
    let path = reply.payload().and_then(|payload| Some(payload.get("file_path")?.as_str()?.to_owned()));
    if let Some(path) = path.filter(|path| Path::new(path).starts_with(std::env::temp_dir())) {
        // A server in a container writes to a disk of its own; then there is nothing here to remove.
        let _ = std::fs::remove_file(path);
    }
}
