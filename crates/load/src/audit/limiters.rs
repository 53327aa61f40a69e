//! Correct and broken limiters as functions of time, to simulate.

use music21_mcp_embedded::rate_limit::{LimiterKind, RateLimit};

use crate::measure::rng::Rng;
use crate::measure::token_bucket::{Limit, RoundTrip};

/// A slow bucket.
pub(crate) const SLOW: Limit = Limit { capacity: 10, per_second: 1.0 };
/// A fast one.
pub(crate) const FAST: Limit = Limit { capacity: 20, per_second: 10.0 };

/// Asked with the time in nanoseconds.
pub(crate) type Admit = Box<dyn FnMut(u64) -> bool>;

/// A limiter of a kind that the embedded server has.
pub(crate) fn limiter(limit: Limit, kind: LimiterKind) -> Admit {
    let Limit { capacity, per_second } = limit;
    let mut limiter = RateLimit { capacity, per_second, kind }.limiter(0);
    Box::new(move |now_ns| limiter.admit(now_ns))
}

/// The right one.
pub(crate) fn correct(limit: Limit) -> Admit {
    limiter(limit, LimiterKind::Bucket)
}

/// A correct bucket whose every `n`-th answer of one sort is the opposite.
fn wrong_now_and_then(limit: Limit, n: u32, only_when: bool) -> Admit {
    let mut bucket = correct(limit);
    let mut calls = 0;
    Box::new(move |now_ns| {
        calls += 1;
        let admitted = bucket(now_ns);
        admitted ^ (calls % n == 0 && admitted == only_when)
    })
}

/// A pause of two tokens fills the bucket.
fn full_after_a_pause(limit: Limit) -> Admit {
    let mut bucket = correct(limit);
    let pause_ns = (2.0 / limit.per_second * 1e9) as u64;
    let mut last_ns = 0;
    Box::new(move |now_ns| {
        if now_ns - last_ns > pause_ns {
            bucket = correct(limit);
        }
        last_ns = now_ns;
        bucket(now_ns)
    })
}

/// Every wrong limiter there is, by name.
pub(crate) fn broken(limit: Limit) -> Vec<(&'static str, Admit)> {
    let kinds = LimiterKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| !matches!(kind, LimiterKind::Bucket | LimiterKind::Open));
    let mut broken: Vec<_> = kinds.map(|kind| (kind.name(), limiter(limit, kind))).collect();
    broken.push(("lets every seventh refusal through", wrong_now_and_then(limit, 7, false)));
    broken.push(("refuses every ninth call", wrong_now_and_then(limit, 9, true)));
    broken.push(("full after a pause", full_after_a_pause(limit)));
    broken
}

/// A round trip of 0.4 ms plus an exponential of mean `jitter_ms`, decided anywhere within.
pub(crate) fn jittered(seed: u64, jitter_ms: f64) -> impl FnMut() -> RoundTrip {
    let mut rng = Rng::new(seed);
    move || {
        let whole_ns = (0.4 + jitter_ms * rng.exponential()) * 1e6;
        let share = rng.uniform();
        RoundTrip { there_ns: (whole_ns * share) as u64, back_ns: (whole_ns * (1.0 - share)) as u64 }
    }
}
