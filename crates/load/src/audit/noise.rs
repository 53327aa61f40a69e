//! Noise of shared machines: simulated in three tiers, and recorded.

use anyhow::Context;

use crate::ab::{Measured, Round};
use crate::compare::Figure;
use crate::compare::paired::{Block, round};
use crate::measure::rng::Rng;

/// Two identical embedded servers, 50 rounds of every entry, on a virtual machine of two cores that compiled Rust
/// meanwhile (load average 3 to 5). `music21-mcp-bench ab --server embedded --rounds 50 --all-rounds --trace FILE`
/// writes such a recording; without `--all-rounds` an entry that is decided would have fewer rounds.
const RECORDED: &str = include_str!("noise.json");
/// The same, 40 rounds, beside a process that used one of the two cores for a third of the time, a second in three.
const BURSTS: &str = include_str!("bursts.json");

/// Log ratios of two identical servers, by entry, one a round.
#[derive(Debug, Clone)]
pub(crate) struct Trace(Vec<Vec<f64>>);

impl Trace {
    /// One figure of what was recorded beside a compiler.
    ///
    /// # Errors
    ///
    /// If the recording is not what `ab --trace` writes.
    pub(crate) fn recorded(figure: Figure) -> anyhow::Result<Self> {
        Self::of(RECORDED, figure)
    }

    /// One figure of what was recorded beside bursts.
    ///
    /// # Errors
    ///
    /// If the recording is not what `ab --trace` writes.
    pub(crate) fn beside_bursts(figure: Figure) -> anyhow::Result<Self> {
        Self::of(BURSTS, figure)
    }

    fn of(recording: &str, figure: Figure) -> anyhow::Result<Self> {
        let measured: Measured = serde_json::from_str(recording).context("the recorded noise is damaged")?;
        let ratio = if figure == Figure::Cpu { Round::cpu_ratio } else { Round::wall_ratio };
        let of_entry = |rounds: &Vec<Round>| rounds.iter().filter_map(ratio).collect();
        Ok(Self(measured.entries.values().map(of_entry).collect()))
    }

    /// The log ratios of successive rounds of some entry, from somewhere on, so that drift stays drift. Which server
    /// is called the candidate is drawn once: they are the same program.
    pub(crate) fn rounds(&self, rounds: usize, rng: &mut Rng) -> Vec<f64> {
        let below = |n: usize, rng: &mut Rng| (rng.uniform() * n as f64) as usize;
        let entry = &self.0[below(self.0.len(), rng)];
        let start = below(entry.len(), rng);
        let sign = if rng.uniform() < 0.5 { 1.0 } else { -1.0 };
        (start..start + rounds).map(|r| sign * entry[r % entry.len()]).collect()
    }
}

/// Length of a slot, seconds.
const SLOT_S: f64 = 0.05;
/// Blocks in a round.
const BLOCKS: usize = 3;
/// Length of a burst, seconds.
const BURST_S: f64 = 0.25;
/// From one round of an entry to its next: forty entries take their turns in between.
const ROUND_S: f64 = 40.0 * BLOCKS as f64 * 4.0 * SLOT_S;

/// A machine, by the standard deviations of the logarithm of a slot's time. A shift of the whole
/// run is left out: both sides share it and it cancels.
#[derive(Debug, Clone)]
pub(crate) struct Tier {
    /// Its name.
    pub name: &'static str,
    /// Between two processes of the same program.
    process: f64,
    /// Drift with a time constant of 60 s.
    slow: f64,
    /// Drift with a time constant of 1 s.
    fast: f64,
    /// Of each slot by itself.
    slot: f64,
    /// Mean seconds between bursts that multiply the time by a factor in this range.
    bursts: Option<(f64, std::ops::Range<f64>)>,
}

impl Tier {
    /// A machine of one's own.
    pub(crate) const QUIET: Self =
        Self { name: "quiet", process: 0.004, slow: 0.0, fast: 0.0, slot: 0.03, bursts: None };
    /// A virtual machine with neighbours.
    pub(crate) const SHARED: Self = Self {
        name: "shared",
        process: 0.01,
        slow: 0.03,
        fast: 0.05,
        slot: 0.08,
        bursts: Some((20.0, 1.3..2.5)),
    };
    /// A machine that others use up.
    pub(crate) const HOSTILE: Self = Self {
        name: "hostile",
        process: 0.015,
        slow: 0.10,
        fast: 0.15,
        slot: 0.25,
        bursts: Some((5.0, 1.5..3.5)),
    };

    /// The log ratios of `rounds` rounds of two identical servers.
    pub(crate) fn rounds(&self, rounds: usize, rng: &mut Rng) -> Vec<f64> {
        let mut weather = Weather::new(self, rng);
        // OK because simulated times are positive.
        (0..rounds).map(|_| self.round(&mut weather, rng).unwrap()).collect()
    }

    fn round(&self, weather: &mut Weather<'_>, rng: &mut Rng) -> Option<f64> {
        weather.pass(ROUND_S, rng);
        let (baseline, candidate) = (self.process * rng.normal(), self.process * rng.normal());
        let blocks: Vec<Block> = (0..BLOCKS)
            .map(|_| {
                let mut slot = |process: f64| (process + weather.slot(rng)).exp();
                // ABBA; which of the two is called A is symmetrical for identical servers.
                let first = slot(baseline);
                let candidate_ns = [slot(candidate), slot(candidate)];
                Block { baseline_ns: [first, slot(baseline)], candidate_ns }
            })
            .collect();
        round(&blocks)
    }
}

/// The machine's state as time passes.
struct Weather<'a> {
    tier: &'a Tier,
    slow: f64,
    fast: f64,
    burst_left_s: f64,
    burst: f64,
}

impl<'a> Weather<'a> {
    fn new(tier: &'a Tier, rng: &mut Rng) -> Self {
        let (slow, fast) = (tier.slow * rng.normal(), tier.fast * rng.normal());
        Self { tier, slow, fast, burst_left_s: 0.0, burst: 0.0 }
    }

    /// Lets `seconds` pass: two first-order autoregressive processes.
    fn pass(&mut self, seconds: f64, rng: &mut Rng) {
        let mut step = |value: f64, sd: f64, tau_s: f64| {
            let memory = (-seconds / tau_s).exp();
            memory * value + sd * (1.0 - memory * memory).sqrt() * rng.normal()
        };
        self.slow = step(self.slow, self.tier.slow, 60.0);
        self.fast = step(self.fast, self.tier.fast, 1.0);
        self.burst_left_s -= seconds;
    }

    /// The logarithm of what one slot's time is multiplied by.
    fn slot(&mut self, rng: &mut Rng) -> f64 {
        self.pass(SLOT_S, rng);
        if let Some((every_s, factor)) = &self.tier.bursts
            && self.burst_left_s <= 0.0
            && rng.uniform() < SLOT_S / every_s
        {
            self.burst_left_s = BURST_S;
            self.burst = (factor.start + (factor.end - factor.start) * rng.uniform()).ln();
        }
        let burst = if self.burst_left_s > 0.0 { self.burst } else { 0.0 };
        self.slow + self.fast + burst + self.tier.slot * rng.normal()
    }
}
