//! From figures to grades and verdicts.

use super::{capacity, concurrent, evidence, goodput, recovery, thresholds};
use crate::measure::rating;
use crate::measure::stats::shown_p;
use crate::measure::steady::Steadiness;
use crate::measure::trend::{LeakReport, LeakVerdict};
use crate::measure::validity::{Figures, Standing};
use crate::result::{Check, Definition, Ratings, ScenarioResult, StageResult, StoppedBy, Verdict};

/// The grades of a stage, each where its figures may be believed; none of a stage with a fault. Success is no grade
/// where calls that must fail are part of the work, which a limit of 0 on success tells.
fn rate(stage: &StageResult, definition: &Definition) -> Ratings {
    // With a fault, calls that do not reach the server are what is measured.
    if stage.stopped_by == StoppedBy::StillRunning || stage.fault.is_some() {
        return Ratings { recovery: recovery::rate(stage), ..Ratings::default() };
    }
    let may_read = |figures| stage.validity.of(figures) != Standing::Invalid;
    // Times that never settled have no p95, and the worst tool's grade is not known without them.
    let settled = stage.tools.values().all(|tool| tool.steadiness != Some(Steadiness::Unsteady));
    // A search goes on until p95 is bad.
    let is_shown = stage.open_loop && definition.search.is_none();
    let may_rate_p95 = is_shown && !stage.validity.saturated && settled && may_read(Figures::Times);
    let p95s = stage.tools.values().filter(|_| may_rate_p95);
    let p95 = p95s.filter_map(|tool| tool.response.as_ref().map(rating::p95));
    // Whether good answers are good is not known.
    let is_told = stage.tools.values().all(|tool| tool.doubtful.is_none());
    let success = || rating::success(stage.accounts.success_at_least());
    Ratings {
        success: (definition.thresholds.min_success > 0.0 && may_read(Figures::Counts) && is_told)
            .then(success),
        // The worst: one without a grade, then the lowest.
        p95: p95.min_by_key(|rating| rating.grade),
        memory: stage.leak.as_ref().filter(|_| may_read(Figures::Resources)).map(rating::memory),
        recovery: None,
    }
}

/// A judgement of the scenario as a whole, with its evidence.
pub(super) fn check(name: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Check {
    Check { name: name.into(), verdict, text: text.into() }
}

/// A judgement of figures of one stage, as far as they may be believed: a limit that upper bounds keep is kept, one
/// that they break is undecided, and of what is unknown nothing is said.
pub(super) fn judged(
    stage: &StageResult,
    figures: Figures,
    what: &str,
    verdict: Verdict,
    text: impl Into<String>,
) -> Check {
    let (standing, text) = (stage.validity.of(figures), text.into());
    let reason = stage.validity.why(figures).map(ToString::to_string).unwrap_or_default();
    let (verdict, text) = match (standing, verdict) {
        (Standing::Valid, _) => (verdict, text),
        (Standing::Disturbed, Verdict::Pass) => (verdict, format!("{text}; disturbed: {reason}")),
        (Standing::Disturbed, _) => (Verdict::Inconclusive, format!("{text}; cannot tell: {reason}")),
        (Standing::Invalid, _) => (Verdict::Invalid, format!("{reason}; {text}")),
    };
    check(format!("{}: {what}", stage.name), verdict, text)
}

/// What the trend of a stage's memory says.
pub(crate) fn leak(stage: &StageResult) -> Check {
    match &stage.leak {
        Some(report) => trend(stage, "leak", report),
        None => judged(stage, Figures::Resources, "leak", Verdict::Inconclusive, thresholds::too_short()),
    }
}

/// What the trend of memory says, under the name `what`.
pub(super) fn trend(stage: &StageResult, what: &str, report: &LeakReport) -> Check {
    let (verdict, word) = match report.verdict {
        LeakVerdict::Leak if report.is_confirmed() => (Verdict::Fail, "leak"),
        LeakVerdict::Leak => {
            (Verdict::Inconclusive, "leak, to be confirmed in a window of 600 s: run longer")
        }
        LeakVerdict::None => (Verdict::Pass, "no leak"),
        LeakVerdict::Inconclusive => (Verdict::Inconclusive, "inconclusive, run longer"),
    };
    let slope = report.mb_per_min;
    let per_call = report.kb_per_call.map_or(String::new(), |kb| format!(", {:.2} KB a call", kb.estimate));
    let text = format!(
        "{word}: {:+.2} MB/min ({:+.2} to {:+.2}){per_call} over {:.0} s, {}",
        slope.estimate,
        slope.lower,
        slope.upper,
        report.window_s,
        shown_p(report.p)
    );
    judged(stage, Figures::Resources, what, verdict, text)
}

/// Judges measured stages: grades, thresholds, and what the scenario itself checks once it has run to its end.
pub(crate) fn conclude(
    result: &mut ScenarioResult,
    judge: Option<fn(&ScenarioResult) -> Vec<Check>>,
    interrupted: bool,
) {
    for stage in &mut result.stages {
        stage.ratings = rate(stage, &result.definition);
        stage.goodput = goodput::of(stage, &result.definition);
    }
    result.clients = concurrent::rate(result);
    result.checks = thresholds::check_limits(&result.definition, &result.stages);
    let causes = result.stages.iter().filter_map(evidence::cause).map(str::to_owned);
    for note in causes.chain(result.stages.iter().flat_map(evidence::remarks)).collect::<Vec<_>>() {
        if !result.notes.contains(&note) {
            result.notes.push(note);
        }
    }
    if !interrupted {
        let own = judge.map(|judge| judge(result)).unwrap_or_default();
        let capacity: Vec<Check> =
            result.searches().map(|(capacity, trials)| capacity::found(capacity, &trials)).collect();
        let recovered: Vec<Check> = result.stages.iter().filter_map(recovery::recovered).collect();
        // A search goes on until a server is overwhelmed.
        let shown = result.stages.iter().filter(|_| result.definition.search.is_none());
        let missing: Vec<Check> = shown.filter_map(evidence::missing).collect();
        // Where every stage was left out nothing was seen.
        let is_empty = result.stages.is_empty() && result.rate_limit.is_none() && result.error.is_none();
        let nothing = is_empty.then(|| check("evidence", Verdict::Inconclusive, "no stage was run"));
        result.checks.extend(missing.into_iter().chain(nothing).chain(own).chain(capacity).chain(recovered));
    }
    result.checks.extend(result.stages.iter().filter_map(evidence::lost));
    result.checks.extend(result.stages.iter().filter_map(evidence::misrouted));
    result.checks.extend(result.stages.iter().filter_map(evidence::stray));
    result.checks.extend(result.stages.iter().filter_map(evidence::crashed));
    // One stage's speak for those of all.
    result.checks.extend(result.stages.iter().find_map(evidence::doubtful));
    result.verdict = verdict(result, interrupted);
}

/// One word for a scenario whose stages have ended and whose checks are made; nothing but its checks, its error and INVALID
/// times speaks against it.
#[must_use]
fn verdict(result: &ScenarioResult, interrupted: bool) -> Verdict {
    let has = |verdict| result.checks.iter().any(|check| check.verdict == verdict);
    // A search has made its own of every stage.
    let is_unknown = result.definition.search.is_none()
        && result.stages.iter().any(|stage| stage.validity.times() == Standing::Invalid);
    if interrupted {
        Verdict::Interrupted
    } else if result.error.is_some() {
        Verdict::ServerFailed
    } else if has(Verdict::Fail) {
        // A check fails only on figures that may be believed.
        Verdict::Fail
    } else if has(Verdict::Invalid) || is_unknown {
        Verdict::Invalid
    } else if has(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::validity::Reason;
    use crate::result::fixture::{self, stage_named};
    use crate::scenario::cleanup;

    /// A check of such figures that failed, in a stage with that reason against it: its verdict, and the scenario's.
    fn failed(reason: Option<Reason>, figures: Figures) -> (Verdict, Verdict) {
        let mut stage = stage_named("s");
        stage.validity.invalid.extend(reason);
        let check = judged(&stage, figures, "x", Verdict::Fail, "too much");
        let result = ScenarioResult { checks: vec![check], ..made_up(vec![stage]) };
        (result.checks[0].verdict, verdict(&result, false))
    }

    fn made_up(stages: Vec<StageResult>) -> ScenarioResult {
        let definition = cleanup::SCENARIO.definition(&super::super::Options::default());
        ScenarioResult { stages, ..fixture::scenario(definition) }
    }

    #[test]
    fn a_failure_stands_on_figures_that_may_be_believed_and_on_no_others() {
        use Verdict::{Fail, Inconclusive, Invalid};
        let late = || Some(Reason::LoopLag(11_000_000));
        assert_eq!(failed(None, Figures::Times), (Fail, Fail));
        assert_eq!(failed(late(), Figures::Counts), (Fail, Fail));
        assert_eq!(failed(late(), Figures::Resources), (Fail, Fail));
        assert_eq!(failed(late(), Figures::Times), (Inconclusive, Inconclusive));
        assert_eq!(failed(Some(Reason::OwnCpu(0.9)), Figures::Counts), (Fail, Fail));
        assert_eq!(failed(Some(Reason::OwnCpu(0.9)), Figures::Times), (Invalid, Invalid));
        assert_eq!(failed(Some(Reason::InternalError(1)), Figures::Counts), (Invalid, Invalid));
    }

    #[test]
    fn what_upper_bounds_keep_is_kept_and_says_who_disturbed() {
        let mut stage = stage_named("s");
        stage.validity.disturbed.push(Reason::LoopLag(11_000_000));
        let check = judged(&stage, Figures::Times, "key", Verdict::Pass, "p95 ≤ 9 ms");
        assert_eq!(check.verdict, Verdict::Pass);
        assert_eq!(check.text, "p95 ≤ 9 ms; disturbed: the event loop woke up to 11.0 ms late (p99)");
        assert_eq!(verdict(&made_up(vec![stage]), false), Verdict::Pass);
    }

    #[test]
    fn a_scenario_of_which_nothing_was_run_is_undecided() {
        let of = |stages| {
            let mut result = made_up(stages);
            conclude(&mut result, None, false);
            (result.verdict, result.checks.remove(0).text)
        };
        assert_eq!(of(Vec::new()), (Verdict::Inconclusive, "no stage was run".to_owned()));
        let without_calls = of(vec![stage_named("s")]);
        assert_eq!(without_calls.0, Verdict::Inconclusive, "{without_calls:?}");
    }
}
