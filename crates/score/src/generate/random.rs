//! Raw draws. No floating point and no library's idea of a distribution, which may change.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// The stream of the plan; parts take the streams from 1.
pub(super) const PLAN_STREAM: u64 = 0;

#[derive(Debug, Clone)]
pub(super) struct Random(Pcg32);

impl Random {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(Pcg32::new(seed, stream))
    }

    /// Below `bound`. The bias of the multiplication is below 2^-24 for the small bounds used here.
    #[inline]
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// One of several.
    #[inline]
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    /// True once in `n` draws.
    #[inline]
    pub(super) fn once_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}
