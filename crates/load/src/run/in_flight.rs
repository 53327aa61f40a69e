//! How many calls are sent and not yet answered, for those who look while a stage runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count of calls. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlight(Arc<AtomicUsize>);

/// One call, until dropped: it may be abandoned unanswered.
pub(super) struct UnderWay<'a>(&'a AtomicUsize);

impl InFlight {
    /// Counts one call.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.0)
    }

    /// Calls now.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
