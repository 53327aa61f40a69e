//! Where both servers spend a call: rounds of their own after those that are judged, so that no verdict pays for sampling.
//! Each side is started alone, sampled alike, and asked for the same entries.

use std::time::{Duration, Instant};

use music21_mcp_bench::profile::change::Sampled;

use super::round::Arm;
use super::{Operation, Settings};
use crate::profile::{CallSpan, ServerProfile, sampled};

/// Each starts both sides once, in either order.
const ROUNDS: usize = 2;
/// How often a server goes through the entries: a sampler that is late costs none of them its samples.
const PASSES: usize = 4;
/// How long each entry is repeated in a pass.
const LONG: Duration = Duration::from_millis(500);

/// What was sampled of both sides.
#[derive(Debug)]
pub(crate) struct BothSides {
    /// The sampler of both.
    pub(crate) sampler: &'static str,
    /// Why another sampler was not used.
    pub(crate) notes: Vec<String>,
    /// By side and entry; the same entries on both sides.
    pub(crate) sides: [Vec<Sampled>; 2],
}

/// Samples both servers in turn. `tell` receives a line about how far it is.
///
/// # Errors
///
/// A line that says why there is no profile.
pub(crate) async fn profile(settings: &Settings, tell: &mut dyn FnMut(String)) -> Result<BothSides, String> {
    let none = || vec![Sampled::default(); settings.workload.operations.len()];
    let mut sides = [none(), none()];
    let mut samplers = ["", ""];
    let mut notes = Vec::new();
    for round in 0..ROUNDS {
        let first = round % 2;
        for side in [first, 1 - first] {
            let name = ["baseline", "candidate"][side];
            tell(format!("profile, round {} of {ROUNDS}: {name}", round + 1));
            let sampler = one_side(settings, side, &mut sides[side]).await;
            let (program, fallback) = sampler.map_err(|why| format!("{name}: {why}"))?;
            samplers[side] = program;
            notes.extend(fallback.filter(|_| round == 0).map(|why| format!("{name}: {why}")));
        }
    }
    let [sampler, other] = samplers;
    if sampler != other {
        return Err(format!(
            "the baseline is sampled by {sampler}, the candidate by {other}: nothing to compare"
        ));
    }
    for (at, operation) in settings.workload.operations.iter().enumerate() {
        if sides.iter().any(|entries| entries[at].calls == 0.0) {
            return Err(format!("{sampler} was too late to see a call of '{}'", operation.name));
        }
    }
    Ok(BothSides { sampler, notes, sides })
}

/// The program, and why it is not the first choice.
type Sampler = (&'static str, Option<String>);

/// Starts a side, samples it, and adds what was seen to its entries.
async fn one_side(settings: &Settings, side: usize, entries: &mut [Sampled]) -> Result<Sampler, String> {
    let operations = &settings.workload.operations;
    let server = [&settings.baseline, &settings.candidate][side];
    let arm = Arm::take(server, settings, operations).await.map_err(|error| format!("{error:#}"))?;
    let started = Instant::now();
    let sampler = ServerProfile::start(&arm.pids()).await?;
    let (program, fallback) = (sampler.program(), sampler.fallback().map(str::to_owned));
    let mut calls: Vec<Vec<CallSpan>> = vec![Vec::new(); operations.len()];
    for _ in 0..PASSES {
        for (operation, calls) in operations.iter().zip(&mut calls) {
            calls.extend(spans(&arm, *operation, settings, started).await?);
        }
    }
    let seen = sampler.finish(started).await?;
    arm.leave().await;
    for (entry, calls) in entries.iter_mut().zip(&calls) {
        let found = sampled(&seen, calls);
        entry.folded.extend(found.folded);
        entry.calls += found.calls;
        entry.period_ns = found.period_ns;
    }
    Ok((program, fallback))
}

/// Repeats an entry for a while, and tells when each call was under way.
async fn spans(
    arm: &Arm,
    operation: Operation,
    settings: &Settings,
    started: Instant,
) -> Result<Vec<CallSpan>, String> {
    let now = || started.elapsed().as_nanos() as u64;
    let (begin, mut calls) = (Instant::now(), Vec::new());
    while begin.elapsed() < LONG {
        let sent_ns = now();
        arm.perform(operation, settings).await.map_err(|why| format!("'{}': {why}", operation.name))?;
        calls.push(CallSpan { tool: operation.name.to_owned(), sent_ns, done_ns: now() });
    }
    Ok(calls)
}
