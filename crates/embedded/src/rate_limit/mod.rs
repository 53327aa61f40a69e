//! Rate limiters, the right one and known wrong ones, as pure functions of their state and the time.
//!
//! A limiter reads no clock, so a load tester's estimator can be checked against each of them in
//! simulation as well as through a server.

mod bucket;
mod window;

use std::fmt;
use std::str::FromStr;

use bucket::{Flaw, TokenBucket};
use window::{Counted, FixedWindow, SlidingWindow};

/// Decides on one call after another.
pub trait Limiter: fmt::Debug + Send {
    /// Whether the call at `now_ns` may pass; the times of one limiter never decrease.
    fn admit(&mut self, now_ns: u64) -> bool;
}

/// A limiter's description, written `CAPACITY/REFILLs` or `CAPACITY/REFILLs,KIND`: `20/10s,no-cap`.
///
/// REFILL is calls in one second, and no length of time: `20/10s` passes 20 calls at once after a rest and then 10
/// each second. KIND is a [`LimiterKind`], such as `fixed-window`; without one it is a token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Calls that pass at once after a long rest.
    pub capacity: u32,
    /// Calls a second that pass for ever; above 0 and at most 10⁹.
    pub per_second: f64,
    /// Which limiter.
    pub kind: LimiterKind,
}

/// Which limiter; all but [`LimiterKind::Bucket`] break the contract of a token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimiterKind {
    /// A token bucket that is full at first, refills continuously up to its capacity, and takes a
    /// token for each call that passes.
    Bucket,
    /// Refills 10 % too fast.
    RatePlus10,
    /// Refills 10 % too slowly.
    RateMinus10,
    /// Holds one token too many.
    CapacityPlus1,
    /// Holds one token too few.
    CapacityMinus1,
    /// Takes what there is of a token from refused calls too.
    RejectsCost,
    /// Saves up without end.
    NoCap,
    /// Starts without tokens.
    StartsEmpty,
    /// Refills five tokens at a time, at fixed ticks.
    TickRefill,
    /// Refills whole tokens only and forgets the rest at every call.
    IntFloorRefill,
    /// At most `capacity` calls in each window of `capacity / per_second` seconds from the start.
    FixedWindow,
    /// At most `capacity` passed calls in any window of `capacity / per_second` seconds.
    SlidingWindow,
    /// The same, but refused calls count too, so that hammering locks out; the real server's REST
    /// adapter does this.
    SlidingWindowCountingRejects,
    /// Lets every call pass.
    Open,
}

impl LimiterKind {
    /// Every kind, the right one first.
    pub const ALL: [Self; 14] = [
        Self::Bucket,
        Self::RatePlus10,
        Self::RateMinus10,
        Self::CapacityPlus1,
        Self::CapacityMinus1,
        Self::RejectsCost,
        Self::NoCap,
        Self::StartsEmpty,
        Self::TickRefill,
        Self::IntFloorRefill,
        Self::FixedWindow,
        Self::SlidingWindow,
        Self::SlidingWindowCountingRejects,
        Self::Open,
    ];

    /// As in `10/1s,no-cap`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::RatePlus10 => "rate-plus-10",
            Self::RateMinus10 => "rate-minus-10",
            Self::CapacityPlus1 => "capacity-plus-1",
            Self::CapacityMinus1 => "capacity-minus-1",
            Self::RejectsCost => "rejects-cost",
            Self::NoCap => "no-cap",
            Self::StartsEmpty => "starts-empty",
            Self::TickRefill => "tick-refill",
            Self::IntFloorRefill => "int-floor-refill",
            Self::FixedWindow => "fixed-window",
            Self::SlidingWindow => "sliding-window",
            Self::SlidingWindowCountingRejects => "sliding-window-counting-rejects",
            Self::Open => "open",
        }
    }
}

impl RateLimit {
    /// A fresh limiter, whose first call is at `now_ns` or later.
    #[must_use]
    pub fn limiter(self, now_ns: u64) -> Box<dyn Limiter> {
        let Self { capacity, per_second, kind } = self;
        let bucket = |capacity, per_second, flaw| {
            Box::new(TokenBucket::new(capacity, per_second, flaw, now_ns)) as Box<dyn Limiter>
        };
        let capacity_f = f64::from(capacity);
        let window_ns = (capacity_f / per_second * 1e9) as u64;
        match kind {
            LimiterKind::Bucket => bucket(capacity_f, per_second, Flaw::None),
            LimiterKind::RatePlus10 => bucket(capacity_f, per_second * 1.1, Flaw::None),
            LimiterKind::RateMinus10 => bucket(capacity_f, per_second * 0.9, Flaw::None),
            LimiterKind::CapacityPlus1 => bucket(capacity_f + 1.0, per_second, Flaw::None),
            LimiterKind::CapacityMinus1 => bucket(capacity_f - 1.0, per_second, Flaw::None),
            LimiterKind::RejectsCost => bucket(capacity_f, per_second, Flaw::RejectsCost),
            LimiterKind::NoCap => bucket(capacity_f, per_second, Flaw::NoCap),
            LimiterKind::StartsEmpty => bucket(capacity_f, per_second, Flaw::StartsEmpty),
            LimiterKind::TickRefill => bucket(capacity_f, per_second, Flaw::TickRefill),
            LimiterKind::IntFloorRefill => bucket(capacity_f, per_second, Flaw::IntFloorRefill),
            LimiterKind::FixedWindow => Box::new(FixedWindow::new(capacity, window_ns, now_ns)),
            LimiterKind::SlidingWindow => Box::new(SlidingWindow::new(capacity, window_ns, Counted::Passed)),
            LimiterKind::SlidingWindowCountingRejects => {
                Box::new(SlidingWindow::new(capacity, window_ns, Counted::All))
            }
            LimiterKind::Open => Box::new(Open),
        }
    }
}

#[derive(Debug)]
struct Open;

impl Limiter for Open {
    fn admit(&mut self, _: u64) -> bool {
        true
    }
}

/// Why a description of a rate limit is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateLimitError {
    /// Not `CAPACITY/REFILLs`.
    #[error("'{0}' is no rate limit; write capacity and refill a second, such as 10/1s or 20/10s,no-cap")]
    Form(String),
    /// Not a [`LimiterKind`].
    #[error("'{0}' is no kind of rate limiter; there are {names}", names = names())]
    Kind(String),
}

fn names() -> String {
    LimiterKind::ALL.map(LimiterKind::name).join(", ")
}

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        let form = || RateLimitError::Form(text.to_owned());
        let (rate, kind) = text.split_once(',').unwrap_or((text, "bucket"));
        let (capacity, refill) = rate.split_once('/').ok_or_else(form)?;
        let capacity: u32 = capacity.parse().map_err(|_| form())?;
        let per_second: f64 = refill.strip_suffix('s').unwrap_or(refill).parse().map_err(|_| form())?;
        if capacity == 0 || !(per_second > 0.0 && per_second <= 1e9) {
            return Err(form());
        }
        let kind = LimiterKind::ALL.into_iter().find(|known| known.name() == kind);
        let kind = kind.ok_or_else(|| RateLimitError::Kind(text.to_owned()))?;
        Ok(Self { capacity, per_second, kind })
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s,{}", self.capacity, self.per_second, self.kind.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Calls per pass as a picture: `20x` and then `+` for each call that passes, `-` for a refusal.
    fn picture(limit: &str, times_ms: impl IntoIterator<Item = u64>) -> String {
        let start = 7_000 * MS;
        let mut limiter = limit.parse::<RateLimit>().unwrap().limiter(start);
        times_ms.into_iter().map(|ms| if limiter.admit(start + ms * MS) { '+' } else { '-' }).collect()
    }

    #[test]
    fn each_kind_passes_what_it_says() {
        // Six calls at once, one each 500 ms for 4 s, then six at once after 10 s of rest;
        // capacity 3, one token a second.
        let times = || [0; 6].into_iter().chain((1..=8).map(|i| i * 500)).chain([14_000; 6]);
        let check = |kind: &str, expected: &str| {
            let seen = picture(&format!("3/1s,{kind}"), times());
            let seen = format!("{} {} {}", &seen[..6], &seen[6..14], &seen[14..]);
            assert_eq!(seen, expected, "{kind}");
        };
        check("bucket", "+++--- -+-+-+-+ +++---");
        check("rate-plus-10", "+++--- -+-+-+-+ +++---");
        check("rate-minus-10", "+++--- --+-+-+- +++---");
        check("capacity-plus-1", "++++-- -+-+-+-+ ++++--");
        check("capacity-minus-1", "++---- -+-+-+-+ ++----");
        check("rejects-cost", "+++--- -------- +++---");
        check("no-cap", "+++--- -+-+-+-+ ++++++");
        check("starts-empty", "------ -+-+-+-+ +++---");
        check("tick-refill", "+++--- -------- +++---");
        check("int-floor-refill", "+++--- -------- +++---");
        check("fixed-window", "+++--- -----+++ +++---");
        check("sliding-window", "+++--- -----+++ +++---");
        check("sliding-window-counting-rejects", "+++--- -------- +++---");
        check("open", "++++++ ++++++++ ++++++");
    }

    #[test]
    fn a_bucket_passes_its_rate_to_the_last_token() {
        let passed = picture("20/10s", (0..60_000).step_by(7)).matches('+').count();
        assert_eq!(passed, 20 + 599);
        let passed = picture("20/10s,rate-plus-10", (0..60_000).step_by(7)).matches('+').count();
        assert_eq!(passed, 20 + 659);
    }

    #[test]
    fn descriptions_are_read_and_written() {
        for kind in LimiterKind::ALL {
            let limit = RateLimit { capacity: 10, per_second: 2.5, kind };
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        assert_eq!("10/1s".parse::<RateLimit>().unwrap().kind, LimiterKind::Bucket);
        for wrong in ["", "10", "10/", "/1s", "0/1s", "10/0s", "10/-1s", "10/1m", "10/NaNs", "10/infs"] {
            assert_eq!(wrong.parse::<RateLimit>(), Err(RateLimitError::Form(wrong.to_owned())));
        }
        assert!("10/1s,leaky".parse::<RateLimit>().unwrap_err().to_string().contains("fixed-window"));
    }
}
