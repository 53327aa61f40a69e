//! Memory that grows as allocators let it: in steps, with a warm-up.

use super::MemoryReading;
use crate::measure::rng::Rng;

/// One reading a second for `seconds` at 10 calls/s from a process that leaks `leak` MB/min: an
/// exponential warm-up, an allocator that asks for memory in chunks and rarely gives back, and a
/// sawtooth of garbage collection.
pub(crate) fn simulate(seed: u64, leak: f64, seconds: u64) -> Vec<MemoryReading> {
    let mut rng = Rng::new(seed);
    // 0.25 to 4 MB.
    let chunk = 0.25 * 2f64.powi((rng.uniform() * 5.0) as i32);
    let (warm_up, tau) = (5.0 + 55.0 * rng.uniform(), 5.0 + 25.0 * rng.uniform());
    let (garbage, period) = (3.0 * rng.uniform(), 5.0 + 20.0 * rng.uniform());
    let mut held: f64 = 0.0;
    (0..seconds)
        .map(|s| {
            let t = s as f64;
            let needed = 60.0
                + warm_up * (1.0 - (-t / tau).exp())
                + garbage * (t / period).fract()
                + leak * t / 60.0
                + 0.2 * rng.normal();
            if needed > held {
                held += chunk * ((needed - held) / chunk).ceil();
            } else if rng.uniform() < 0.002 {
                held -= chunk * (0.5 * (held - needed) / chunk).floor();
            }
            let noise = 0.02 * rng.normal();
            MemoryReading {
                at_ns: s * 1_000_000_000,
                calls: s * 10,
                rss_anon_bytes: ((held + noise) * 1e6) as u64,
            }
        })
        .collect()
}
