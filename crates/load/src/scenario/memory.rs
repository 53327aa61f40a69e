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
An open loop: 10 calls a second (--rate) are due whatever the server does, spread over 8 sessions (--clients),
for 120 s of warm-up and then 300 s. If these show a leak or are inconclusive, the stage goes on once, until the
window is 600 s. With --duration the window has that many seconds, whatever it shows.
Every iteration imports a score, asks for key and chords, exports and deletes it. It ends early, and fails, once
surely fewer than a quarter of the calls are good.

Once a second the anonymous resident memory of the whole process tree is read. 60 medians of the time after the
warm-up are judged by Theil and Sen's slope and the Mann-Kendall test with the correction of Hamed and Rao.
Leak: more than 0.5 MB/min, lower bound above 0.2, p < 0.01, and still growing in the second half. No leak: upper
bound below 2 MB/min. Anything else is inconclusive. A leak fails the scenario only once 600 s confirm it: what
warms up late, such as a library loaded by a rare call, looks like a leak in 300 s.
Response times are counted from the moment a call was due, so that a stall shows.

It cannot show leaks below 0.5 MB/min, leaks driven by time and not by calls, or memory that only other tools
lose. Memory that stays after a delete is not in itself a leak.",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::trend::{judge_leak, simulate};
    use crate::result::fixture::stage_named;
    use crate::result::{StageResult, Verdict};

    fn verdict(leaking: f64, seconds: f64) -> Verdict {
        let memory = simulate(4, leaking, seconds as u64);
        leak(&StageResult { leak: judge_leak(&memory), ..stage_named("steady load") }).verdict
    }

    #[test]
    fn a_leak_fails_only_once_it_is_confirmed() {
        let stage = define(&Options::default()).stages.remove(0);
        let [first, extended] = [stage.duration_s, stage.extend_to_s].map(Option::unwrap);
        assert_eq!((verdict(0.0, first), verdict(10.0, first)), (Verdict::Pass, Verdict::Inconclusive));
        assert_eq!(verdict(10.0, extended), Verdict::Fail);
    }

    #[test]
    fn a_duration_that_the_user_gave_is_kept() {
        let options = Options { duration_s: Some(300.0), ..Options::default() };
        let stage = define(&options).stages.remove(0);
        assert_eq!((stage.duration_s, stage.extend_to_s), (Some(420.0), None));
    }
}
