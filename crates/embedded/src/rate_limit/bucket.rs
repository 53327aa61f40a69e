//! The token bucket, and the ways to get it wrong.

use super::Limiter;

/// Tokens in a bucket refilled at a steady rate.
#[derive(Debug)]
pub(super) struct TokenBucket {
    capacity: f64,
    per_ns: f64,
    flaw: Flaw,
    tokens: f64,
    refilled_ns: u64,
}

/// What is wrong with a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    RejectsCost,
    NoCap,
    StartsEmpty,
    TickRefill,
    IntFloorRefill,
}

/// Added up in small steps, a whole token may come out this much short.
const ROUNDING: f64 = 1e-9;

/// Tokens of a tick in [`Flaw::TickRefill`].
const TICK_TOKENS: f64 = 5.0;

impl TokenBucket {
    pub(super) fn new(capacity: f64, per_second: f64, flaw: Flaw, now_ns: u64) -> Self {
        let tokens = if flaw == Flaw::StartsEmpty { 0.0 } else { capacity };
        Self { capacity, per_ns: per_second / 1e9, flaw, tokens, refilled_ns: now_ns }
    }

    fn refill(&mut self, now_ns: u64) {
        let elapsed_ns = now_ns.saturating_sub(self.refilled_ns);
        let earned = elapsed_ns as f64 * self.per_ns;
        let (earned, refilled_ns) = match self.flaw {
            Flaw::IntFloorRefill => (earned.floor(), now_ns),
            Flaw::TickRefill => {
                let ticks = (earned / TICK_TOKENS + ROUNDING).floor();
                (ticks * TICK_TOKENS, self.refilled_ns + (ticks * TICK_TOKENS / self.per_ns) as u64)
            }
            _ => (earned, now_ns),
        };
        self.refilled_ns = refilled_ns;
        self.tokens += earned;
        if self.flaw != Flaw::NoCap {
            self.tokens = self.tokens.min(self.capacity);
        }
    }
}

impl Limiter for TokenBucket {
    fn admit(&mut self, now_ns: u64) -> bool {
        self.refill(now_ns);
        let admitted = self.tokens >= 1.0 - ROUNDING;
        if admitted || self.flaw == Flaw::RejectsCost {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
        admitted
    }
}
