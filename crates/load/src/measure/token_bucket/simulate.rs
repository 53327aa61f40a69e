//! The prober against a limiter that exists only as a function of time.

use super::{Limit, Probe, Prober, Report, Step};

/// How long a simulated call is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// From sending to the limiter's decision, nanoseconds.
    pub there_ns: u64,
    /// From the decision to the answer's arrival, nanoseconds.
    pub back_ns: u64,
}

/// Probes `admit`, which is asked with the time in nanoseconds, on a simulated clock.
pub fn simulate(
    limit: Limit,
    mut round_trip: impl FnMut() -> RoundTrip,
    mut admit: impl FnMut(u64) -> bool,
) -> Report {
    let mut prober = Prober::new(limit);
    let mut now_ns = 0;
    while let Step::Call { at_ns } = prober.next() {
        let RoundTrip { there_ns, back_ns } = round_trip();
        let sent_ns = at_ns.max(now_ns);
        let admitted = admit(sent_ns + there_ns);
        now_ns = sent_ns + there_ns + back_ns;
        prober.observe(Probe { sent_ns, received_ns: now_ns, admitted, retry_after_ns: None });
    }
    prober.report()
}
