//! CPU time of this process and of its threads, which any Unix tells to the nanosecond.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process so far, of those threads too that have ended.
#[must_use]
pub fn own_cpu() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

/// CPU time of the calling thread so far.
#[must_use]
pub fn thread_cpu() -> Duration {
    clock(ClockId::ThreadCPUTime)
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_for_its_thread_and_for_the_process() {
        let (process, thread) = (own_cpu(), thread_cpu());
        let mut n = 0_u64;
        while thread_cpu() - thread < Duration::from_millis(1) {
            n = std::hint::black_box(n + 1);
        }
        assert!(own_cpu() - process >= Duration::from_millis(1));
    }
}
