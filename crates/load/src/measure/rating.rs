//! Acceptable, Good, Excellent: by the confidence bound, with what the point estimate alone would
//! have given beside it.

use serde::{Deserialize, Serialize};

use super::quantile::Quantile;
use super::stats::Proportion;
use super::trend::LeakReport;

/// A grade, worst first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Below every limit.
    Poor,
    /// Usable.
    Acceptable,
    /// What most users expect.
    Good,
    /// Nothing left to ask for.
    Excellent,
}

/// A grade with the evidence for it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rating {
    /// The grade the confidence bound earns; the one that counts. `None` if there is no bound, since
    /// too few samples are no grade.
    pub grade: Option<Grade>,
    /// The grade the point estimate alone would earn.
    pub by_estimate: Option<Grade>,
    /// The point estimate, in the unit of the limits.
    pub estimate: Option<f64>,
    /// The bound, in the unit of the limits.
    pub bound: Option<f64>,
}

/// Limits for Acceptable, Good and Excellent; a value must be strictly below, or for success at or
/// above, to earn the grade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// Limit of Acceptable.
    pub acceptable: f64,
    /// Limit of Good.
    pub good: f64,
    /// Limit of Excellent.
    pub excellent: f64,
}

/// Success rate, as a share.
pub(crate) const SUCCESS: Limits = Limits { acceptable: 0.90, good: 0.95, excellent: 0.99 };
/// p95 of the response time, seconds: 1 s keeps a user's train of thought, 10 s their attention
/// (Nielsen 1993); Good and Acceptable divide the space between.
pub(crate) const P95_S: Limits = Limits { acceptable: 5.0, good: 2.0, excellent: 1.0 };
/// Memory growth in steady state, MB/min: less than 10 MB in 5 minutes is Good, five times that is
/// still Acceptable, and below 0.5 MB/min the leak rule cannot tell growth from none.
pub(crate) const MEMORY_MB_PER_MIN: Limits = Limits { acceptable: 10.0, good: 2.0, excellent: 0.5 };

impl Limits {
    fn grade(&self, is_met: impl Fn(f64) -> bool) -> Grade {
        if is_met(self.excellent) {
            Grade::Excellent
        } else if is_met(self.good) {
            Grade::Good
        } else if is_met(self.acceptable) {
            Grade::Acceptable
        } else {
            Grade::Poor
        }
    }

    /// The grade of a value of which less is better.
    #[must_use]
    pub(crate) fn grade_below(&self, value: f64) -> Grade {
        self.grade(|limit| value < limit)
    }

    /// The grade of a value of which more is better.
    #[must_use]
    pub(crate) fn grade_at_least(&self, value: f64) -> Grade {
        self.grade(|limit| value >= limit)
    }
}

impl Rating {
    fn new(estimate: Option<f64>, bound: Option<f64>, grade: impl Fn(f64) -> Grade) -> Self {
        Self { grade: bound.map(&grade), by_estimate: estimate.map(&grade), estimate, bound }
    }

    /// The point estimate would have earned more than the samples can prove.
    #[must_use]
    pub(crate) fn is_limited_by_samples(&self) -> bool {
        self.by_estimate > self.grade
    }
}

/// Rates a success rate by its one-sided 95 % lower bound. Calls so few that not even if all were good they could
/// prove Acceptable (28 or fewer) are no grade, unless they prove that it is missed.
#[must_use]
pub(crate) fn success(success: Proportion) -> Rating {
    let flawless = Proportion { successes: success.trials, ..success };
    let may_pass = flawless.lower_bound(0.95) >= SUCCESS.acceptable;
    let is_missed = success.upper_bound(0.95) < SUCCESS.acceptable;
    let bound = (success.trials > 0 && (may_pass || is_missed)).then(|| success.lower_bound(0.95));
    Rating::new(success.share(), bound, |share| SUCCESS.grade_at_least(share))
}

/// Rates a p95 response time by its upper bound.
///
/// A p95 beyond the deadline of calls is Poor only if the deadline itself is beyond Acceptable;
/// otherwise it stays without a grade.
#[must_use]
pub(crate) fn p95(p95: &Quantile) -> Rating {
    let seconds = |ns: u64| ns as f64 / 1e9;
    let bound = match *p95 {
        Quantile::Censored { low_ns, .. } => {
            Some(seconds(low_ns)).filter(|&s| P95_S.grade_below(s) == Grade::Poor)
        }
        _ => p95.upper_ns().map(seconds),
    };
    let estimate = match *p95 {
        Quantile::Value { ns, .. } => Some(seconds(ns)),
        _ => None,
    };
    Rating::new(estimate, bound, |s| P95_S.grade_below(s))
}

/// Rates memory growth by the upper bound of its slope. It is no verdict on leaks: a steady
/// 0.8 MB/min is a leak and still Good.
#[must_use]
pub(crate) fn memory(report: &LeakReport) -> Rating {
    let slope = report.mb_per_min;
    Rating::new(Some(slope.estimate), Some(slope.upper), |mb| MEMORY_MB_PER_MIN.grade_below(mb))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::quantile::{Interval, IntervalMethod};

    #[test]
    fn the_bound_decides_and_the_estimate_is_shown() {
        // 25 failures of 3000 are 99.17 %, but the lower bound is below 99 %.
        let rating = success(Proportion { successes: 2975, trials: 3000 });
        assert_eq!((rating.grade, rating.by_estimate), (Some(Grade::Good), Some(Grade::Excellent)));
        assert!(rating.is_limited_by_samples());
        let few = |successes, trials| success(Proportion { successes, trials }).grade;
        assert_eq!((few(0, 0), few(28, 28), few(29, 29)), (None, None, Some(Grade::Acceptable)));
        assert_eq!((few(9, 10), few(0, 10)), (None, Some(Grade::Poor)));
    }

    #[test]
    fn p95_is_rated_by_its_upper_end() {
        let value = |high_ns| Quantile::Value {
            ns: 900_000_000,
            interval: Interval {
                low_ns: 800_000_000,
                high_ns,
                method: IntervalMethod::Batches,
                optimistic: false,
            },
        };
        assert_eq!(p95(&value(Some(950_000_000))).grade, Some(Grade::Excellent));
        assert_eq!(p95(&value(Some(1_100_000_000))).grade, Some(Grade::Good));
        assert_eq!(p95(&value(None)).grade, None);
    }

    #[test]
    fn a_p95_beyond_a_long_deadline_is_poor_and_beyond_a_short_one_unknown() {
        let beyond = |ns| Quantile::Censored { at_least_ns: ns, low_ns: ns };
        assert_eq!(p95(&beyond(30_000_000_000)).grade, Some(Grade::Poor));
        assert_eq!(p95(&beyond(1_000_000_000)).grade, None);
    }

    #[test]
    fn limits_themselves_are_on_the_side_the_method_says() {
        assert_eq!(P95_S.grade_below(1.0), Grade::Good);
        assert_eq!(SUCCESS.grade_at_least(0.99), Grade::Excellent);
        assert_eq!(SUCCESS.grade_at_least(0.89), Grade::Poor);
    }
}
