//! Correct and broken limiters, simulated.

use music21_mcp_embedded::rate_limit::LimiterKind;

use super::*;
use crate::audit::limiters::{FAST, SLOW, broken, correct, jittered, limiter};

#[test]
fn every_broken_limiter_is_found_at_small_jitter() {
    for limit in [SLOW, FAST] {
        for seed in 0..3 {
            for (name, admit) in broken(limit) {
                let report = simulate(limit, jittered(seed, 1.0), admit);
                assert!(matches!(report.verdict, LimiterVerdict::Fail(_)), "{name}, seed {seed}: {report:?}");
            }
        }
    }
}

#[test]
fn a_correct_bucket_passes_or_at_worst_is_inconclusive() {
    for limit in [SLOW, FAST] {
        for (jitter_ms, may_be_inconclusive) in [(0.1, false), (1.0, false), (10.0, true), (80.0, true)] {
            for seed in 0..20 {
                let report = simulate(limit, jittered(seed, jitter_ms), correct(limit));
                let is_fine = match report.verdict {
                    LimiterVerdict::Pass => true,
                    LimiterVerdict::Inconclusive(_) => may_be_inconclusive,
                    LimiterVerdict::Fail(_) | LimiterVerdict::NoLimiter => false,
                };
                assert!(is_fine, "jitter {jitter_ms} ms, seed {seed}: {report:?}");
            }
        }
    }
}

#[test]
fn no_broken_limiter_passes_however_blurred() {
    for jitter_ms in [10.0, 100.0] {
        for (name, admit) in broken(FAST) {
            let report = simulate(FAST, jittered(5, jitter_ms), admit);
            assert_ne!(report.verdict, LimiterVerdict::Pass, "{name} at {jitter_ms} ms: {report:?}");
        }
    }
}

#[test]
fn no_limiter_is_an_answer() {
    let report = simulate(FAST, jittered(1, 1.0), limiter(FAST, LimiterKind::Open));
    assert_eq!((report.verdict, report.kind), (LimiterVerdict::NoLimiter, Kind::Absent));
    // Calls slower than the rate are never refused and prove nothing.
    let slow = simulate(FAST, || RoundTrip { there_ns: 100_000_000, back_ns: 100_000_000 }, |_| true);
    assert!(matches!(slow.verdict, LimiterVerdict::Inconclusive(_)), "{slow:?}");
}

#[test]
fn the_kind_of_limiter_is_named() {
    let kind = |kind| simulate(FAST, jittered(1, 1.0), limiter(FAST, kind)).kind;
    assert_eq!(kind(LimiterKind::Bucket), Kind::TokenBucket);
    assert_eq!(kind(LimiterKind::TickRefill), Kind::Ticks);
    assert_eq!(kind(LimiterKind::FixedWindow), Kind::Window);
    assert_eq!(kind(LimiterKind::SlidingWindow), Kind::Window);
    assert_eq!(kind(LimiterKind::SlidingWindowCountingRejects), Kind::CountsRefusals);
}

#[test]
fn estimates_describe_the_correct_bucket() {
    let report = simulate(FAST, jittered(2, 1.0), correct(FAST));
    assert_eq!(report.burst.capacity, 20);
    let rate = report.rate.unwrap();
    assert!((rate.per_second - 10.0).abs() < 0.3, "{rate:?}");
    assert_eq!(report.refills.len(), 4);
    assert!((150..400).contains(&report.calls), "{}", report.calls);
}

#[test]
fn probing_that_is_cut_short_is_inconclusive() {
    let report = Prober::new(FAST).report();
    assert!(
        matches!(report.verdict, LimiterVerdict::Inconclusive(doubts) if doubts.contains(&Doubt::CutShort))
    );
}
