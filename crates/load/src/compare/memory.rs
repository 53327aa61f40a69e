//! Memory growth of two runs.

use super::{ChangeVerdict, Why};
use crate::measure::stats::{mean, standard_deviation, t_quantile};
use crate::measure::trend::Slope;

/// A slope may exceed the baseline's by this many MB/min, or by a tenth, whichever is more: a tenth
/// of a slope of 0.02 MB/min is noise.
const ALLOWED_MB_PER_MIN: f64 = 0.5;
const ALLOWED_SHARE: f64 = 0.10;
/// Significance of the difference.
const P: f64 = 0.01;

/// The mean of the slopes of several servers. Its error is that of the slopes or that between the servers, whichever
/// is larger. `None` without slopes.
pub(crate) fn mean_slope(slopes: &[Slope]) -> Option<Slope> {
    let estimates: Vec<f64> = slopes.iter().map(|slope| slope.estimate).collect();
    let n = slopes.len() as f64;
    let within = slopes.iter().map(|slope| standard_error(*slope)).fold(0.0, f64::hypot) / n;
    // NaN for a single slope, which the larger of two is not.
    let error = within.max(standard_deviation(&estimates) / n.sqrt());
    let half = normal_quantile(0.95) * error;
    let estimate = mean(&estimates);
    (n > 0.0).then_some(Slope { estimate, lower: estimate - half, upper: estimate + half })
}

/// Judges the candidate's memory growth against the baseline's, both in MB/min.
pub(crate) fn judge(baseline: Slope, candidate: Slope) -> ChangeVerdict {
    let allowed = (baseline.estimate.abs() * ALLOWED_SHARE).max(ALLOWED_MB_PER_MIN);
    let difference = candidate.estimate - baseline.estimate;
    let half = normal_quantile(1.0 - P) * standard_error(baseline).hypot(standard_error(candidate));
    if difference > allowed && difference - half > 0.0 {
        ChangeVerdict::FAIL
    } else if difference < -allowed && difference + half < 0.0 {
        ChangeVerdict::Improved
    } else if difference + half <= allowed {
        ChangeVerdict::Unchanged
    } else {
        let why = "the slopes are too uncertain; measure both for 600 s".to_owned();
        ChangeVerdict::Inconclusive(Why::Missing(why))
    }
}

/// From the distance of the one-sided 95 % bounds.
fn standard_error(slope: Slope) -> f64 {
    (slope.upper - slope.lower) / (2.0 * normal_quantile(0.95))
}

fn normal_quantile(p: f64) -> f64 {
    t_quantile(p, 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(estimate: f64, half: f64) -> Slope {
        Slope { estimate, lower: estimate - half, upper: estimate + half }
    }

    #[test]
    fn several_servers_share_one_slope_whose_error_is_the_larger_one() {
        let one = slope(1.0, 0.3);
        let mean = |slopes: &[Slope]| mean_slope(slopes).unwrap();
        assert!((mean(&[one]).upper - 1.3).abs() < 1e-6);
        assert!((mean(&[one; 9]).upper - 1.1).abs() < 1e-6, "they agree");
        let apart = mean(&[slope(0.0, 0.01), slope(2.0, 0.01)]);
        assert!((apart.estimate - 1.0).abs() < 1e-12 && apart.upper > 2.5, "{apart:?}");
        assert_eq!(mean_slope(&[]), None);
    }

    #[test]
    fn ten_percent_of_nothing_is_no_regression() {
        assert_eq!(judge(slope(0.02, 0.05), slope(0.10, 0.05)), ChangeVerdict::Unchanged);
        assert_eq!(judge(slope(0.02, 0.05), slope(2.0, 0.3)), ChangeVerdict::FAIL);
        assert_eq!(judge(slope(2.0, 0.3), slope(0.02, 0.05)), ChangeVerdict::Improved);
        assert!(matches!(judge(slope(0.0, 2.0), slope(1.0, 2.0)), ChangeVerdict::Inconclusive(_)));
    }
}
