//! From figures to grades and verdicts.

use music21_mcp_bench::client::Outcome;

use super::{capacity, recovery, thresholds};
use crate::measure::rating;
use crate::measure::steady::Steadiness;
use crate::measure::trend::{LeakReport, LeakVerdict};
use crate::measure::validity::Reason;
use crate::result::{Check, Ratings, ScenarioResult, StageResult, StoppedBy, Thresholds, Verdict};

/// The grades of a stage; none of an INVALID one, nor of one with a fault. Success is no grade where calls that must
/// fail are part of the work, which a limit on success tells.
fn rate(stage: &StageResult, limits: &Thresholds) -> Ratings {
    // With a fault, calls that do not reach the server are what is measured.
    let is_whole = stage.stopped_by != StoppedBy::StillRunning;
    if !is_whole || !stage.validity.is_valid() || stage.fault.is_some() {
        return Ratings::default();
    }
    // Times that never settled have no p95, and the worst tool's grade is not known without them.
    let settled = stage.tools.values().all(|tool| tool.steadiness != Some(Steadiness::Unsteady));
    let may_rate_p95 = stage.open_loop && !stage.validity.saturated && settled;
    let p95s = stage.tools.values().filter(|_| may_rate_p95);
    let p95 = p95s.filter_map(|tool| Some(rating::p95(&tool.response.as_ref()?.p95)));
    Ratings {
        success: limits.min_success.map(|_| rating::success(stage.accounts.success_at_least())),
        // The worst: one without a grade, then the lowest.
        p95: p95.min_by_key(|rating| rating.grade),
        memory: stage.leak.as_ref().map(rating::memory),
    }
}

/// A judgement with its evidence.
#[must_use]
pub(super) fn check(name: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Check {
    Check { name: name.into(), verdict, text: text.into(), is_count: false }
}

/// A judgement of counts alone: it holds in a run whose times cannot be believed.
#[must_use]
pub(super) fn count(name: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Check {
    Check { is_count: true, ..check(name, verdict, text) }
}

/// What the trend of a stage's memory says.
#[must_use]
pub(crate) fn leak(stage: &StageResult) -> Check {
    match &stage.leak {
        Some(report) => trend(&stage.name, report),
        None => check(format!("{}: leak", stage.name), Verdict::Inconclusive, thresholds::too_short()),
    }
}

/// What the trend of memory says of `what`.
#[must_use]
pub(super) fn trend(what: &str, report: &LeakReport) -> Check {
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
        "{word}: {:+.2} MB/min ({:+.2} to {:+.2}){per_call} over {:.0} s, p = {:.2e}",
        slope.estimate, slope.lower, slope.upper, report.window_s, report.p
    );
    check(format!("{what}: leak"), verdict, text)
}

/// Judges measured stages: grades, thresholds, and what the scenario itself checks once it has run to its end.
pub(crate) fn conclude(
    result: &mut ScenarioResult,
    judge: Option<fn(&ScenarioResult) -> Vec<Check>>,
    interrupted: bool,
) {
    for stage in &mut result.stages {
        stage.ratings = rate(stage, &result.definition.thresholds);
    }
    result.checks = thresholds::check_limits(&result.definition, &result.stages);
    if !interrupted {
        let own = judge.map(|judge| judge(result)).unwrap_or_default();
        let capacity = result.capacity.as_ref().map(capacity::found);
        let recovered: Vec<Check> = result.stages.iter().filter_map(recovery::recovered).collect();
        result.checks.extend(own.into_iter().chain(capacity).chain(recovered));
    }
    result.verdict = verdict(result, interrupted);
}

/// One word for a scenario whose stages have ended and whose checks are made.
#[must_use]
fn verdict(result: &ScenarioResult, interrupted: bool) -> Verdict {
    let has = |verdict| result.checks.iter().any(|check| check.verdict == verdict);
    let reasons = || result.stages.iter().flat_map(|stage| &stage.validity.invalid);
    // A score that was left behind was left behind, however late the generator.
    let counts_hold = !reasons().any(Reason::spoils_counts);
    // In any scenario: somebody else's answer is one.
    let is_misrouted = result.stages.iter().any(|stage| stage.accounts.count(Outcome::MisroutedAnswer) > 0);
    let is_empty = result.stages.is_empty() && result.rate_limit.is_none();
    let failed_count = result.checks.iter().any(|check| check.is_count && check.verdict == Verdict::Fail);
    if interrupted {
        Verdict::Interrupted
    } else if result.error.is_some() {
        Verdict::ServerFailed
    } else if counts_hold && (failed_count || is_misrouted) {
        Verdict::Fail
    } else if reasons().next().is_some() {
        Verdict::Invalid
    } else if has(Verdict::Fail) {
        Verdict::Fail
    } else if has(Verdict::Inconclusive) || is_empty {
        // Where every stage was left out nothing was seen.
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixture::stage_named;
    use crate::scenario::cleanup;

    fn scenario(invalid: Option<&Reason>, checks: Vec<Check>) -> ScenarioResult {
        let mut stage = stage_named("s");
        stage.validity.invalid.extend(invalid.cloned());
        ScenarioResult {
            name: "cleanup".into(),
            verdict: Verdict::Interrupted,
            checks,
            notes: Vec::new(),
            error: None,
            definition: cleanup::SCENARIO.definition(&super::super::Options::default()),
            stages: vec![stage],
            rate_limit: None,
            capacity: None,
        }
    }

    #[test]
    fn a_failed_count_fails_a_late_run_and_a_failed_time_leaves_it_invalid() {
        let late = Some(&Reason::LoopLag(11_000_000));
        let failed_count = || vec![count("files", Verdict::Fail, "3 left")];
        let failed_time = || vec![check("p95", Verdict::Fail, "too slow")];
        let of = |result: ScenarioResult| verdict(&result, false);
        assert_eq!(of(scenario(late, failed_count())), Verdict::Fail);
        assert_eq!(of(scenario(late, failed_time())), Verdict::Invalid);
        assert_eq!(of(scenario(None, failed_time())), Verdict::Fail);
        assert_eq!(of(scenario(Some(&Reason::InternalError(1)), failed_count())), Verdict::Invalid);
    }

    #[test]
    fn a_scenario_of_which_nothing_was_run_is_undecided() {
        let mut empty = scenario(None, Vec::new());
        assert_eq!(verdict(&empty, false), Verdict::Pass);
        empty.stages.clear();
        assert_eq!(verdict(&empty, false), Verdict::Inconclusive);
    }
}
