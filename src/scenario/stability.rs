//! A day's pattern of load in ten minutes.

use super::definition::{Arrivals, Definition, Stage, Thresholds};
use super::judge::check;
use super::result::{Check, ScenarioResult, Verdict};
use super::stage_result::StageResult;
use super::steps::{life, stage, timed, warm};
use super::{Options, Scenario};
use crate::load::DayProfile;
use crate::measure::Outcome;
use crate::measure::quantile::Quantile;
use crate::measure::stats::chi_squared_p;

pub(super) static SCENARIO: Scenario = Scenario {
    name: "stability",
    about: "the pattern of a working day in 10 minutes: night, business hours, evening, night",
    explanation: "\
An open loop whose rate follows a day: 0.1 of the peak at night (23-09), the peak in business hours (09-18),
0.4 in the evening (18-23), with smooth changes of an hour. 24 hours (--hours) take 600 s (--duration); the
peak is 10 calls a second (--rate), not multiplied by the compression. Arrivals are independent (Poisson),
fixed by the seed. It begins and ends at night, so that the same load is compared with itself.

Reported by phase: calls, success, response times from the intended start; arrivals against the schedule; the
server's memory, descriptors and threads.
Fails if fewer than 90 % of the calls end well, if the arrivals do not follow the schedule (in number, and
hour by hour by χ² with p < 0.001), or if the last night's p95 is surely more than 1.25 times the first's (with 200 calls in each; else that is
not judged).

It cannot show what time itself drives: scores that expire after an hour, idle timeouts, periodic cleaning,
log rotation, changes of the clock, leaks by the hour.",
    define,
    judge,
};

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(if options.quick { 24.0 } else { 600.0 });
    let peak = options.rate_per_s.unwrap_or(10.0);
    let levels = DayProfile::working_day(peak, duration_s).levels;
    let stage = Stage {
        rate_per_s: Some(peak),
        arrivals: Arrivals::Day { hours: options.hours, levels },
        deadline_s: options.deadline_s.unwrap_or(30.0),
        settle_s: if options.quick { 1.0 } else { 5.0 },
        ..timed(stage("day", options.clients.unwrap_or(8), life()), duration_s)
    };
    Definition {
        thresholds: Thresholds { min_success: Some(0.9), ..Thresholds::default() },
        prepare: warm(),
        stages: vec![stage],
        ..Definition::default()
    }
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    let stages = result.stages.iter().zip(&result.definition.stages);
    stages
        .flat_map(|(measured, defined)| {
            [arrivals(measured, defined), hours(measured, defined)].into_iter().chain(nights(measured))
        })
        .collect()
}

/// The number of arrivals against the schedule's expectation, whose standard deviation is its root.
fn arrivals(measured: &StageResult, defined: &Stage) -> Check {
    let offered_for_s = measured.elapsed_ns as f64 / 1e9;
    let expected = defined.day().map_or(0.0, |day| day.expected_until(offered_for_s));
    let scheduled = measured.accounts.scheduled;
    let within = (scheduled as f64 - expected).abs() <= 4.0 * expected.sqrt().max(1.0);
    let verdict = if within { Verdict::Pass } else { Verdict::Fail };
    check(
        "arrivals",
        verdict,
        format!("{scheduled} calls due, {expected:.0} ± {:.0} expected", 4.0 * expected.sqrt()),
    )
}

/// Arrivals hour by hour against the schedule.
fn hours(measured: &StageResult, defined: &Stage) -> Check {
    let name = "arrivals by hour";
    let dropped = measured.accounts.count(Outcome::Dropped);
    if dropped > 0 {
        let text = format!("{dropped} calls were dropped, and the hour of those is not known");
        return check(name, Verdict::Inconclusive, text);
    }
    let Some(day) = defined.day() else { return check(name, Verdict::Inconclusive, "the stage has no day") };
    let hour_s = day.duration_s / day.hours;
    let until = |hour: usize| day.expected_until(hour as f64 * hour_s);
    let expected: Vec<f64> =
        (0..day.hours.ceil() as usize).map(|hour| until(hour + 1) - until(hour)).collect();
    // Hours at the end in which nothing was due are counted as well.
    let mut due = measured.due_by_hour.clone();
    due.resize(expected.len(), 0);
    let Some(p) = chi_squared_p(&due, &expected) else {
        return check(name, Verdict::Inconclusive, "fewer than five calls expected");
    };
    let verdict = if p > MIN_P { Verdict::Pass } else { Verdict::Fail };
    check(name, verdict, format!("χ² over {} hours, p = {p:.2e}, above {MIN_P}", expected.len()))
}

/// The last night against the first, at the same load: what the day has done to the response times. `None` with
/// too few calls for a p95 of each.
fn nights(measured: &StageResult) -> Option<Check> {
    let name = "p95 of the last night against the first";
    let p95 = |phase: &str| match measured.phases.get(phase)?.response.as_ref()?.p95 {
        Quantile::Value { ns, interval } => {
            Some((interval.low_ns as f64, ns as f64, interval.high_ns? as f64))
        }
        _ => None,
    };
    let (first, last) = p95("night, before").zip(p95("night, after"))?;
    // The ends of both intervals: wider than the interval of the ratio, never narrower.
    let (low, ratio, high) = (last.0 / first.2, last.1 / first.1, last.2 / first.0);
    let verdict = if low > MAX_SLOWER { Verdict::Fail } else { Verdict::Pass };
    let text = format!("{ratio:.2} times ({low:.2} to {high:.2}), fails if surely above {MAX_SLOWER}");
    Some(check(name, verdict, text))
}

/// A schedule that is kept gives a smaller p in one run of a thousand.
const MIN_P: f64 = 0.001;
/// Slower by more than this is slower than a recovered server may be (see 'recovery').
const MAX_SLOWER: f64 = 1.25;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scenario::fixture::stage as made_up;

    fn day(due_by_hour: &[u64], dropped: u64) -> Verdict {
        let defined = define(&Options::default()).stages.remove(0);
        let accounts = json!({ "scheduled": dropped, "sent": 0, "ended": { "dropped": dropped } });
        hours(&made_up(&json!({ "due_by_hour": due_by_hour, "accounts": accounts })), &defined).verdict
    }

    #[test]
    fn arrivals_are_held_against_every_hour_and_not_only_their_sum() {
        // At 10 calls a second an hour of 25 s holds 250 calls at the peak: 09 to 18, evening to 23, night.
        let profile = DayProfile::working_day(10.0, 600.0);
        let until = |hour: usize| profile.expected_until(hour as f64 * 25.0);
        let kept: Vec<u64> = (0..24).map(|hour| (until(hour + 1) - until(hour)).round() as u64).collect();
        assert_eq!(kept[12], 250);
        assert_eq!(day(&kept, 0), Verdict::Pass);
        let mut late = kept.clone();
        late.rotate_right(1);
        assert_eq!(late.iter().sum::<u64>(), kept.iter().sum::<u64>());
        assert_eq!(day(&late, 0), Verdict::Fail);
        assert_eq!(day(&kept[..12], 0), Verdict::Fail, "the second half was not offered");
        assert_eq!(day(&kept, 1), Verdict::Inconclusive);
    }

    fn night(first_ms: [u64; 3], last_ms: [u64; 3]) -> Verdict {
        let phase = |[low, p95, high]: [u64; 3]| {
            let ns = |ms: u64| ms * 1_000_000;
            let value = |ms| {
                let interval = json!({ "low_ns": ns(low), "high_ns": ns(high), "method": "batches", "optimistic": false });
                json!({ "kind": "value", "ns": ns(ms), "interval": interval })
            };
            let few = json!({ "kind": "too_few_samples", "needed": 1 });
            json!({
                "accounts": { "scheduled": 1, "sent": 1, "ended": {} },
                "response": {
                    "count": 250, "censored": 0, "min_ns": 1, "mean_ns": 1.0, "max_ns": ns(high), "lag1": 0.0,
                    "median": few, "p95": value(p95), "p99": few, "p999": few
                }
            })
        };
        nights(&made_up(
            &json!({ "phases": { "night, before": phase(first_ms), "night, after": phase(last_ms) } }),
        ))
        .unwrap()
        .verdict
    }

    #[test]
    fn a_last_night_that_is_surely_slower_fails() {
        assert_eq!(night([10, 12, 14], [11, 13, 15]), Verdict::Pass);
        assert_eq!(night([10, 12, 14], [16, 20, 30]), Verdict::Pass, "the intervals are too wide");
        assert_eq!(night([10, 12, 14], [20, 24, 28]), Verdict::Fail);
    }
}
