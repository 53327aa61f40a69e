//! Windows in place of a bucket.

use std::collections::VecDeque;

use super::Limiter;

/// So many calls in each window of a fixed grid.
#[derive(Debug)]
pub(super) struct FixedWindow {
    capacity: u32,
    length_ns: u64,
    start_ns: u64,
    passed: u32,
}

impl FixedWindow {
    pub(super) fn new(capacity: u32, length_ns: u64, now_ns: u64) -> Self {
        Self { capacity, length_ns: length_ns.max(1), start_ns: now_ns, passed: 0 }
    }
}

impl Limiter for FixedWindow {
    fn admit(&mut self, now_ns: u64) -> bool {
        let windows = now_ns.saturating_sub(self.start_ns) / self.length_ns;
        if windows > 0 {
            self.start_ns += windows * self.length_ns;
            self.passed = 0;
        }
        let admitted = self.passed < self.capacity;
        self.passed += u32::from(admitted);
        admitted
    }
}

/// So many calls in any window.
#[derive(Debug)]
pub(super) struct SlidingWindow {
    capacity: u32,
    length_ns: u64,
    counted: Counted,
    calls_ns: VecDeque<u64>,
}

/// Which calls a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Passed,
    All,
}

impl SlidingWindow {
    pub(super) fn new(capacity: u32, length_ns: u64, counted: Counted) -> Self {
        Self { capacity, length_ns, counted, calls_ns: VecDeque::new() }
    }
}

impl Limiter for SlidingWindow {
    fn admit(&mut self, now_ns: u64) -> bool {
        while self.calls_ns.front().is_some_and(|&call| now_ns - call >= self.length_ns) {
            self.calls_ns.pop_front();
        }
        let admitted = self.calls_ns.len() < self.capacity as usize;
        if admitted || self.counted == Counted::All {
            self.calls_ns.push_back(now_ns);
        }
        // More than a full window decides nothing, and would grow with every refused call.
        if self.calls_ns.len() > self.capacity as usize {
            self.calls_ns.pop_front();
        }
        admitted
    }
}
