//! Memory growth of two runs.

use super::{Verdict, Why};
use crate::measure::stats::t_quantile;
use crate::measure::trend::Slope;

/// A slope may exceed the baseline's by this many MB/min, or by a tenth, whichever is more: a tenth
/// of a slope of 0.02 MB/min is noise.
const ALLOWED_MB_PER_MIN: f64 = 0.5;
const ALLOWED_SHARE: f64 = 0.10;
/// Significance of the difference.
const P: f64 = 0.01;

/// Judges the candidate's memory growth against the baseline's, both in MB/min.
#[must_use]
pub fn judge(baseline: Slope, candidate: Slope) -> Verdict {
    let allowed = (baseline.estimate.abs() * ALLOWED_SHARE).max(ALLOWED_MB_PER_MIN);
    let difference = candidate.estimate - baseline.estimate;
    let half = normal_quantile(1.0 - P) * standard_error(baseline).hypot(standard_error(candidate));
    match () {
        () if difference > allowed && difference - half > 0.0 => Verdict::FAIL,
        () if difference < -allowed && difference + half < 0.0 => Verdict::Improved,
        () if difference + half <= allowed => Verdict::Unchanged,
        () => Verdict::CannotTell(Why::Missing(
            "the slopes are too uncertain, measure both for 600 s".to_owned(),
        )),
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
    fn ten_percent_of_nothing_is_no_regression() {
        assert_eq!(judge(slope(0.02, 0.05), slope(0.10, 0.05)), Verdict::Unchanged);
        assert_eq!(judge(slope(0.02, 0.05), slope(2.0, 0.3)), Verdict::FAIL);
        assert_eq!(judge(slope(2.0, 0.3), slope(0.02, 0.05)), Verdict::Improved);
        assert!(matches!(judge(slope(0.0, 2.0), slope(1.0, 2.0)), Verdict::CannotTell(_)));
    }
}
