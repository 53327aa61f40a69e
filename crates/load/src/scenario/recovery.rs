//! How long is the server away after a fault, and what is lost?

use music21_mcp_bench::client::Tool;
use serde_json::json;

use super::calls::{ID, delete, on_score, own, stage};
use super::judge;
use super::{Options, Scenario, nothing_more};
use crate::measure::rating::{self, Rating};
use crate::measure::validity::{Figures, Standing};
use crate::result::{
    Check, Definition, Disruption, Injection, Stage, StageResult, Step, Thresholds, Verdict,
};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "recovery",
    about: "kill, freeze, closed port: how long until the server is itself again, and what is lost?",
    explanation: "\
Three stages, each an open loop of 10 calls a second (--rate) over 4 sessions (--clients) that goes on during the
fault: 24 s before it and 45 s (--duration) after it. 'kill' sends SIGKILL and starts the server again at once;
'freeze' sends SIGSTOP, and SIGCONT after 5 s; 'close' sends SIGKILL and starts the server again on the same port
after 5 s. Over stdio the sessions start their servers again themselves. --quick: only the kill, at 30 calls a second.

The server has recovered from the earliest half second on from which three windows of 5 s hold no more failures
and slow calls (above 1.25 times the earlier p95) than a healthy server's: 2 and 5 of 50 calls. Shown with it:
the first success, the first new session, and the calls lost. Fails if the server does not recover while it is
watched.

Only a server that the run itself starts can be treated so: not one behind a URL, nor the one in this process, and
a server on stdio has no port. A stage that is left out makes it inconclusive. It cannot show faults of disk or
network, nor how a supervisor of your own would restart the server.",
    define,
    judge: nothing_more,
};

fn define(options: &Options) -> Definition {
    let kinds: &[Disruption] = if options.quick {
        &[Disruption::Kill]
    } else {
        &[Disruption::Kill, Disruption::Freeze, Disruption::Close]
    };
    Definition {
        thresholds: Thresholds::none(),
        stages: kinds.iter().map(|&kind| with_fault(kind, options)).collect(),
        ..Definition::default()
    }
}

/// Calls before the fault: a p95 needs 200, and some of them may fail.
const CALLS_BEFORE: f64 = 240.0;

fn with_fault(kind: Disruption, options: &Options) -> Stage {
    let rate_per_s = options.rate_per_s.unwrap_or(if options.quick { 30.0 } else { 10.0 });
    let watched_s = options.duration_s.unwrap_or(if options.quick { 24.0 } else { 45.0 });
    let at_s = CALLS_BEFORE / rate_per_s;
    let (name, for_s) = match kind {
        Disruption::Kill => ("kill", 0.0),
        Disruption::Freeze => ("freeze", 5.0),
        Disruption::Close => ("close", 5.0),
    };
    Stage {
        rate_per_s: Some(rate_per_s),
        duration_s: Some(at_s + watched_s),
        deadline_s: options.deadline_s.unwrap_or(30.0),
        fault: Some(Injection { at_s, kind, for_s }),
        ..stage(name, options.clients.unwrap_or(4), steps())
    }
}

/// Light calls, so that the rate is far from what the server can do.
fn steps() -> Vec<Step> {
    let tune = json!({ "score_id": ID, "source": "C4 E4 G4 C5 B4 A4 G4 F4 E4 D4 C4", "source_type": "text" });
    vec![own(Step::call(Tool::ImportScore, tune)), on_score(Tool::KeyAnalysis), delete()]
}

/// What a stage says of the fault that it had.
pub(super) fn recovered(stage: &StageResult) -> Option<Check> {
    let fault = stage.fault.as_ref()?;
    // That calls fail and sessions open is counted; how slow is slow is measured against the calls before the fault.
    let judged =
        |verdict, text: String| Some(judge::judged(stage, Figures::Counts, "recovery", verdict, text));
    if fault.at_ns.is_none() {
        return judged(Verdict::Inconclusive, "the stage ended before the fault".to_owned());
    }
    let (Some(found), Some(p95_ns)) = (fault.recovery, fault.p95_before_ns) else {
        return judged(Verdict::Inconclusive, "fewer than 200 good calls before the fault".to_owned());
    };
    let seconds = |ns: u64| format!("{:.2} s", ns as f64 / 1e9);
    let after = |ns: Option<u64>, never: &str| ns.map_or_else(|| never.to_owned(), seconds);
    let details = format!(
        "first success after {}, first new session after {}, {} calls lost, p95 before {:.1} ms",
        after(found.first_success_after_ns, "none"),
        after(fault.reconnected_after_ns, "none"),
        found.calls_lost,
        p95_ns as f64 / 1e6
    );
    let watched = seconds(found.watched_ns);
    match found.recovered_after_ns {
        Some(ns) => judged(Verdict::Pass, format!("recovered after {}; {details}", seconds(ns))),
        None if found.watched_ns < SHORTEST_NS => {
            judged(Verdict::Inconclusive, format!("watched for {watched} only; {details}"))
        }
        // That nothing succeeded is a count, whatever the times are worth.
        None if fault.is_for_good() => judged(Verdict::Fail, format!("> {watched}, never; {details}")),
        // Calls that stayed slow may have been slowed by others.
        None => {
            let text = format!("> {watched}, not yet; {details}");
            Some(judge::judged(stage, Figures::Times, "recovery", Verdict::Fail, text))
        }
    }
}

/// The grade of the time that it took, by what was seen: interference can only have made it longer.
pub(super) fn rate(stage: &StageResult) -> Option<Rating> {
    let recovery = stage.fault.as_ref()?.recovery?;
    (stage.validity.of(Figures::Counts) == Standing::Valid).then(|| {
        let seconds = recovery.recovered_after_ns.map(|ns| ns as f64 / 1e9);
        rating::recovery(seconds, recovery.watched_ns as f64 / 1e9, stage.validity.times())
    })
}

/// Three windows of 5 s, and one of the fault itself.
const SHORTEST_NS: u64 = 20_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixture::stage as made_up;

    fn verdict(
        at_ns: Option<u64>,
        recovered_after_ns: Option<u64>,
        first: Option<u64>,
        watched_s: u64,
    ) -> Check {
        let recovery = json!({
            "recovered_after_ns": recovered_after_ns, "first_success_after_ns": first, "calls_lost": 7,
            "watched_ns": watched_s * 1_000_000_000
        });
        let fault = json!({
            "injection": { "at_s": 1.0, "kind": "kill" }, "at_ns": at_ns, "p95_before_ns": 12_000_000,
            "recovery": at_ns.map(|_| recovery), "reconnected_after_ns": 90_000_000
        });
        recovered(&made_up(&json!({ "name": "kill", "fault": fault }))).unwrap()
    }

    #[test]
    fn a_recovery_is_reported_with_what_it_took() {
        let check = verdict(Some(1), Some(2_500_000_000), Some(2_020_000_000), 45);
        assert_eq!(check.verdict, Verdict::Pass);
        assert_eq!(
            check.text,
            "recovered after 2.50 s; first success after 2.02 s, first new session after 0.09 s, 7 calls lost, \
             p95 before 12.0 ms"
        );
    }

    #[test]
    fn no_recovery_is_a_failure_if_there_was_time_for_one() {
        assert_eq!(verdict(Some(1), None, Some(1), 45).verdict, Verdict::Fail);
        assert_eq!(verdict(Some(1), None, Some(1), 12).verdict, Verdict::Inconclusive);
        assert_eq!(verdict(None, None, None, 0).verdict, Verdict::Inconclusive);
        let never = verdict(Some(1), None, None, 45);
        assert!(never.text.starts_with("> 45.00 s, never; first success after none"), "{never:?}");
    }
}
