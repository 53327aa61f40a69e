//! What a day leaves on the server: the end of the last off-peak phase against the end of the first, at the same load.

use music21_mcp_bench::client::Outcome;
use music21_mcp_proc::ResourceSample;

use super::judge::judged;
use crate::measure::stats::median;
use crate::measure::trend::{SOUND_UPPER, WARM_UP_S};
use crate::measure::validity::Figures;
use crate::result::phases::{self, FIRST_OFF_PEAK, LAST_OFF_PEAK};
use crate::result::{Check, DayProfile, Stage, StageResult, Verdict};

/// Readings at the end of an off-peak phase whose medians are compared, so that one call under way does not decide.
const READINGS: usize = 5;

/// Each is left out where it cannot be read.
pub(super) fn checks(measured: &StageResult, defined: &Stage) -> impl Iterator<Item = Check> {
    let day = defined.day();
    let end = |phase| End::of(measured, day.as_ref()?, phase);
    let ends = end(FIRST_OFF_PEAK).zip(end(LAST_OFF_PEAK));
    let read = ends.map(|(first, last)| {
        [descriptors(measured, &first, &last, defined.clients), memory(measured, &first, &last)]
    });
    read.into_iter().flatten().chain([scores(measured)]).flatten()
}

struct End {
    at_s: f64,
    /// `None` where another user's process hides its descriptors.
    fds: Option<f64>,
    megabytes: f64,
}

impl End {
    fn of(measured: &StageResult, day: &DayProfile, phase: &str) -> Option<Self> {
        let readings: Vec<_> = phases::readings(&measured.resources, day, phase).collect();
        let end = &readings[readings.len().checked_sub(READINGS)?..];
        let of = |get: fn(&ResourceSample) -> Option<u64>| {
            median(&end.iter().map(|at| Some(get(&at.sample)? as f64)).collect::<Option<Vec<_>>>()?)
        };
        Some(Self {
            at_s: end.last()?.at_ns as f64 / 1e9,
            fds: of(|sample| sample.fds),
            megabytes: of(|sample| Some(sample.rss_anon_bytes))? / 1e6,
        })
    }
}

/// What the peak hours opened may stay open: a connection for each session.
fn descriptors(measured: &StageResult, first: &End, last: &End, clients: usize) -> Option<Check> {
    let (first, last) = first.fds.zip(last.fds)?;
    let verdict = if last > first + clients as f64 { Verdict::Fail } else { Verdict::Pass };
    let text = format!("{first:.0} → {last:.0}, fails if more than {clients} are added");
    Some(judged(measured, Figures::Resources, "descriptors, off-peak to off-peak", verdict, text))
}

/// Growth beyond what the leak rule calls sound: caches or a leak, which two readings do not tell apart. `None` if
/// the server was still warming up in the first off-peak phase.
fn memory(measured: &StageResult, first: &End, last: &End) -> Option<Check> {
    let allowed = SOUND_UPPER * (last.at_s - first.at_s) / 60.0;
    let grown = last.megabytes - first.megabytes;
    let (verdict, advice) = if grown < allowed {
        (Verdict::Pass, "")
    } else {
        (Verdict::Inconclusive, ": 'run memory' tells whether it leaks")
    };
    let (from, to) = (first.megabytes, last.megabytes);
    let text = format!("{from:.1} → {to:.1} MB, {grown:+.1}, sound below {allowed:+.1}{advice}");
    (first.at_s >= WARM_UP_S)
        .then(|| judged(measured, Figures::Resources, "memory, off-peak to off-peak", verdict, text))
}

/// Every score is deleted by whoever imported it; a call that failed may have left its own.
fn scores(measured: &StageResult) -> Option<Check> {
    let (before, after) = measured.scores_before.zip(measured.scores_held)?;
    let failed = measured.accounts.sent - measured.accounts.count(Outcome::Ok);
    let verdict = if after > before + failed { Verdict::Fail } else { Verdict::Pass };
    let text = format!("{before} → {after}, {failed} calls failed and may have left theirs");
    Some(judged(measured, Figures::Counts, "scores, before and after the day", verdict, text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::fixture::{reading as made_up, stage_named};
    use crate::scenario::{Options, find};

    /// A day of 600 s whose server has `fds` and `megabytes` at the end of the first off-peak phase and of the last.
    fn verdicts(fds: Option<[u64; 2]>, megabytes: [u64; 2]) -> Vec<Verdict> {
        let defined = find("stability").unwrap().definition(&Options::default()).stages.remove(0);
        let reading = |s: u64| {
            let is_last = usize::from(s > 300);
            let rss_anon_bytes = megabytes[is_last] * 1_000_000;
            let fds = fds.map(|fds| fds[is_last]);
            let sample = ResourceSample { rss_anon_bytes, fds, ..ResourceSample::default() };
            made_up(s * 1_000_000_000, s, sample)
        };
        let measured = StageResult { resources: (0..600).map(reading).collect(), ..stage_named("day") };
        checks(&measured, &defined).map(|check| check.verdict).collect()
    }

    #[test]
    fn more_descriptors_than_sessions_are_a_leak() {
        let pass = Verdict::Pass;
        assert_eq!(verdicts(Some([20, 28]), [90, 92]), [pass, pass], "8 sessions");
        assert_eq!(verdicts(Some([20, 29]), [90, 92]), [Verdict::Fail, pass]);
        assert_eq!(verdicts(None, [90, 92]), [pass], "descriptors are hidden");
    }

    #[test]
    fn memory_that_grew_beyond_the_leak_rules_limit_is_inconclusive() {
        // 2 MB/min over the 375 s from 9 to 24.
        assert_eq!(verdicts(Some([20, 20]), [90, 102])[1], Verdict::Pass);
        assert_eq!(verdicts(Some([20, 20]), [90, 103])[1], Verdict::Inconclusive);
    }

    #[test]
    fn scores_are_counted_exactly_but_for_calls_that_failed() {
        let of = |after: u64, failed: u64| {
            let ended = json!({ "ok": 100 - failed, "timed_out": failed });
            let accounts = json!({ "scheduled": 100, "sent": 100, "ended": ended });
            let fields = json!({ "scores_before": 3, "scores_held": after, "accounts": accounts });
            scores(&crate::result::fixture::stage(&fields)).unwrap().verdict
        };
        assert_eq!((of(3, 0), of(4, 0), of(4, 1)), (Verdict::Pass, Verdict::Fail, Verdict::Pass));
    }
}
