//! Does the server's memory grow for good?

use super::definition::{Definition, Stage, Thresholds};
use super::judge::leak;
use super::result::{Check, ScenarioResult};
use super::steps::{life, stage, timed, warm};
use super::{Options, Scenario};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "memory",
    about: "10 calls a second for 5 minutes after 2 of warm-up: does memory leak?",
    explanation: "\
An open loop: 10 calls a second (--rate) are due whatever the server does, spread over 8 sessions
(--clients), for 120 s of warm-up and then --duration seconds (300; 600 confirms a leak).
Every iteration imports a score, asks for key and chords, exports and deletes it.

Once a second the anonymous resident memory of the whole process tree is read; 60 medians of the time
after the warm-up are judged by Theil and Sen's slope and the Mann-Kendall test with the correction of
Hamed and Rao. Leak: more than 0.5 MB/min, lower bound above 0.2, p < 0.01, and still growing in the
second half. No leak: upper bound below 2 MB/min. Else: cannot tell. A leak fails the scenario.
Response times are counted from when a call was due, so a stall shows.

It cannot show leaks below 0.5 MB/min, leaks that time drives and not calls, or memory that only other
tools lose. Memory that stays after a delete is no leak by itself.",
    define,
    judge,
};

/// What the leak rule leaves out at the beginning.
const WARM_UP_S: f64 = 120.0;

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(300.0) + WARM_UP_S;
    let stage = Stage {
        rate_per_s: Some(options.rate_per_s.unwrap_or(10.0)),
        deadline_s: options.deadline_s.unwrap_or(30.0),
        ..timed(stage("steady load", options.clients.unwrap_or(8), life()), duration_s)
    };
    Definition {
        thresholds: Thresholds { min_success: Some(0.9), ..Thresholds::default() },
        prepare: warm(),
        stages: vec![stage],
        ..Definition::default()
    }
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    result.stages.iter().map(leak).collect()
}
