//! The loop over rounds, until everything is decided or somebody stops it.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::round::{Arm, blocks};
use super::{Measured, Operation, Round, Settings, Side};
use crate::measure::rng::Rng;

/// When to stop.
pub(crate) trait Rounds {
    /// The entries that still need rounds, seen after `rounds` of them; none ends the measurement.
    fn open(&mut self, measured: &Measured, rounds: u32) -> Vec<Operation>;
}

/// Every entry in every round, whatever it shows.
pub(crate) struct Fixed<'a> {
    /// What to measure.
    pub operations: &'a [Operation],
    /// How often.
    pub rounds: u32,
    /// Receives a line about how far it is.
    pub tell: &'a mut dyn FnMut(String),
}

impl Rounds for Fixed<'_> {
    fn open(&mut self, _: &Measured, rounds: u32) -> Vec<Operation> {
        if rounds > 0 {
            (self.tell)(format!("round {rounds} of {}", self.rounds));
        }
        if rounds < self.rounds { self.operations.to_vec() } else { Vec::new() }
    }
}

/// Measures until `rounds` has had enough or `stop` is given. What was measured is kept in either case.
///
/// # Errors
///
/// If a server does not start in the first round; later that only ends the measurement.
pub(crate) async fn measure(
    settings: &Settings,
    rounds: &mut impl Rounds,
    stop: &CancellationToken,
) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    let mut rng = Rng::new(settings.seed);
    let mut calls = BTreeMap::new();
    for number in 0.. {
        let open = rounds.open(&measured, number);
        if open.is_empty() {
            break;
        }
        let one = one_round(settings, &open, number, &mut calls, &mut rng, &mut measured);
        // A round that is stopped is dropped whole: its arms end with it.
        let ended = tokio::select! {
            ended = one => ended,
            () = stop.cancelled() => {
                measured.cut_short = Some(format!("stopped after {number} rounds"));
                measured.interrupted = true;
                break;
            }
        };
        match ended {
            Err(error) if number == 0 => return Err(error),
            Err(error) => {
                measured.cut_short = Some(format!("ended after {number} rounds: {error:#}"));
                break;
            }
            Ok(()) => {}
        }
    }
    Ok(measured)
}

async fn one_round(
    settings: &Settings,
    open: &[Operation],
    number: u32,
    calls: &mut BTreeMap<&'static str, [u32; 2]>,
    rng: &mut Rng,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let (mut baseline, mut candidate, mut copy) = arms(settings, open, rng).await?;
    measured.servers.get_or_insert_with(|| [baseline.server(), candidate.server()]);
    let mut order = open.to_vec();
    shuffle(&mut order, rng);
    let mut found: Vec<(Operation, Round)> = Vec::new();
    for operation in order {
        let calls = match calls.get(operation.name) {
            Some(calls) => *calls,
            None => {
                let found = [
                    baseline.calls_in(operation, settings).await,
                    candidate.calls_in(operation, settings).await,
                ];
                *calls.entry(operation.name).or_insert(fill(found))
            }
        };
        found.push((
            operation,
            blocks([&mut baseline, &mut candidate], operation, calls, settings, rng).await,
        ));
    }
    let watched = settings.workload.operations[0];
    let [filling, _] = *calls.entry(watched.name).or_insert([1, 1]);
    let aa_control = blocks([&mut baseline, &mut copy], watched, [filling; 2], settings, rng).await;
    let (before, after, copied) = tokio::join!(baseline.leave(), candidate.leave(), copy.leave());
    measured.growth.push([before.0, after.0]);
    let [baseline, candidate] = std::mem::take(&mut measured.violations);
    measured.violations = [baseline.plus(before.1).plus(copied.1), candidate.plus(after.1)];
    // Only now: a round that is stopped in the middle leaves no entry with more rounds than others.
    for (operation, round) in found {
        measured.entries.entry(operation.name.to_owned()).or_default().push(Round { round: number, ..round });
    }
    measured.aa_control.push(Round { round: number, ..aa_control });
    Ok(())
}

/// How many calls fill a slot of each side. Servers of about the same speed get the same number, so that what a slot
/// costs by itself is the same; a server a hundred times slower must not have to answer hundreds of calls.
fn fill([a, b]: [u32; 2]) -> [u32; 2] {
    if a.max(b) < 2 * a.min(b) { [a.max(b); 2] } else { [a, b] }
}

/// Baseline, candidate and the copy of the baseline, started one after the other in random order.
async fn arms(settings: &Settings, open: &[Operation], rng: &mut Rng) -> anyhow::Result<(Arm, Arm, Arm)> {
    // The A/A control's entry is measured in every round, and needs its cold call behind it as well.
    let mut warm = open.to_vec();
    warm.push(settings.workload.operations[0]);
    let sides: [&Side; 3] = [&settings.baseline, &settings.candidate, &settings.baseline];
    let mut order = [0, 1, 2];
    shuffle(&mut order, rng);
    let mut arms = [None, None, None];
    for side in order {
        arms[side] = Some(Arm::take(sides[side], settings, &warm).await?);
    }
    // OK because the order names each of the three.
    let [a, b, c] = arms.map(Option::unwrap);
    Ok((a, b, c))
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, (rng.uniform() * (last + 1) as f64) as usize);
    }
}
