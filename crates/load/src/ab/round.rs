//! One round: fresh servers, every open entry measured in blocks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use music21_mcp_bench::client::{Music21Client, Outcome, ProtocolViolations, Reply, ServerInfo};
use music21_mcp_bench::server::ServerOptions;
use music21_mcp_proc::{CpuClock, ProcessTree};

use super::operation::prepare;
use super::{Operation, Round, Settings, Side};
use crate::compare::paired::Block;
use crate::measure::Latency;
use crate::measure::histogram::Histogram;
use crate::measure::rng::Rng;
use crate::measure::trend::{self, LeakReport, MemoryReading};
use crate::patience;
use crate::record::P95_CALLS;

/// Calls in a slot, at most.
const MOST_CALLS: u32 = 2000;

/// A started server with the score in it.
pub(super) struct Arm {
    client: Music21Client,
    cpu: Option<CpuClock>,
    memory: Memory,
    score: PathBuf,
    /// Removed, with all exports in it, when the server has ended.
    directory: tempfile::TempDir,
}

/// The server's memory, read between slots.
struct Memory {
    tree: ProcessTree,
    start: Instant,
    calls: u64,
    readings: Vec<MemoryReading>,
}

impl Memory {
    /// Reads once a second at most.
    fn read(&mut self) {
        let at_ns = self.start.elapsed().as_nanos() as u64;
        if self.readings.last().is_some_and(|last| at_ns - last.at_ns < 1_000_000_000) {
            return;
        }
        let reading = self.tree.sample().map(|sample| MemoryReading {
            at_ns,
            calls: self.calls,
            rss_anon_bytes: sample.rss_anon_bytes,
        });
        self.readings.extend(reading);
    }
}

/// What one slot took, nanoseconds a call.
struct Slot {
    wall_ns: f64,
    cpu_ns: Option<f64>,
}

impl Arm {
    /// Starts a server, imports the score, and does every entry once: first calls are cold.
    pub(super) async fn take(side: &Side, settings: &Settings, open: &[Operation]) -> anyhow::Result<Self> {
        let directory = side.new_directory()?;
        let score = settings.workload.place(directory.path())?;
        let options = ServerOptions {
            client: settings.client.clone(),
            require_tools: settings.workload.tools(),
            ..ServerOptions::default()
        };
        let target = patience::start(&side.name, side.spec(directory.path()), options).await?;
        let client = target.session().await?;
        let pids = target.pids().await;
        let tree = ProcessTree::new(pids.iter().copied());
        let memory = Memory { tree, start: Instant::now(), calls: 0, readings: Vec::new() };
        let cpu = CpuClock::start(pids);
        prepare(&client, &score, settings.deadline)
            .await
            .map_err(|reason| anyhow::anyhow!("{}: {reason}", side.name))?;
        for operation in open {
            operation.perform(&client, &score, settings.deadline, |_| {}).await;
        }
        Ok(Self { client, cpu, memory, score, directory })
    }

    /// The server's processes.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.memory.tree.pids()
    }

    /// Does an entry once, untimed.
    ///
    /// # Errors
    ///
    /// Why a call of it did not end well.
    pub(super) async fn perform(&self, operation: Operation, settings: &Settings) -> Result<(), String> {
        let mut complaint = None;
        let tell = |reply: &Reply| complaint = (!reply.is_ok()).then(|| why(reply));
        operation.perform(&self.client, &self.score, settings.deadline, tell).await;
        complaint.map_or(Ok(()), Err)
    }

    pub(super) fn server(&self) -> ServerInfo {
        self.client.server_info().clone()
    }

    /// Ends the server and tells how its memory grew, if it lived long enough, and what it did against the protocol.
    pub(super) async fn leave(self) -> (Option<LeakReport>, ProtocolViolations) {
        let violations = self.client.protocol_violations();
        self.client.close().await;
        // A directory that cannot be removed is the system's to clean up.
        let _ = self.directory.close();
        (trend::judge_leak(&self.memory.readings), violations)
    }

    /// How many calls fill a slot.
    pub(super) async fn calls_in(&self, operation: Operation, settings: &Settings) -> u32 {
        let begin = Instant::now();
        let mut calls = 0;
        while begin.elapsed() < settings.slot && calls < MOST_CALLS {
            operation.perform(&self.client, &self.score, settings.deadline, |_| {}).await;
            calls += 1;
        }
        calls
    }

    async fn slot(
        &mut self,
        operation: Operation,
        calls: u32,
        deadline: Duration,
        times: &mut Histogram,
        outcomes: &mut BTreeMap<Outcome, u64>,
        complaint: &mut Option<String>,
    ) -> Slot {
        if let Some(clock) = &mut self.cpu {
            clock.lap();
        }
        let begin = Instant::now();
        let mut last = begin;
        for _ in 0..calls {
            let well = operation.perform(&self.client, &self.score, deadline, |reply| {
                *outcomes.entry(reply.outcome).or_default() += 1;
                if !reply.is_ok() {
                    complaint.get_or_insert_with(|| why(reply));
                }
            });
            // The round has no ratio any more: waiting for more timeouts would tell nothing.
            if !well.await {
                break;
            }
            let now = Instant::now();
            times.record(Latency { ns: (now - last).as_nanos() as u64, censored: false });
            last = now;
        }
        let wall_ns = begin.elapsed().as_nanos() as f64 / f64::from(calls);
        let cpu_ns = self.cpu.as_mut().map(|clock| clock.lap() as f64 / f64::from(calls));
        self.memory.calls += u64::from(calls);
        self.memory.read();
        Slot { wall_ns, cpu_ns }
    }
}

fn why(reply: &Reply) -> String {
    reply.message.clone().unwrap_or_else(|| reply.outcome.to_string())
}

/// Measures one entry: blocks of ABBA or BAAB, by coin.
pub(super) async fn blocks(
    arms: [&mut Arm; 2],
    operation: Operation,
    calls: [u32; 2],
    settings: &Settings,
    rng: &mut Rng,
) -> Round {
    let mut round = Round::default();
    let mut times = [Histogram::default(), Histogram::default()];
    for _ in 0..settings.blocks {
        let first = usize::from(rng.uniform() < 0.5);
        let mut slots: [Vec<Slot>; 2] = [Vec::new(), Vec::new()];
        for side in [first, 1 - first, 1 - first, first] {
            let (outcomes, complaint) = (&mut round.outcomes[side], &mut round.complaint);
            let times = &mut times[side];
            let slot = arms[side].slot(operation, calls[side], settings.deadline, times, outcomes, complaint);
            slots[side].push(slot.await);
        }
        let pair = |slots: &[Slot], of: fn(&Slot) -> Option<f64>| Some([of(&slots[0])?, of(&slots[1])?]);
        let block = |of: fn(&Slot) -> Option<f64>| {
            Some(Block { baseline_ns: pair(&slots[0], of)?, candidate_ns: pair(&slots[1], of)? })
        };
        round.wall.extend(block(|slot| Some(slot.wall_ns)));
        round.cpu.extend(block(|slot| slot.cpu_ns));
        if round.complaint.is_some() {
            break;
        }
    }
    round.calls = times.each_ref().map(Histogram::count);
    round.p95_ns = times.map(|times| times.quantile(0.95).filter(|_| times.count() >= P95_CALLS));
    round
}
