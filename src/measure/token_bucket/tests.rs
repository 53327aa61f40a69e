//! Correct and broken limiters, simulated.

use std::collections::VecDeque;

use super::*;
use crate::measure::dice::Dice;

const SLOW: Limit = Limit { capacity: 10, per_second: 1.0 };
const FAST: Limit = Limit { capacity: 20, per_second: 10.0 };

type Admit = Box<dyn FnMut(u64) -> bool>;

/// A bucket in seconds and tokens, with one knob per way to get it wrong.
struct Bucket {
    capacity: f64,
    rate: f64,
    tokens: f64,
    refusal_cost: f64,
    /// Time moves in steps of this; 0 for continuous time.
    tick_s: f64,
    /// Fractions of a token are lost at every call.
    floors: bool,
    last_s: f64,
}

impl Bucket {
    fn new(limit: Limit) -> Self {
        let capacity = f64::from(limit.capacity);
        let (rate, tokens) = (limit.per_second, capacity);
        Self { capacity, rate, tokens, refusal_cost: 0.0, tick_s: 0.0, floors: false, last_s: 0.0 }
    }

    fn admit(&mut self, now_ns: u64) -> bool {
        let mut now_s = now_ns as f64 / 1e9;
        if self.tick_s > 0.0 {
            now_s = (now_s / self.tick_s).floor() * self.tick_s;
        }
        let gained = (now_s - self.last_s) * self.rate;
        self.tokens = (self.tokens + if self.floors { gained.floor() } else { gained }).min(self.capacity);
        self.last_s = now_s;
        let admitted = self.tokens >= 1.0;
        self.tokens -= if admitted { 1.0 } else { self.refusal_cost };
        admitted
    }

    fn with(limit: Limit, change: impl Fn(&mut Self)) -> Admit {
        let mut bucket = Self::new(limit);
        change(&mut bucket);
        Box::new(move |now_ns| bucket.admit(now_ns))
    }
}

/// `capacity` calls in any window of capacity ÷ rate seconds.
fn sliding_window(limit: Limit, counts_refusals: bool) -> Admit {
    let window_ns = (f64::from(limit.capacity) / limit.per_second * 1e9) as u64;
    let mut calls = VecDeque::new();
    Box::new(move |now_ns| {
        while calls.front().is_some_and(|&at| at + window_ns <= now_ns) {
            calls.pop_front();
        }
        let admitted = calls.len() < limit.capacity as usize;
        if admitted || counts_refusals {
            calls.push_back(now_ns);
        }
        admitted
    })
}

fn fixed_window(limit: Limit) -> Admit {
    let window_ns = (f64::from(limit.capacity) / limit.per_second * 1e9) as u64;
    let (mut window, mut used) = (0, 0);
    Box::new(move |now_ns| {
        if now_ns / window_ns != window {
            (window, used) = (now_ns / window_ns, 0);
        }
        used += 1;
        used <= limit.capacity
    })
}

/// A correct bucket whose every `n`-th answer is the opposite.
fn wrong_now_and_then(limit: Limit, n: u32, only_when: bool) -> Admit {
    let mut bucket = Bucket::new(limit);
    let mut calls = 0;
    Box::new(move |now_ns| {
        calls += 1;
        let admitted = bucket.admit(now_ns);
        admitted ^ (calls % n == 0 && admitted == only_when)
    })
}

/// A second of silence fills the bucket.
fn full_after_a_pause(limit: Limit) -> Admit {
    let mut bucket = Bucket::new(limit);
    let pause_ns = (2.0 / limit.per_second * 1e9) as u64;
    let mut last_ns = 0;
    Box::new(move |now_ns| {
        if now_ns - last_ns > pause_ns {
            bucket.tokens = bucket.capacity;
        }
        last_ns = now_ns;
        bucket.admit(now_ns)
    })
}

fn broken(limit: Limit) -> Vec<(&'static str, Admit)> {
    let tick_s = 3.0 / limit.per_second;
    vec![
        ("ten percent too fast", Bucket::with(limit, |b| b.rate *= 1.1)),
        ("ten percent too slow", Bucket::with(limit, |b| b.rate *= 0.9)),
        (
            "one token too many",
            Bucket::with(limit, |b| (b.capacity, b.tokens) = (b.capacity + 1.0, b.capacity + 1.0)),
        ),
        (
            "one token too few",
            Bucket::with(limit, |b| (b.capacity, b.tokens) = (b.capacity - 1.0, b.capacity - 1.0)),
        ),
        ("refusals cost a token", Bucket::with(limit, |b| b.refusal_cost = 1.0)),
        ("no cap", Bucket::with(limit, |b| b.capacity = f64::INFINITY)),
        ("starts empty", Bucket::with(limit, |b| b.tokens = 0.0)),
        ("starts half full", Bucket::with(limit, |b| b.tokens /= 2.0)),
        ("refills in ticks", Bucket::with(limit, |b| b.tick_s = tick_s)),
        ("loses fractions", Bucket::with(limit, |b| b.floors = true)),
        ("sliding window", sliding_window(limit, false)),
        ("sliding window that counts refusals", sliding_window(limit, true)),
        ("fixed window", fixed_window(limit)),
        ("lets every seventh refusal through", wrong_now_and_then(limit, 7, false)),
        ("refuses every ninth call", wrong_now_and_then(limit, 9, true)),
        ("full after a pause", full_after_a_pause(limit)),
    ]
}

/// A round trip of 0.4 ms plus an exponential of mean `jitter_ms`, decided anywhere within.
fn jittered(seed: u64, jitter_ms: f64) -> impl FnMut() -> RoundTrip {
    let mut dice = Dice::new(seed);
    move || {
        let whole_ns = (0.4 - jitter_ms * dice.uniform().ln()) * 1e6;
        let share = dice.uniform();
        RoundTrip { there_ns: (whole_ns * share) as u64, back_ns: (whole_ns * (1.0 - share)) as u64 }
    }
}

#[test]
fn every_broken_limiter_is_found_at_small_jitter() {
    for limit in [SLOW, FAST] {
        for seed in 0..3 {
            for (name, admit) in broken(limit) {
                let report = simulate(limit, jittered(seed, 1.0), admit);
                assert!(matches!(report.verdict, Verdict::Fail(_)), "{name}, seed {seed}: {report:?}");
            }
        }
    }
}

#[test]
fn a_correct_bucket_passes_or_at_worst_cannot_be_told() {
    for limit in [SLOW, FAST] {
        for (jitter_ms, may_be_inconclusive) in [(0.1, false), (1.0, false), (10.0, true), (80.0, true)] {
            for seed in 0..20 {
                let report = simulate(limit, jittered(seed, jitter_ms), Bucket::with(limit, |_| {}));
                let is_fine = match report.verdict {
                    Verdict::Pass => true,
                    Verdict::Inconclusive(_) => may_be_inconclusive,
                    Verdict::Fail(_) | Verdict::NoLimiter => false,
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
            assert_ne!(report.verdict, Verdict::Pass, "{name} at {jitter_ms} ms: {report:?}");
        }
    }
}

#[test]
fn no_limiter_is_an_answer() {
    let report = simulate(FAST, jittered(1, 1.0), |_| true);
    assert_eq!((report.verdict, report.kind), (Verdict::NoLimiter, Kind::Absent));
    // Calls slower than the rate are never refused and prove nothing.
    let slow = simulate(FAST, || RoundTrip { there_ns: 100_000_000, back_ns: 100_000_000 }, |_| true);
    assert!(matches!(slow.verdict, Verdict::Inconclusive(_)), "{slow:?}");
}

#[test]
fn the_kind_of_limiter_is_named() {
    let kind = |admit: Admit| simulate(FAST, jittered(1, 1.0), admit).kind;
    assert_eq!(kind(Bucket::with(FAST, |_| {})), Kind::TokenBucket);
    assert_eq!(kind(Bucket::with(FAST, |b| b.tick_s = 0.5)), Kind::Ticks);
    assert_eq!(kind(fixed_window(FAST)), Kind::Window);
    assert_eq!(kind(sliding_window(FAST, false)), Kind::Window);
    assert_eq!(kind(sliding_window(FAST, true)), Kind::CountsRefusals);
}

#[test]
fn estimates_describe_the_correct_bucket() {
    let report = simulate(FAST, jittered(2, 1.0), Bucket::with(FAST, |_| {}));
    assert_eq!(report.burst.capacity, 20);
    let rate = report.rate.unwrap();
    assert!((rate.per_second - 10.0).abs() < 0.3, "{rate:?}");
    assert_eq!(report.refills.len(), 4);
    assert!((150..400).contains(&report.calls), "{}", report.calls);
}

#[test]
fn probing_that_is_cut_short_is_inconclusive() {
    let report = Prober::new(FAST).report();
    assert!(matches!(report.verdict, Verdict::Inconclusive(doubts) if doubts.contains(&Doubt::CutShort)));
}
