//! What to ask next, given the answers so far: burst, polling, and bursts after idling.
//!
//! It is a state machine without a clock, so the same one probes a live server and a simulated
//! bucket.

use super::{Limit, Probe, RATE_ACCEPTS, Report, judge};

/// Polls per token while the rate is measured.
const POLLS_PER_TOKEN: f64 = 5.0;
/// A correct bucket lets [`RATE_ACCEPTS`] calls through in half this many polls.
const MAX_POLLS: usize = RATE_ACCEPTS * POLLS_PER_TOKEN as usize * 2;
/// Refusals in a row that show an empty bucket.
const DRAINED: usize = 2;

/// What the prober wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make one call, not before this time, and report it with [`Prober::observe`].
    Call {
        /// Nanoseconds on the clock of the observations.
        at_ns: u64,
    },
    /// Nothing more; call [`Prober::report`].
    Done,
}

/// What was observed, by phase.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub(super) burst: Vec<Probe>,
    pub(super) rate: Vec<Probe>,
    pub(super) rate_is_finished: bool,
    pub(super) refills: Vec<RefillLog>,
}

/// One idle time: the calls that drained the bucket, and those that came after it.
#[derive(Debug, Clone, Default)]
pub(super) struct RefillLog {
    pub(super) drain: Vec<Probe>,
    pub(super) burst: Vec<Probe>,
}

impl Log {
    /// Every probe in order of time.
    pub(super) fn all(&self) -> Vec<Probe> {
        let refills = self.refills.iter().flat_map(|refill| refill.drain.iter().chain(&refill.burst));
        self.burst.iter().chain(&self.rate).chain(refills).copied().collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Burst,
    Rate,
    Drain(usize),
    AfterIdle(usize),
    Done,
}

/// Probes one limiter with one identity that has made no calls before.
#[derive(Debug, Clone)]
pub(crate) struct Prober {
    limit: Limit,
    phase: Phase,
    next_ns: u64,
    log: Log,
}

impl Prober {
    /// A prober of a limiter that declares `limit`. It makes about 14·C + 170 calls, in [`Limit::probing_s`].
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit, phase: Phase::Burst, next_ns: 0, log: Log::default() }
    }

    /// What to do next.
    pub(crate) fn next(&self) -> Step {
        match self.phase {
            Phase::Done => Step::Done,
            _ => Step::Call { at_ns: self.next_ns },
        }
    }

    /// Takes the answer to the call that [`Prober::next`] asked for.
    pub(crate) fn observe(&mut self, probe: Probe) {
        match self.phase {
            Phase::Burst => self.observe_burst(probe),
            Phase::Rate => self.observe_rate(probe),
            Phase::Drain(i) => self.observe_drain(i, probe),
            Phase::AfterIdle(i) => self.observe_after_idle(i, probe),
            Phase::Done => {}
        }
    }

    /// The judgement of everything seen so far.
    pub(crate) fn report(&self) -> Report {
        judge(&self.log, self.limit, self.phase == Phase::Done)
    }

    /// Calls after which a back-to-back burst must have met a refusal.
    fn burst_calls(&self) -> usize {
        2 * self.limit.capacity as usize + 10
    }

    /// Idle times in seconds: a few tokens, half a bucket, a bucket, and two to prove the cap.
    fn idle_s(&self) -> [f64; 4] {
        let capacity = f64::from(self.limit.capacity);
        [2.5, capacity / 2.0, capacity, 2.0 * capacity].map(|tokens| tokens * self.limit.seconds_per_token())
    }

    fn observe_burst(&mut self, probe: Probe) {
        self.log.burst.push(probe);
        self.next_ns = probe.received_ns;
        if self.log.burst.len() >= self.burst_calls() {
            // Where nothing is ever refused there is no rate to measure.
            let any_refused = self.log.burst.iter().any(|probe| !probe.admitted);
            self.phase = if any_refused { Phase::Rate } else { Phase::Done };
        }
    }

    fn observe_rate(&mut self, probe: Probe) {
        self.log.rate.push(probe);
        let interval_ns = (self.limit.seconds_per_token() / POLLS_PER_TOKEN * 1e9) as u64;
        self.next_ns = probe.sent_ns + interval_ns;
        let accepts = self.log.rate.iter().filter(|probe| probe.admitted).count();
        if accepts >= RATE_ACCEPTS || self.log.rate.len() >= MAX_POLLS {
            self.log.rate_is_finished = true;
            self.start_refill(0);
        }
    }

    fn start_refill(&mut self, i: usize) {
        if i < self.idle_s().len() {
            self.log.refills.push(RefillLog::default());
            self.phase = Phase::Drain(i);
        } else {
            self.phase = Phase::Done;
        }
    }

    fn observe_drain(&mut self, i: usize, probe: Probe) {
        let drain = &mut self.log.refills[i].drain;
        drain.push(probe);
        let refused = drain.iter().rev().take_while(|probe| !probe.admitted).count();
        self.next_ns = probe.received_ns;
        if refused >= DRAINED || self.log.refills[i].drain.len() >= self.burst_calls() {
            self.next_ns += (self.idle_s()[i] * 1e9) as u64;
            self.phase = Phase::AfterIdle(i);
        }
    }

    fn observe_after_idle(&mut self, i: usize, probe: Probe) {
        self.log.refills[i].burst.push(probe);
        self.next_ns = probe.received_ns;
        if !probe.admitted || self.log.refills[i].burst.len() >= self.burst_calls() {
            self.start_refill(i + 1);
        }
    }
}
