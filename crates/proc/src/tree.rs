//! What a server's processes use: the whole tree below given processes, as the system tells it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::system;

/// What a process tree uses at one moment, summed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ResourceSample {
    /// Processes in the tree.
    pub processes: u64,
    /// Resident memory; pages that two processes share count twice.
    pub rss_bytes: u64,
    /// The most resident memory that each process has had since its start, by the kernel's high-water mark; 0 in older
    /// files.
    #[serde(default)]
    pub peak_rss_bytes: u64,
    /// Resident memory that belongs to no file: what leaks.
    pub rss_anon_bytes: u64,
    /// CPU time since their start, children that ended included; the kernel counts in steps of 10 ms.
    pub cpu_ns: u64,
    /// Open file descriptors; `None` where another user's process hides them.
    pub fds: Option<u64>,
    /// Threads.
    pub threads: u64,
}

/// A set of processes and all their descendants.
#[derive(Debug, Clone)]
pub struct ProcessTree {
    roots: Vec<i32>,
    members: Vec<i32>,
    samples_since_scan: u32,
}

/// Looking for new children reads every process of the machine, so it is done for one sample in this many.
const SCAN_EVERY: u32 = 8;

impl ProcessTree {
    /// The tree below these processes, themselves included.
    #[must_use]
    pub fn new(roots: impl IntoIterator<Item = u32>) -> Self {
        let roots = roots.into_iter().filter_map(|pid| i32::try_from(pid).ok()).collect();
        let mut tree = Self { roots, members: Vec::new(), samples_since_scan: 0 };
        tree.scan();
        tree
    }

    /// The members found by the last look, roots first.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.members.iter().map(|pid| pid.unsigned_abs()).collect()
    }

    /// What the tree uses now; `None` where none of its processes is left.
    pub fn sample(&mut self) -> Option<ResourceSample> {
        self.samples_since_scan += 1;
        if self.samples_since_scan >= SCAN_EVERY {
            self.scan();
        }
        let mut sum = ResourceSample { fds: Some(0), ..ResourceSample::default() };
        for pid in &self.members {
            if let Some(one) = system::sample(*pid) {
                sum = sum.plus(&one);
            }
        }
        (sum.processes > 0).then_some(sum)
    }

    fn scan(&mut self) {
        self.samples_since_scan = 0;
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for (pid, parent) in system::parents() {
            children.entry(parent).or_default().push(pid);
        }
        self.members.clear();
        let mut next = self.roots.clone();
        while let Some(pid) = next.pop() {
            if !self.members.contains(&pid) {
                self.members.push(pid);
                next.extend(children.get(&pid).into_iter().flatten());
            }
        }
    }
}

impl ResourceSample {
    /// What this process uses, without what it started. `None` where the system does not tell.
    #[must_use]
    pub fn of_own_process() -> Option<Self> {
        system::sample(i32::try_from(std::process::id()).ok()?)
    }

    fn plus(self, other: &Self) -> Self {
        let Self { processes, rss_bytes, peak_rss_bytes, rss_anon_bytes, cpu_ns, fds, threads } = self;
        Self {
            processes: processes + other.processes,
            rss_bytes: rss_bytes + other.rss_bytes,
            peak_rss_bytes: peak_rss_bytes + other.peak_rss_bytes,
            rss_anon_bytes: rss_anon_bytes + other.rss_anon_bytes,
            cpu_ns: cpu_ns + other.cpu_ns,
            fds: fds.zip(other.fds).map(|(mine, theirs)| mine + theirs),
            threads: threads + other.threads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_has_memory_threads_and_descriptors() {
        if !system::IS_KNOWN {
            return crate::skip::skip("no-proc", "/proc");
        }
        // A child that another test starts has no descriptors to be seen until it has begun.
        let whole = || ProcessTree::new([std::process::id()]).sample().filter(|sample| sample.fds.is_some());
        let sample = (0..1000).find_map(|_| whole()).unwrap();
        assert!(sample.processes >= 1 && sample.threads >= 1 && sample.fds >= Some(3), "{sample:?}");
        assert!(sample.rss_bytes > sample.rss_anon_bytes && sample.rss_anon_bytes > 100_000, "{sample:?}");
        assert!(sample.peak_rss_bytes >= sample.rss_bytes, "{sample:?}");
    }

    #[test]
    fn a_tree_holds_its_grandchildren_and_is_gone_with_its_root() {
        if !system::IS_KNOWN {
            return crate::skip::skip("no-proc", "/proc");
        }
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo ready; read line; kill $!"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut [0; 6]).unwrap();
        let mut tree = ProcessTree::new([shell.id()]);
        assert_eq!(tree.sample().map(|sample| sample.processes), Some(2), "{:?}", tree.pids());
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(ProcessTree::new([shell.id()]).sample(), None);
    }
}
