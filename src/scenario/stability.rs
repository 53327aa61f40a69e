//! A day's pattern of load in ten minutes.

use super::definition::{Arrivals, Definition, Stage, Thresholds};
use super::judge::check;
use super::result::{Check, ScenarioResult, StageResult, Verdict};
use super::steps::{life, stage, timed, warm};
use super::{Options, Scenario};
use crate::load::DayProfile;
use crate::measure::Outcome;

pub(super) static SCENARIO: Scenario = Scenario {
    name: "stability",
    about: "the pattern of a working day in 10 minutes: night, business hours, evening, night",
    explanation: "\
An open loop whose rate follows a day: 0.1 of the peak at night (23-09), the peak in business hours (09-18),
0.4 in the evening (18-23), with smooth changes of an hour. 24 hours (--hours) take 600 s (--duration); the
peak is 10 calls a second (--rate), not multiplied by the compression. Arrivals are independent (Poisson),
fixed by the seed. It begins and ends at night, so that the same load is compared with itself.

Reported by phase: calls, success, response times from the intended start; arrivals against the schedule;
descriptors, threads and scores at the end against the beginning.
Fails if fewer than 90 % of the calls end well, or if the arrivals do not follow the schedule.

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
        name: SCENARIO.name.into(),
        description: SCENARIO.about.into(),
        thresholds: Thresholds { min_success: Some(0.9), ..Thresholds::default() },
        prepare: warm(),
        stages: vec![stage],
        ..Definition::default()
    }
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    let stages = result.stages.iter().zip(&result.definition.stages);
    stages
        .flat_map(|(measured, defined)| [arrivals(measured, defined)].into_iter().chain(left(measured)))
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

/// Growth from the first night's end to the rest after the last: information, not a judgement.
fn left(measured: &StageResult) -> Option<Check> {
    let (first, last) = (measured.resources.first()?, measured.settled?);
    let text = format!(
        "descriptors {} → {}, threads {} → {}, anonymous memory {:.1} → {:.1} MB, timeouts {}",
        first.sample.fds,
        last.fds,
        first.sample.threads,
        last.threads,
        first.sample.rss_anon_bytes as f64 / 1e6,
        last.rss_anon_bytes as f64 / 1e6,
        measured.accounts.count(Outcome::TimedOut),
    );
    Some(check("first night to last", Verdict::Pass, text))
}
