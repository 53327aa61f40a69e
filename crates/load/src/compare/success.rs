//! Success rates: the exact test of Fisher, one-sided.

use statrs::distribution::{DiscreteCDF, Hypergeometric};

use super::{ChangeVerdict, Severity, Why};
use crate::measure::stats::Proportion;

/// Significance of a drop.
const P: f64 = 0.01;

/// How much of the success rate may be lost, as shares of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SuccessLimits {
    /// A significant drop of this much fails.
    pub fail: Drop,
    /// A significant drop of this many points warns.
    pub warn_points: f64,
}

/// A drop of the success rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Drop {
    /// Relative to the baseline's rate.
    Relative(f64),
    /// In points: 0.02 is from 99 % to 97 %.
    Points(f64),
}

impl Default for SuccessLimits {
    /// A tenth of the baseline's rate fails, one point warns.
    fn default() -> Self {
        Self { fail: Drop::Relative(0.10), warn_points: 0.01 }
    }
}

impl Drop {
    fn points(self, baseline: f64) -> f64 {
        match self {
            Self::Relative(share) => baseline * share,
            Self::Points(points) => points,
        }
    }
}

/// Judges the candidate's success rate against the baseline's.
pub(crate) fn judge(baseline: Proportion, candidate: Proportion, limits: SuccessLimits) -> ChangeVerdict {
    let (Some(before), Some(after)) = (baseline.share(), candidate.share()) else {
        return ChangeVerdict::Inconclusive(Why::TooFewCalls { have: candidate.trials });
    };
    let drop = before - after;
    let fail = limits.fail.points(before);
    if drop >= fail.min(limits.warn_points) && p_worse(baseline, candidate) < P {
        ChangeVerdict::Regressed(if drop >= fail { Severity::Fail } else { Severity::Warn })
    } else if -drop >= limits.warn_points && p_worse(candidate, baseline) < P {
        ChangeVerdict::Improved
    } else if candidate.lower_bound(1.0 - P) > before - fail {
        ChangeVerdict::Unchanged
    } else {
        ChangeVerdict::Inconclusive(Why::TooFewCalls { have: candidate.trials })
    }
}

/// P(`worse` has as many failures as it has, or more | both have the same rate).
fn p_worse(better: Proportion, worse: Proportion) -> f64 {
    let failures = |p: Proportion| p.trials - p.successes;
    let Some(below) = failures(worse).checked_sub(1) else { return 1.0 };
    let population = better.trials + worse.trials;
    // OK because neither the failures nor the draws exceed the population.
    Hypergeometric::new(population, failures(better) + failures(worse), worse.trials).unwrap().sf(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(baseline: (u64, u64), candidate: (u64, u64)) -> ChangeVerdict {
        let share = |(successes, trials)| Proportion { successes, trials };
        judge(share(baseline), share(candidate), SuccessLimits::default())
    }

    #[test]
    fn fisher_agrees_with_the_lady_tasting_tea() {
        // Three of four right on one side and one of four on the other: p = 17/70.
        let p = p_worse(Proportion { successes: 3, trials: 4 }, Proportion { successes: 1, trials: 4 });
        assert!((p - 17.0 / 70.0).abs() < 1e-9, "{p}");
    }

    #[test]
    fn a_drop_is_judged_by_its_size_and_its_significance() {
        assert_eq!(of((500, 500), (440, 500)), ChangeVerdict::FAIL);
        assert_eq!(of((495, 500), (475, 500)), ChangeVerdict::Regressed(Severity::Warn));
        assert_eq!(of((475, 500), (495, 500)), ChangeVerdict::Improved);
        assert_eq!(of((500, 500), (499, 500)), ChangeVerdict::Unchanged);
    }

    #[test]
    fn few_calls_decide_nothing() {
        assert_eq!(of((5, 5), (5, 5)), ChangeVerdict::Inconclusive(Why::TooFewCalls { have: 5 }));
        assert_eq!(of((0, 0), (5, 5)), ChangeVerdict::Inconclusive(Why::TooFewCalls { have: 5 }));
    }
}
