//! Acceptable, Good, Excellent: by the confidence bound, with what the point estimate alone would
//! have given beside it.

use serde::{Deserialize, Serialize};

use super::quantile::Quantile;
use super::stats::Proportion;
use super::summary::Summary;
use super::trend::LeakReport;
use super::validity::Standing;

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
    /// The truth may be better and is not worse: interference, or an end of the search, hid the better side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_at_least: bool,
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
/// Memory growth in steady state, MB/min: the guide's 10, 50 and 100 MB in 5 minutes.
pub(crate) const MEMORY_MB_PER_MIN: Limits = Limits { acceptable: 20.0, good: 10.0, excellent: 2.0 };
/// Clients at once that are served within the objective.
pub(crate) const CLIENTS: Limits = Limits { acceptable: 50.0, good: 100.0, excellent: 200.0 };
/// Seconds from a fault until the server is itself again.
pub(crate) const RECOVERY_S: Limits = Limits { acceptable: 60.0, good: 30.0, excellent: 10.0 };

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
    pub(crate) fn grade_below(&self, value: f64) -> Grade {
        self.grade(|limit| value < limit)
    }

    /// The grade of a value of which more is better.
    pub(crate) fn grade_at_least(&self, value: f64) -> Grade {
        self.grade(|limit| value >= limit)
    }
}

impl Rating {
    fn new(estimate: Option<f64>, bound: Option<f64>, grade: impl Fn(f64) -> Grade) -> Self {
        let is_at_least = false;
        Self { grade: bound.map(&grade), by_estimate: estimate.map(&grade), estimate, bound, is_at_least }
    }

    /// The same where the truth may be better; then the best grade is known to be reached and the worst says nothing.
    fn at_least(self) -> Self {
        let grade = self.grade.filter(|&grade| grade != Grade::Poor);
        Self { grade, by_estimate: grade, is_at_least: grade != Some(Grade::Excellent), ..self }
    }

    /// The point estimate would have earned more than the samples can prove.
    pub(crate) fn is_limited_by_samples(&self) -> bool {
        self.by_estimate > self.grade
    }
}

/// Rates a success rate by its one-sided 95 % lower bound. Calls so few that not even if all were good they could
/// prove Acceptable (28 or fewer) are no grade, unless they prove that it is missed.
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
pub(crate) fn p95(response: &Summary) -> Rating {
    let rating = by_upper_end(&response.p95);
    if response.is_disturbed { rating.at_least() } else { rating }
}

fn by_upper_end(p95: &Quantile) -> Rating {
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
/// 0.8 MB/min is a leak and still Excellent.
pub(crate) fn memory(report: &LeakReport) -> Rating {
    let slope = report.mb_per_min;
    Rating::new(Some(slope.estimate), Some(slope.upper), |mb| MEMORY_MB_PER_MIN.grade_below(mb))
}

/// Rates the most clients that were served within an objective; `is_cap` if no more were tried.
pub(crate) fn clients(served: usize, is_cap: bool) -> Rating {
    let rating = Rating::new(Some(served as f64), Some(served as f64), |n| CLIENTS.grade_at_least(n));
    if is_cap { rating.at_least() } else { rating }
}

/// Rates a recovery that took `after_s`, or that was not seen in `watched_s` seconds.
pub(crate) fn recovery(after_s: Option<f64>, watched_s: f64, times: Standing) -> Rating {
    let never = Some(watched_s).filter(|&watched_s| watched_s >= RECOVERY_S.acceptable);
    let rating = Rating::new(after_s, after_s.or(never), |s| RECOVERY_S.grade_below(s));
    if times == Standing::Valid { rating } else { rating.at_least() }
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
        assert_eq!(by_upper_end(&value(Some(950_000_000))).grade, Some(Grade::Excellent));
        assert_eq!(by_upper_end(&value(Some(1_100_000_000))).grade, Some(Grade::Good));
        assert_eq!(by_upper_end(&value(None)).grade, None);
    }

    #[test]
    fn a_p95_beyond_a_long_deadline_is_poor_and_beyond_a_short_one_unknown() {
        let beyond = |ns| Quantile::Censored { at_least_ns: ns, low_ns: ns };
        assert_eq!(by_upper_end(&beyond(30_000_000_000)).grade, Some(Grade::Poor));
        assert_eq!(by_upper_end(&beyond(1_000_000_000)).grade, None);
    }

    #[test]
    fn what_may_be_better_is_at_least_that_and_never_poor() {
        let of = |rating: Rating| (rating.grade, rating.is_at_least);
        assert_eq!(of(clients(100, true)), (Some(Grade::Good), true));
        assert_eq!(of(clients(100, false)), (Some(Grade::Good), false));
        assert_eq!(of(clients(16, true)), (None, true));
        assert_eq!(of(clients(16, false)), (Some(Grade::Poor), false));
        assert_eq!(of(clients(200, true)), (Some(Grade::Excellent), false));
        let recovery = |after_s, watched_s| recovery(after_s, watched_s, Standing::Valid).grade;
        assert_eq!(recovery(Some(2.5), 45.0), Some(Grade::Excellent));
        assert_eq!((recovery(None, 45.0), recovery(None, 60.0)), (None, Some(Grade::Poor)));
    }

    #[test]
    fn limits_themselves_are_on_the_side_the_method_says() {
        assert_eq!(P95_S.grade_below(1.0), Grade::Good);
        assert_eq!(SUCCESS.grade_at_least(0.99), Grade::Excellent);
        assert_eq!(SUCCESS.grade_at_least(0.89), Grade::Poor);
    }
}
