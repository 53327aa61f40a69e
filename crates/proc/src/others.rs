//! CPU time of everything on this machine that has no part in a measurement, neither us nor the server: what else
//! the CPUs did meanwhile.

use std::time::{Duration, Instant};

use crate::{ProcessTree, ResourceSample, system};

/// The kernel counts CPU time in steps of 10 ms for each CPU and process, so that less says little.
const SHORTEST: Duration = Duration::from_secs(1);

/// Watches the machine's other work from now on.
#[derive(Debug)]
pub struct OthersClock {
    start: Instant,
    before: Option<Duration>,
}

impl OthersClock {
    /// Starts at now. `server` is the server's processes, without their descendants.
    #[must_use]
    pub fn start(server: &[u32]) -> Self {
        Self { start: Instant::now(), before: used_by_others(server) }
    }

    /// The share of all of the machine's CPUs that others used since the start, 0 to 1. `server` is named
    /// again since its processes may have changed; what else we started since, as a profiler, is no other if it is
    /// named with them. `None` within the first second, and where the kernel does
    /// not tell.
    #[must_use]
    pub fn share(&self, server: &[u32]) -> Option<f64> {
        let elapsed = Some(self.start.elapsed()).filter(|&elapsed| elapsed >= SHORTEST)?;
        let (_, cpus) = system::busy()?;
        let used = used_by_others(server)?.saturating_sub(self.before?);
        Some(used.as_secs_f64() / elapsed.as_secs_f64() / cpus as f64)
    }
}

/// Since the machine started.
fn used_by_others(server: &[u32]) -> Option<Duration> {
    let (all, _) = system::busy()?;
    // Ours with those descendants that have ended; those that live are others unless they are named.
    let ours = ResourceSample::of_own_process()?.cpu_ns;
    let servers = ProcessTree::new(server.iter().copied()).sample().map_or(0, |sample| sample.cpu_ns);
    Some(all.saturating_sub(Duration::from_nanos(ours + servers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_another_until_it_is_named_as_the_server() {
        if !system::IS_KNOWN {
            return crate::skip::skip("no-proc", "/proc");
        }
        let mut burner =
            std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let server = [burner.id()];
        let used_by_burner = || ProcessTree::new(server).sample().map_or(0, |sample| sample.cpu_ns);
        let (unnamed, named) = (used_by_others(&[]).unwrap(), used_by_others(&server).unwrap());
        let start = used_by_burner();
        while used_by_burner() - start < 300_000_000 {
            std::thread::yield_now();
        }
        let named = used_by_others(&server).unwrap().saturating_sub(named);
        let unnamed = used_by_others(&[]).unwrap().saturating_sub(unnamed);
        burner.kill().and_then(|()| burner.wait()).unwrap();
        assert!(unnamed >= named + Duration::from_millis(250), "{unnamed:?} and {named:?} as the server");
    }

    #[test]
    fn a_share_is_between_nothing_and_all_and_takes_a_second_to_know() {
        if !system::IS_KNOWN {
            return crate::skip::skip("no-proc", "/proc");
        }
        let mut clock = OthersClock::start(&[]);
        assert_eq!(clock.share(&[]), None);
        clock.start -= SHORTEST;
        let share = clock.share(&[]).unwrap();
        assert!((0.0..=1.0).contains(&share), "{share}");
    }
}
