//! CPU time of a server in nanoseconds. `/proc/PID/stat` counts in steps of 10 ms, which is most of a slot of
//! 50 ms; the scheduler's own count of each thread is exact.

use std::collections::HashMap;

use crate::{ProcessTree, system};

/// Reads the CPU time a process tree has used since the last reading.
#[derive(Debug)]
pub struct CpuClock {
    tree: ProcessTree,
    /// Nanoseconds on a CPU, by thread.
    threads: HashMap<(i32, i32), u64>,
}

impl CpuClock {
    /// Starts at now. `None` without such processes, or where the kernel does not tell.
    #[must_use]
    pub fn start(roots: impl IntoIterator<Item = u32>) -> Option<Self> {
        let tree = ProcessTree::new(roots);
        let threads = read(&tree);
        (!threads.is_empty()).then_some(Self { tree, threads })
    }

    /// Nanoseconds since the last reading. A thread that ended meanwhile takes what it used with it.
    pub fn lap(&mut self) -> u64 {
        let now = read(&self.tree);
        let used = now.iter().map(|(thread, ns)| ns - self.threads.get(thread).unwrap_or(&0).min(ns)).sum();
        self.threads = now;
        used
    }
}

/// By process and thread.
fn read(tree: &ProcessTree) -> HashMap<(i32, i32), u64> {
    tree.pids().into_iter().flat_map(system::threads).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_and_a_process_that_is_not_there_has_no_clock() {
        let Some(mut clock) = CpuClock::start([std::process::id()]) else {
            return crate::skip::skip("no-schedstat", "/proc/self/task/*/schedstat");
        };
        clock.lap();
        let mut n = 0_u64;
        while clock.lap() < 1000 {
            n = std::hint::black_box(n + 1);
        }
        assert!(CpuClock::start([u32::MAX]).is_none());
    }
}
