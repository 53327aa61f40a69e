//! Does the server's memory grow for good?

use super::calls::{open_loop, single_stage};
use super::judge::leak;
use super::{Options, Scenario};
use crate::measure::trend::{CONFIRMED_S, WARM_UP_S, WINDOW_S};
use crate::result::{Check, Definition, ScenarioResult, Stage};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "memory",
    about: "10 calls a second for 5 to 10 minutes after 2 of warm-up: does memory leak?",
    explanation: "\
An open loop: 10 calls a second (--rate) are due whatever the server does, spread over 8 sessions
(--clients), for 120 s of warm-up and then 300 s. Where these show a leak, or are inconclusive, it goes on until they
are 600 s, once; with --duration it takes that many seconds, whatever they show.
Every iteration imports a score, asks for key and chords, exports and deletes it.

Once a second the anonymous resident memory of the whole process tree is read; 60 medians of the time
after the warm-up are judged by Theil and Sen's slope and the Mann-Kendall test with the correction of
Hamed and Rao. Leak: more than 0.5 MB/min, lower bound above 0.2, p < 0.01, and still growing in the
second half. No leak: upper bound below 2 MB/min. Else: inconclusive. A leak fails the scenario once 600 s
confirm it: what warms up late, such as a library loaded by a rare call, looks like a leak in 300 s.
Response times are counted from when a call was due, so a stall shows.

It cannot show leaks below 0.5 MB/min, leaks that time drives and not calls, or memory that only other
tools lose. Memory that stays after a delete is no leak by itself.",
    define,
    judge,
};

fn define(options: &Options) -> Definition {
    let duration_s = options.duration_s.unwrap_or(WINDOW_S) + WARM_UP_S;
    single_stage(Stage {
        extend_to_s: options.duration_s.is_none().then_some(CONFIRMED_S + WARM_UP_S),
        ..open_loop("steady load", options, duration_s)
    })
}

fn judge(result: &ScenarioResult) -> Vec<Check> {
    result.stages.iter().map(leak).collect()
}
