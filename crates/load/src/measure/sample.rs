//! One call with its four times, and the durations between them.

use music21_mcp_bench::client::Outcome;

/// One scheduled call. All times are nanoseconds from the run's start on a monotonic clock, and
/// `due_ns <= dispatched_ns <= sent_ns <= done_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When the schedule wanted the call; in a closed loop, when it was sent.
    pub due_ns: u64,
    /// When the generator acted on it: from here on a delay is not the generator's fault.
    pub dispatched_ns: u64,
    /// When a session was free and the call went out.
    pub sent_ns: u64,
    /// When the answer was complete, or the call was abandoned.
    pub done_ns: u64,
    /// How the call ended.
    pub outcome: Outcome,
}

/// A duration as latency figures take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Nanoseconds.
    pub ns: u64,
    /// The call timed out after `ns`: its true time is longer.
    pub censored: bool,
}

impl Sample {
    /// The generator's own lateness: dispatched − due.
    pub(crate) fn scheduling_delay_ns(&self) -> u64 {
        self.dispatched_ns.saturating_sub(self.due_ns)
    }

    /// done − sent.
    pub(crate) fn service_ns(&self) -> u64 {
        self.done_ns.saturating_sub(self.sent_ns)
    }

    /// done − due: what a user who came on schedule waited. This is the time that is rated.
    pub(crate) fn response_ns(&self) -> u64 {
        self.done_ns.saturating_sub(self.due_ns)
    }

    /// The response time as a latency figure, `None` where the outcome has none (see
    /// [`Latency::of`]).
    pub(crate) fn response(&self) -> Option<Latency> {
        Latency::of(self.outcome, self.response_ns())
    }

    /// The service time as a latency figure, like [`Sample::response`].
    pub(crate) fn service(&self) -> Option<Latency> {
        Latency::of(self.outcome, self.service_ns())
    }
}

impl Latency {
    /// A call's time as the main latency figures take it: exact for a good answer, censored for a
    /// timeout, `None` for everything else. A fast refusal would make a server look fast, so the
    /// times of failures are kept apart.
    pub(crate) fn of(outcome: Outcome, ns: u64) -> Option<Self> {
        match outcome {
            Outcome::Ok => Some(Self { ns, censored: false }),
            Outcome::TimedOut => Some(Self { ns, censored: true }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_time_counts_from_when_the_call_was_due_and_a_service_time_from_when_it_was_sent() {
        let sample =
            Sample { due_ns: 100, dispatched_ns: 103, sent_ns: 150, done_ns: 400, outcome: Outcome::Ok };
        assert_eq!((sample.scheduling_delay_ns(), sample.service_ns()), (3, 250));
        assert_eq!(sample.response_ns(), 300);
    }

    #[test]
    fn a_timeout_is_censored_and_a_refusal_is_no_latency() {
        assert_eq!(Latency::of(Outcome::TimedOut, 5), Some(Latency { ns: 5, censored: true }));
        assert_eq!(Latency::of(Outcome::RateLimited, 5), None);
    }
}
