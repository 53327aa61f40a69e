//! CPU time of a server in nanoseconds. `/proc/PID/stat` counts in steps of 10 ms, which is most of a slot of
//! 50 ms; the scheduler's own count of each thread is exact.

use std::collections::HashMap;
use std::fs;

use crate::ProcessTree;

/// Reads the CPU time a process tree has used since the last reading.
#[derive(Debug)]
pub struct CpuClock {
    tree: ProcessTree,
    /// Nanoseconds on a CPU, by thread.
    threads: HashMap<(u32, u64), u64>,
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

fn read(tree: &ProcessTree) -> HashMap<(u32, u64), u64> {
    let mut threads = HashMap::new();
    for pid in tree.pids() {
        for entry in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            // The first of three numbers: on a CPU, waiting for one, and time slices.
            let used = fs::read_to_string(entry.path().join("schedstat"));
            let used = used.ok().and_then(|text| text.split(' ').next()?.parse().ok());
            let thread = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let (Some(used), Some(thread)) = (used, thread) {
                threads.insert((pid, thread), used);
            }
        }
    }
    threads
}

#[cfg(test)]
#[path = "../../../tests/support/skip.rs"]
mod skip;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_and_a_process_that_is_not_there_has_no_clock() {
        let Some(mut clock) = CpuClock::start([std::process::id()]) else {
            return super::skip::skip("no-schedstat", "/proc/self/task/*/schedstat");
        };
        clock.lap();
        let mut n = 0_u64;
        while clock.lap() < 1000 {
            n = std::hint::black_box(n + 1);
        }
        assert!(CpuClock::start([u32::MAX]).is_none());
    }
}
