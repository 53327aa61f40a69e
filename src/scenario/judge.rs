//! From figures to grades and verdicts.

use super::definition::Thresholds;
use super::result::{Check, ScenarioResult, Verdict};
use super::stage_result::{AccountsBy, Ratings, Second, StageResult, ToolResult};
use super::{capacity, recovery};
use crate::measure::quantile::Quantile;
use crate::measure::rating;
use crate::measure::stats::{Proportion, mean, standard_deviation, t_quantile};
use crate::measure::steady::Steadiness;
use crate::measure::trend::{LeakReport, LeakVerdict};
use crate::measure::validity::Reason;
use crate::measure::{Outcome, summary::Summary};

impl AccountsBy {
    /// The share of good answers among the calls whose end is the server's doing.
    #[must_use]
    pub fn success(&self) -> Proportion {
        let trials = self.sent - self.count(Outcome::Cancelled);
        Proportion { successes: self.count(Outcome::Ok), trials }
    }
}

/// The grades of a stage; none of an INVALID one, nor of one with a fault.
#[must_use]
pub(super) fn rate(stage: &StageResult) -> Ratings {
    // With a fault, calls that do not reach the server are what is measured.
    if !stage.validity.is_valid() || stage.fault.is_some() {
        return Ratings::default();
    }
    let may_rate_p95 = stage.open_loop && !stage.validity.saturated;
    let p95s = stage.tools.values().filter(|tool| may_rate_p95 && is_settled(tool));
    let p95 = p95s.filter_map(|tool| Some(rating::p95(&tool.response.as_ref()?.p95)));
    Ratings {
        success: Some(rating::success(stage.accounts.success())),
        // The worst: one without a grade, then the lowest.
        p95: p95.min_by_key(|rating| rating.grade),
        memory: stage.leak.as_ref().map(rating::memory),
    }
}

fn is_settled(tool: &ToolResult) -> bool {
    !matches!(tool.steadiness, Some(Steadiness::Unsteady))
}

/// A judgement with its evidence.
#[must_use]
pub fn check(name: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Check {
    Check { name: name.into(), verdict, text: text.into(), is_count: false }
}

/// A judgement of counts alone: it holds in a run whose times cannot be believed.
#[must_use]
pub fn count(name: impl Into<String>, verdict: Verdict, text: impl Into<String>) -> Check {
    Check { is_count: true, ..check(name, verdict, text) }
}

/// What the thresholds say of every stage.
#[must_use]
pub(super) fn thresholds(limits: &Thresholds, stages: &[StageResult]) -> Vec<Check> {
    let mut checks = Vec::new();
    for stage in stages {
        checks.extend(limits.min_success.map(|min| success(stage, min)));
        if let Some(max_ms) = limits.max_p95_ms {
            checks.extend(stage.tools.iter().filter_map(|(name, tool)| p95(stage, name, tool, max_ms)));
        }
        checks.extend(limits.max_memory_mb_per_min.map(|max| memory(stage, max)));
        checks.extend(limits.min_calls_per_s.map(|min| throughput(stage, min)));
    }
    checks
}

/// Slices of a stage whose throughputs are compared; ten leave nine degrees of freedom, as for percentiles.
const SLICES: usize = 10;

/// Student's t over the throughputs of contiguous slices: within one, calls depend on each other.
fn throughput(stage: &StageResult, min: f64) -> Check {
    let name = format!("{}: throughput", stage.name);
    // The last second is a part of one.
    let whole = &stage.timeline[..stage.timeline.len().saturating_sub(1)];
    let seconds = whole.len() / SLICES;
    if seconds == 0 {
        let text = format!("{:.1} calls/s, but bounds need {} s or more", stage.calls_per_s, SLICES + 1);
        return check(name, Verdict::Inconclusive, text);
    }
    let ok = |slice: &[Second]| slice.iter().map(|second| second.ok).sum::<u64>() as f64 / seconds as f64;
    let rates: Vec<f64> = whole.chunks_exact(seconds).take(SLICES).map(ok).collect();
    let half = t_quantile(0.975, SLICES as f64 - 1.0) * standard_deviation(&rates) / (SLICES as f64).sqrt();
    let (low, high) = (mean(&rates) - half, mean(&rates) + half);
    let verdict = match () {
        () if low >= min => Verdict::Pass,
        () if high < min => Verdict::Fail,
        () => Verdict::Inconclusive,
    };
    check(name, verdict, format!("{:.1} good calls/s ({low:.1} to {high:.1}), at least {min}", mean(&rates)))
}

fn success(stage: &StageResult, min: f64) -> Check {
    let share = stage.accounts.success();
    let (lower, upper) = (share.lower_bound(0.95), share.upper_bound(0.95));
    let verdict = match () {
        () if lower >= min => Verdict::Pass,
        () if upper < min => Verdict::Fail,
        // Too few calls to prove a high share, but none went wrong: nobody makes 29 calls that take a minute.
        () if share.trials > 0 && share.successes == share.trials => Verdict::Pass,
        () => Verdict::Inconclusive,
    };
    let unproved =
        if verdict == Verdict::Pass && lower < min { "; too few to prove it, but all good" } else { "" };
    let percent = |value: f64| format!("{:.2} %", value * 100.0);
    let text = format!(
        "{} of {} calls ({}, 95 % bounds {} to {}), at least {}{unproved}",
        share.successes,
        share.trials,
        share.share().map_or_else(|| "none".into(), percent),
        percent(lower),
        percent(upper),
        percent(min)
    );
    count(format!("{}: success", stage.name), verdict, text)
}

fn p95(stage: &StageResult, name: &str, tool: &ToolResult, max_ms: f64) -> Option<Check> {
    let summary: &Summary = if stage.open_loop { tool.response.as_ref() } else { tool.service.as_ref() }?;
    let ms = |ns: u64| ns as f64 / 1e6;
    let (low, high) = match summary.p95 {
        Quantile::Value { interval, .. } => (Some(ms(interval.low_ns)), interval.high_ns.map(ms)),
        Quantile::UpperBound { ns } => (None, Some(ms(ns))),
        Quantile::Censored { at_least_ns } => (Some(ms(at_least_ns)), None),
        Quantile::TooFewSamples { .. } => (None, None),
    };
    let verdict = match (low, high) {
        (_, Some(high)) if high <= max_ms => Verdict::Pass,
        (Some(low), _) if low > max_ms => Verdict::Fail,
        _ => Verdict::Inconclusive,
    };
    let side = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |ms| format!("{ms:.1}"));
    let text = format!("p95 between {} and {} ms, at most {max_ms}", side(low), side(high));
    Some(check(format!("{}: {name}", stage.name), verdict, text))
}

const TOO_SHORT: &str =
    "needs a warm-up of 120 s and 1200 calls, whichever takes longer, and then 300 s: run longer";

fn memory(stage: &StageResult, max: f64) -> Check {
    let name = format!("{}: memory growth", stage.name);
    let Some(leak) = &stage.leak else {
        return check(name, Verdict::Inconclusive, TOO_SHORT);
    };
    let slope = leak.mb_per_min;
    let verdict = match () {
        () if slope.upper < max => Verdict::Pass,
        () if slope.lower > max => Verdict::Fail,
        () => Verdict::Inconclusive,
    };
    let text =
        format!("{:.2} MB/min ({:.2} to {:.2}), at most {max}", slope.estimate, slope.lower, slope.upper);
    check(name, verdict, text)
}

/// What the trend of a stage's memory says.
#[must_use]
pub fn leak(stage: &StageResult) -> Check {
    match &stage.leak {
        Some(report) => trend(&stage.name, report),
        None => check(format!("{}: leak", stage.name), Verdict::Inconclusive, TOO_SHORT),
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
        LeakVerdict::CannotTell => (Verdict::Inconclusive, "cannot tell, run longer"),
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
pub fn conclude(
    result: &mut ScenarioResult,
    judge: Option<fn(&ScenarioResult) -> Vec<Check>>,
    interrupted: bool,
) {
    for stage in &mut result.stages {
        stage.ratings = rate(stage);
    }
    result.checks = thresholds(&result.definition.thresholds, &result.stages);
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
pub(super) fn verdict(result: &ScenarioResult, interrupted: bool) -> Verdict {
    let has = |verdict| result.checks.iter().any(|check| check.verdict == verdict);
    let reasons = || result.stages.iter().flat_map(|stage| &stage.validity.invalid);
    // A score that was left behind was left behind, however late the generator.
    let counts_hold = !reasons().any(Reason::spoils_counts);
    // In any scenario: somebody else's answer is one.
    let is_foreign = result.stages.iter().any(|stage| stage.accounts.count(Outcome::ForeignAnswer) > 0);
    let failed_count = result.checks.iter().any(|check| check.is_count && check.verdict == Verdict::Fail);
    match () {
        () if interrupted => Verdict::Interrupted,
        () if result.error.is_some() => Verdict::ServerFailed,
        () if counts_hold && (failed_count || is_foreign) => Verdict::Fail,
        () if reasons().next().is_some() => Verdict::Invalid,
        () if has(Verdict::Fail) => Verdict::Fail,
        () if has(Verdict::Inconclusive) => Verdict::Inconclusive,
        () => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::cleanup;
    use crate::scenario::fixture::stage_named;

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
    fn throughput_is_judged_by_its_bounds() {
        let second = |ok| Second { ok, ..Second::default() };
        let of = |counts: &[u64], min| {
            let timeline = counts.iter().map(|&ok| second(ok)).collect();
            throughput(&StageResult { timeline, ..stage_named("s") }, min).verdict
        };
        let steady = [10; 21];
        assert_eq!(of(&steady, 9.9), Verdict::Pass);
        assert_eq!(of(&steady, 10.1), Verdict::Fail);
        let wild: Vec<u64> = (0..21).map(|second| if second % 4 < 2 { 20 } else { 2 }).collect();
        assert_eq!(of(&wild, 10.0), Verdict::Inconclusive);
        assert_eq!(of(&steady[..10], 5.0), Verdict::Inconclusive);
    }

    #[test]
    fn a_few_calls_that_were_all_good_pass_and_say_that_they_prove_little() {
        let of = |ok, failed| {
            let ended = [(Outcome::Ok, ok), (Outcome::ToolError, failed)].into();
            let accounts = AccountsBy { sent: ok + failed, ended, ..AccountsBy::default() };
            success(&StageResult { accounts, ..stage_named("s") }, 0.9)
        };
        assert_eq!(of(8, 0).verdict, Verdict::Pass);
        assert!(of(8, 0).text.ends_with("too few to prove it, but all good"), "{}", of(8, 0).text);
        assert!(of(29, 0).text.ends_with("at least 90.00 %"));
        assert_eq!((of(28, 1).verdict, of(0, 8).verdict), (Verdict::Inconclusive, Verdict::Fail));
    }
}
