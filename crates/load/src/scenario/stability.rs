//! A day's pattern of load in ten minutes.

use music21_mcp_bench::client::Outcome;

use super::calls::{open_loop, single_stage};
use super::judge::{judged, trend};
use super::{Options, Scenario, off_peak};
use crate::measure::quantile::Quantile;
use crate::measure::stats::{chi_squared_p, shown_p};
use crate::measure::trend::{LeakVerdict, judge_leak};
use crate::measure::validity::Figures;
use crate::result::phases::{self, FIRST_OFF_PEAK, FIRST_PEAK_HOUR, LAST_OFF_PEAK, LAST_PEAK_HOUR};
use crate::result::{
    Arrivals, Check, DayProfile, Definition, ResourceAt, ScenarioResult, Stage, StageResult, Verdict,
};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "stability",
    about: "the pattern of a working day in 10 minutes: off-peak, business hours, evening, off-peak",
    explanation: "\
An open loop whose rate follows a day: a tenth of the peak off-peak (23-09), the peak in business hours (09-18),
0.4 of it in the evening (18-23), each change smooth over an hour. 24 hours (--hours) take 600 s (--duration). The
peak is 10 calls a second (--rate), not multiplied by the compression. Arrivals are independent (Poisson) and
fixed by the seed. The day begins and ends off-peak; the last off-peak phase is the hour in which the evening's
rate falls.

Reported by phase: calls, success, response times from the intended start, growth of memory. The first and the
last hour at the full rate (10-11 and 17-18) are shown apart, as are the calls that waited at the end of each
ramp. A phase long enough for the rule of 'memory' is judged by it; in ten minutes none is.
Fails if
- fewer than 90 % of the calls end well (it ends early once surely fewer than a quarter do);
- the arrivals do not follow the schedule, in number or hour by hour (χ², p < 0.001);
- the p95 of the last peak hour, or of the last off-peak phase, is surely more than 1.25 times that of the first.
  Each needs 200 calls, else it is not judged: at 10 calls a second a peak hour has them if the day takes 600 s,
  the last off-peak phase if it takes 2400 s;
- the last off-peak phase ends with more descriptors than the first, by more than one a session;
- more scores are left than before the day, by more than the number of calls that failed.
Inconclusive if memory grew by 2 MB/min or more between the ends of the two off-peak phases: in so few readings
caches look like a leak.

It cannot show what time itself drives: scores that expire after an hour, idle timeouts, periodic cleaning,
log rotation, changes of the clock, leaks by the hour.",
    define,
    judge,
};

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(if options.quick { 24.0 } else { 600.0 });
    let levels = DayProfile::working_day(1.0, duration_s).levels;
    single_stage(Stage {
        arrivals: Arrivals::Day { hours: options.hours.unwrap_or(24.0), levels },
        settle_s: if options.quick { 1.0 } else { 5.0 },
        ..open_loop("day", options, duration_s)
    })
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    let stages = result.stages.iter().zip(&result.definition.stages);
    stages.flat_map(|(measured, defined)| day(measured, defined)).collect()
}

fn day(measured: &StageResult, defined: &Stage) -> Vec<Check> {
    let mut checks = vec![arrivals(measured, defined), hours(measured, defined)];
    checks.extend(slower(measured, "last peak hour", FIRST_PEAK_HOUR, LAST_PEAK_HOUR));
    checks.extend(slower(measured, "last off-peak hours", FIRST_OFF_PEAK, LAST_OFF_PEAK));
    checks.extend(off_peak::checks(measured, defined));
    checks.extend(leaks(measured, defined));
    checks
}

/// The number of arrivals against the schedule's expectation, whose standard deviation is its root.
fn arrivals(measured: &StageResult, defined: &Stage) -> Check {
    let offered_for_s = measured.elapsed_ns as f64 / 1e9;
    let expected = defined.day().map_or(0.0, |day| day.expected_until(offered_for_s));
    let scheduled = measured.accounts.scheduled;
    let within = (scheduled as f64 - expected).abs() <= 4.0 * expected.sqrt().max(1.0);
    let verdict = if within { Verdict::Pass } else { Verdict::Fail };
    let text = format!("{scheduled} calls due, {expected:.0} ± {:.0} expected", 4.0 * expected.sqrt());
    judged(measured, Figures::Counts, "arrivals", verdict, text)
}

/// Arrivals hour by hour against the schedule.
fn hours(measured: &StageResult, defined: &Stage) -> Check {
    let by_hour =
        |verdict, text: String| judged(measured, Figures::Counts, "arrivals by hour", verdict, text);
    let dropped = measured.accounts.count(Outcome::Dropped);
    if dropped > 0 {
        let text = format!("{dropped} calls were dropped, and the hour of those is not known");
        return by_hour(Verdict::Inconclusive, text);
    }
    let Some(day) = defined.day() else {
        return by_hour(Verdict::Inconclusive, "the stage has no day".to_owned());
    };
    let hour_s = day.duration_s / day.hours;
    let until = |hour: usize| day.expected_until(hour as f64 * hour_s);
    let expected: Vec<f64> =
        (0..day.hours.ceil() as usize).map(|hour| until(hour + 1) - until(hour)).collect();
    // Hours at the end in which nothing was due are counted as well.
    let mut due = measured.due_by_hour.clone();
    due.resize(expected.len(), 0);
    let Some(p) = chi_squared_p(&due, &expected) else {
        return by_hour(Verdict::Inconclusive, "fewer than five calls expected".to_owned());
    };
    let verdict = if p > MIN_P { Verdict::Pass } else { Verdict::Fail };
    by_hour(verdict, format!("χ² over {} hours, {}, above {MIN_P}", expected.len(), shown_p(p)))
}

/// A phase against an earlier one of the same load: what the day has done to the response times. `None` with too few
/// calls for a p95 of each.
fn slower(measured: &StageResult, what: &str, first: &str, last: &str) -> Option<Check> {
    let p95 = |phase: &str| match measured.phases.get(phase)?.response.as_ref()?.p95 {
        Quantile::Value { ns, interval } => {
            Some((interval.low_ns as f64, ns as f64, interval.high_ns? as f64))
        }
        _ => None,
    };
    let (first, last) = p95(first).zip(p95(last))?;
    // The ends of both intervals: wider than the interval of the ratio, never narrower.
    let (low, ratio, high) = (last.0 / first.2, last.1 / first.1, last.2 / first.0);
    let verdict = if low > MAX_SLOWER { Verdict::Fail } else { Verdict::Pass };
    let text = format!("{ratio:.2} times ({low:.2} to {high:.2}), fails if surely above {MAX_SLOWER}");
    let name = format!("p95 of the {what} against the first");
    Some(judged(measured, Figures::Times, &name, verdict, text))
}

/// The leak rule on the phases that are long enough for it to tell. Each begins with a warm-up of its own, since a new
/// rate takes new memory.
fn leaks(measured: &StageResult, defined: &Stage) -> Vec<Check> {
    let Some(day) = defined.day() else { return Vec::new() };
    let of_phase = |name: &String| {
        let readings = phases::readings(&measured.resources, &day, name);
        let report = judge_leak(&ResourceAt::memory(readings))?;
        (report.verdict != LeakVerdict::Inconclusive)
            .then(|| trend(measured, &format!("leak in {name}"), &report))
    };
    measured.phases.keys().filter_map(of_phase).collect()
}

/// A schedule that is kept gives a smaller p in one run of a thousand.
const MIN_P: f64 = 0.001;
/// Slower by more than this is slower than a recovered server may be (see 'recovery').
const MAX_SLOWER: f64 = 1.25;

#[cfg(test)]
mod tests {
    use music21_mcp_proc::ResourceSample;
    use serde_json::json;

    use super::*;
    use crate::measure::trend::{MemoryReading, simulate};
    use crate::result::fixture::{reading as made_up_reading, sample, stage as made_up};

    fn by_hour(due_by_hour: &[u64], dropped: u64) -> Verdict {
        let defined = define(&Options::default()).stages.remove(0);
        let accounts = json!({ "scheduled": dropped, "sent": 0, "ended": { "dropped": dropped } });
        hours(&made_up(&json!({ "due_by_hour": due_by_hour, "accounts": accounts })), &defined).verdict
    }

    #[test]
    fn arrivals_are_held_against_every_hour_and_not_only_their_sum() {
        // At 10 calls a second an hour of 25 s holds 250 calls at the peak: 09 to 18, evening to 23, off-peak.
        let profile = DayProfile::working_day(10.0, 600.0);
        let until = |hour: usize| profile.expected_until(hour as f64 * 25.0);
        let kept: Vec<u64> = (0..24).map(|hour| (until(hour + 1) - until(hour)).round() as u64).collect();
        assert_eq!(kept[12], 250);
        assert_eq!(by_hour(&kept, 0), Verdict::Pass);
        let mut late = kept.clone();
        late.rotate_right(1);
        assert_eq!(late.iter().sum::<u64>(), kept.iter().sum::<u64>());
        assert_eq!(by_hour(&late, 0), Verdict::Fail);
        assert_eq!(by_hour(&kept[..12], 0), Verdict::Fail, "the second half was not offered");
        assert_eq!(by_hour(&kept, 1), Verdict::Inconclusive);
    }

    fn compared(first_ms: [u64; 3], last_ms: [u64; 3]) -> Verdict {
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
        let measured = made_up(&json!({ "phases": { "a": phase(first_ms), "b": phase(last_ms) } }));
        assert_eq!(slower(&measured, "last off-peak hours", "a", "not there"), None);
        slower(&measured, "last off-peak hours", "a", "b").unwrap().verdict
    }

    #[test]
    fn a_last_hour_that_is_surely_slower_than_the_first_fails() {
        assert_eq!(compared([10, 12, 14], [11, 13, 15]), Verdict::Pass);
        assert_eq!(compared([10, 12, 14], [16, 20, 30]), Verdict::Pass, "the intervals are too wide");
        assert_eq!(compared([10, 12, 14], [20, 24, 28]), Verdict::Fail);
    }

    /// What is said of the memory of phases in a day of that length, on a server that leaks 10 MB/min.
    fn leaking(duration_s: f64) -> Vec<Check> {
        let options = Options { duration_s: Some(duration_s), ..Options::default() };
        let defined = define(&options).stages.remove(0);
        let at = |reading: MemoryReading| {
            let sample = ResourceSample { rss_anon_bytes: reading.rss_anon_bytes, ..sample(9) };
            made_up_reading(reading.at_ns, reading.calls, sample)
        };
        let resources = simulate(1, 10.0, duration_s as u64).into_iter().map(at).collect();
        let phase = json!({ "accounts": { "scheduled": 0, "sent": 0, "ended": {} }, "response": null });
        let measured = made_up(&json!({ "phases": { "business hours": phase, LAST_OFF_PEAK: phase } }));
        leaks(&StageResult { resources, ..measured }, &defined)
    }

    #[test]
    fn only_phases_long_enough_for_the_leak_rule_are_judged() {
        assert_eq!(leaking(600.0), []);
        let checks = leaking(3600.0);
        assert_eq!(checks.len(), 1, "the last off-peak phase is too short: {checks:?}");
        assert_eq!(
            (checks[0].name.as_str(), checks[0].verdict),
            ("s: leak in business hours", Verdict::Fail)
        );
    }
}
