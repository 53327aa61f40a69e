//! The rule against memory that grows as allocators let it: in steps, with a warm-up.

use super::*;
use crate::measure::dice::Dice;

/// One reading a second for `seconds` at 10 calls/s from a process that leaks `leak` MB/min: an
/// exponential warm-up, an allocator that asks for memory in chunks and rarely gives back, and a
/// sawtooth of garbage collection.
fn process(seed: u64, leak: f64, seconds: u64) -> Vec<MemoryReading> {
    let mut dice = Dice::new(seed);
    // 0.25 to 4 MB.
    let chunk = 0.25 * 2f64.powi((dice.uniform() * 5.0) as i32);
    let (warm_up, tau) = (5.0 + 55.0 * dice.uniform(), 5.0 + 25.0 * dice.uniform());
    let (garbage, period) = (3.0 * dice.uniform(), 5.0 + 20.0 * dice.uniform());
    let mut held: f64 = 0.0;
    (0..seconds)
        .map(|s| {
            let t = s as f64;
            let needed = 60.0
                + warm_up * (1.0 - (-t / tau).exp())
                + garbage * (t / period).fract()
                + leak * t / 60.0
                + 0.2 * dice.normal();
            if needed > held {
                held += chunk * ((needed - held) / chunk).ceil();
            } else if dice.uniform() < 0.002 {
                held -= chunk * (0.5 * (held - needed) / chunk).floor();
            }
            let noise = 0.02 * dice.normal();
            MemoryReading {
                at_ns: s * 1_000_000_000,
                calls: s * 10,
                rss_anon_bytes: ((held + noise) * 1e6) as u64,
            }
        })
        .collect()
}

fn leaks_found(leak: f64) -> usize {
    (0..20).filter(|&seed| judge(&process(seed, leak, 420)).unwrap().verdict == LeakVerdict::Leak).count()
}

#[test]
fn leaks_are_found_and_their_absence_is_not_mistaken_for_one() {
    let found = [0.0, 2.0, 10.0].map(leaks_found);
    assert!(found[0] <= 2 && found[1] >= 14 && found[2] == 20, "of 20 each at 0, 2, 10 MB/min: {found:?}");
}

#[test]
fn a_sound_process_is_mostly_called_sound() {
    let sound =
        (0..20).filter(|&seed| judge(&process(seed, 0.0, 420)).unwrap().verdict == LeakVerdict::None).count();
    assert!(sound >= 18, "{sound} of 20");
}

#[test]
fn a_short_window_never_gives_a_verdict() {
    for (seed, leak) in [(0, 0.0), (1, 10.0), (2, 2.0)] {
        assert_eq!(judge(&process(seed, leak, 182)).unwrap().verdict, LeakVerdict::CannotTell);
    }
    assert_eq!(judge(&process(0, 0.0, 100)), None);
}

#[test]
fn growth_by_calls_is_growth_by_time_over_the_rate() {
    // 2 MB/min at 600 calls/min is 3.33 KB a call.
    let report = judge(&process(4, 2.0, 720)).unwrap();
    let kb_per_call = report.kb_per_call.unwrap().estimate;
    assert!((kb_per_call - report.mb_per_min.estimate / 0.6).abs() < 0.05 * kb_per_call, "{report:?}");
}
