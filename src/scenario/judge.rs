//! From figures to grades and verdicts.

use super::definition::Thresholds;
use super::result::{AccountsBy, Check, Ratings, ScenarioResult, StageResult, ToolResult, Verdict};
use crate::measure::quantile::Quantile;
use crate::measure::rating;
use crate::measure::stats::Proportion;
use crate::measure::steady::Steadiness;
use crate::measure::trend::LeakVerdict;
use crate::measure::{Outcome, summary::Summary};

impl AccountsBy {
    /// The share of good answers among the calls whose end is the server's doing.
    #[must_use]
    pub fn success(&self) -> Proportion {
        let trials = self.sent - self.count(Outcome::Cancelled);
        Proportion { successes: self.count(Outcome::Ok), trials }
    }
}

/// The grades of a stage; none of an INVALID one.
#[must_use]
pub(super) fn rate(stage: &StageResult) -> Ratings {
    if !stage.validity.is_valid() {
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
    Check { name: name.into(), verdict, text: text.into() }
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
        checks.extend(limits.min_calls_per_s.map(|min| {
            let verdict = if stage.calls_per_s >= min { Verdict::Pass } else { Verdict::Fail };
            check(
                format!("{}: throughput", stage.name),
                verdict,
                format!("{:.1} calls/s, at least {min}", stage.calls_per_s),
            )
        }));
    }
    checks
}

fn success(stage: &StageResult, min: f64) -> Check {
    let share = stage.accounts.success();
    let (lower, upper) = (share.lower_bound(0.95), share.upper_bound(0.95));
    let verdict = match () {
        () if lower >= min => Verdict::Pass,
        () if upper < min => Verdict::Fail,
        // Too few calls to prove a high share, but none went wrong.
        () if share.trials > 0 && share.successes == share.trials => Verdict::Pass,
        () => Verdict::Inconclusive,
    };
    let percent = |value: f64| format!("{:.2} %", value * 100.0);
    let text = format!(
        "{} of {} calls ({}, 95 % bounds {} to {}), at least {}",
        share.successes,
        share.trials,
        share.share().map_or_else(|| "none".into(), percent),
        percent(lower),
        percent(upper),
        percent(min)
    );
    check(format!("{}: success", stage.name), verdict, text)
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

fn memory(stage: &StageResult, max: f64) -> Check {
    let name = format!("{}: memory growth", stage.name);
    let Some(leak) = &stage.leak else {
        let text = "the stage is shorter than warm-up (120 s, 1200 calls) and window (300 s)";
        return check(name, Verdict::Inconclusive, text);
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

/// What the trend of memory says.
#[must_use]
pub fn leak(stage: &StageResult) -> Check {
    let name = format!("{}: leak", stage.name);
    let Some(report) = &stage.leak else {
        let text = "the stage is shorter than warm-up (120 s, 1200 calls) and most of a 300 s window";
        return check(name, Verdict::Inconclusive, text);
    };
    let (verdict, word) = match report.verdict {
        LeakVerdict::Leak => (Verdict::Fail, "leak"),
        LeakVerdict::None => (Verdict::Pass, "no leak"),
        LeakVerdict::CannotTell => (Verdict::Inconclusive, "cannot tell, run longer"),
    };
    let slope = report.mb_per_min;
    let per_call = report.kb_per_call.map_or(String::new(), |kb| format!(", {:.2} KB a call", kb.estimate));
    let text = format!(
        "{word}: {:+.2} MB/min ({:+.2} to {:+.2}){per_call} over {:.0} s, p = {:.2e}",
        slope.estimate, slope.lower, slope.upper, report.window_s, report.p
    );
    check(name, verdict, text)
}

/// One word for a scenario whose stages have ended and whose checks are made.
#[must_use]
pub(super) fn verdict(result: &ScenarioResult, interrupted: bool) -> Verdict {
    let has = |verdict| result.checks.iter().any(|check| check.verdict == verdict);
    match () {
        () if interrupted => Verdict::Interrupted,
        () if result.error.is_some() => Verdict::ServerFailed,
        // Somebody else's answer is one however busy the generator was.
        () if result.stages.iter().any(|stage| stage.accounts.count(Outcome::ForeignAnswer) > 0) => {
            Verdict::Fail
        }
        () if result.stages.iter().any(|stage| !stage.validity.is_valid()) => Verdict::Invalid,
        () if has(Verdict::Fail) => Verdict::Fail,
        () if has(Verdict::Inconclusive) => Verdict::Inconclusive,
        () => Verdict::Pass,
    }
}
