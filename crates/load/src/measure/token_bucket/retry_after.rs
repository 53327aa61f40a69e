//! Does a refusal tell the truth about when to come back?

use serde::{Deserialize, Serialize};

use super::Probe;

/// HTTP's `Retry-After` counts whole seconds, so a promise may be up to this much too long.
const GRANULARITY_NS: u64 = 1_000_000_000;

/// What refusals promised and what came of it, in calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RetryAfter {
    /// Refusals that say nothing that can be read.
    pub absent: u32,
    /// Promises that were kept.
    pub kept: u32,
    /// Promises after which a call was refused again.
    pub too_short: u32,
    /// Promises more than a second longer than it took.
    pub too_long: u32,
    /// Promises that no later call put to the test.
    pub untested: u32,
}

pub(super) fn check(probes: &[Probe]) -> RetryAfter {
    let mut found = RetryAfter::default();
    for (i, probe) in probes.iter().enumerate().filter(|(_, probe)| !probe.admitted) {
        let Some(wait_ns) = probe.retry_after_ns else {
            found.absent += 1;
            continue;
        };
        let promised_ns = probe.received_ns + wait_ns;
        let later = &probes[i + 1..];
        let next_admitted = later.iter().position(|probe| probe.admitted);
        let until = next_admitted.unwrap_or(later.len());
        let refused_again = later[..until].iter().any(|probe| probe.sent_ns >= promised_ns);
        let counter = match next_admitted.map(|i| later[i].received_ns) {
            _ if refused_again => &mut found.too_short,
            Some(admitted_ns) if admitted_ns + GRANULARITY_NS < promised_ns => &mut found.too_long,
            Some(_) => &mut found.kept,
            None => &mut found.untested,
        };
        *counter += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn probe(at_s: u64, admitted: bool, retry_after_s: Option<u64>) -> Probe {
        let retry_after_ns = retry_after_s.map(|s| s * S);
        Probe { sent_ns: at_s * S, received_ns: at_s * S, admitted, retry_after_ns }
    }

    #[test]
    fn each_promise_is_kept_or_broken_once() {
        let found = check(&[
            probe(0, false, Some(1)),
            probe(2, false, Some(8)),
            probe(3, true, None),
            probe(4, false, Some(2)),
            probe(6, true, None),
            probe(7, false, None),
            probe(8, false, Some(5)),
        ]);
        let expected = RetryAfter { absent: 1, kept: 1, too_short: 1, too_long: 1, untested: 1 };
        assert_eq!(found, expected);
    }
}
