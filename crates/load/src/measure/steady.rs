//! Where a series becomes steady: a fixed warm-up, MSER-5 for what outlasts it, and a test for the
//! slow drift that MSER cannot see.

use serde::{Deserialize, Serialize};

use super::stats::{mean, median};
use super::trend::mann_kendall;

/// Samples in one MSER batch.
const MSER_BATCH: usize = 5;
/// A stall may fill a tenth of a run without being cut off. A warm-up shorter than that is left to
/// the fixed one.
const PEAK: f64 = 0.90;
/// Medians the drift test looks at.
const DRIFT_BATCHES: usize = 20;
/// A drift smaller than this share of the level, over the whole series, is not relevant.
const RELEVANT_DRIFT: f64 = 0.10;

/// The warm-up that is discarded in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FixedWarmUp {
    /// At least this long, nanoseconds.
    pub time_ns: u64,
    /// At least this many calls.
    pub calls: usize,
}

impl Default for FixedWarmUp {
    fn default() -> Self {
        Self { time_ns: 10_000_000_000, calls: 100 }
    }
}

/// What the series looks like after its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Steadiness {
    /// Steady from sample `from` on.
    Steady {
        /// Samples to discard.
        from: usize,
    },
    /// It moves by `change` (0.1 is 10 %) from `from` to its end.
    Drifting {
        /// Samples to discard.
        from: usize,
        /// Relative change over the series.
        change: f64,
    },
    /// It does not settle within the first half, or is not longer than the fixed warm-up: no
    /// quantile of it may be rated.
    Unsteady,
}

/// Judges a series of response times in nanoseconds, in order of due time, of which the first
/// `fixed` belong to the warm-up in any case.
pub(crate) fn find_steady_part(series_ns: &[u64], fixed: usize) -> Steadiness {
    let logs: Vec<f64> = series_ns.iter().map(|&ns| (ns.max(1) as f64).ln()).collect();
    let from = match mser5(&without_peaks(&logs)) {
        Some(cut) if fixed < logs.len() => fixed.max(cut),
        _ => return Steadiness::Unsteady,
    };
    match relative_drift(&logs[from..]) {
        Some(change) => Steadiness::Drifting { from, change },
        None => Steadiness::Steady { from },
    }
}

/// Values above the quantile [`PEAK`] count as that quantile. MSER cuts off whatever disturbs the
/// rest, so that a stall in the first half of a run would be taken for warm-up and disappear.
fn without_peaks(logs: &[f64]) -> Vec<f64> {
    let mut sorted = logs.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let peak = sorted.get((sorted.len() as f64 * PEAK) as usize).copied().unwrap_or(f64::INFINITY);
    logs.iter().map(|log| log.min(peak)).collect()
}

/// MSER-5 (White, Cobb and Spratt 2000): the number of samples to discard so that the standard
/// error of the rest is least, d* = argmin Σ_{j>d}(z_j − z̄_d)² / (n − d)², over d up to n/2.
/// `None` if the best cut is at the limit: the series has not settled.
fn mser5(values: &[f64]) -> Option<usize> {
    let batches: Vec<f64> = values.chunks_exact(MSER_BATCH).map(mean).collect();
    let n = batches.len();
    let limit = n / 2;
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for d in (0..n).rev() {
        sum += batches[d];
        squares += batches[d] * batches[d];
        let rest = (n - d) as f64;
        let error = (squares - sum * sum / rest) / (rest * rest);
        // `<=` so that of equal cuts the one that discards least wins.
        if d <= limit && error <= best.0 {
            best = (error, d);
        }
    }
    (n > 0 && best.1 < limit).then_some(best.1 * MSER_BATCH)
}

/// The relative change over a series of logarithms, if it is relevant and significant (p < 0.01).
fn relative_drift(logs: &[f64]) -> Option<f64> {
    if logs.len() < DRIFT_BATCHES {
        return None;
    }
    let cut = |i: usize| logs.len() * i / DRIFT_BATCHES;
    let medians: Vec<f64> = (0..DRIFT_BATCHES).filter_map(|i| median(&logs[cut(i)..cut(i + 1)])).collect();
    let times: Vec<f64> = (0..medians.len()).map(|i| i as f64).collect();
    let trend = mann_kendall(&times, &medians)?;
    let change = (trend.slope * (DRIFT_BATCHES - 1) as f64).exp_m1();
    (change.abs() > RELEVANT_DRIFT && trend.p < 0.01).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::rng::Rng;

    /// Ten seconds of it.
    const FIXED: usize = 100;

    /// 3000 calls at 10/s whose level at second t is `level(t)` milliseconds, with 20 % noise.
    fn series(seed: u64, level: impl Fn(f64) -> f64) -> Vec<u64> {
        let mut rng = Rng::new(seed);
        (0..3000)
            .map(|i| {
                let t = f64::from(i) / 10.0;
                (level(t) * (0.2 * rng.normal()).exp() * 1e6) as u64
            })
            .collect()
    }

    #[test]
    fn a_steady_series_loses_little_more_than_its_fixed_warm_up() {
        let mut kept = 0;
        for seed in 0..20 {
            match find_steady_part(&series(seed, |_| 20.0), FIXED) {
                Steadiness::Steady { from } => kept += usize::from(from < 600),
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        assert!(kept >= 15, "{kept} of 20 kept four fifths");
    }

    #[test]
    fn mser_removes_a_warm_up_that_outlasts_the_fixed_one() {
        let warming = series(1, |t| 20.0 * (1.0 + 2.0 * (-t / 15.0).exp()));
        let Steadiness::Steady { from } = find_steady_part(&warming, FIXED) else {
            panic!("{:?}", find_steady_part(&warming, FIXED))
        };
        assert!((250..1000).contains(&from), "{from}");
    }

    #[test]
    fn a_stall_is_not_cut_off_as_warm_up() {
        for seed in 0..20 {
            // Five seconds at 100 s, and their backlog.
            let stalled = series(seed, |t| if (100.0..106.0).contains(&t) { 2500.0 } else { 20.0 });
            let Steadiness::Steady { from } = find_steady_part(&stalled, FIXED) else {
                panic!("seed {seed}")
            };
            assert!(from <= 1000, "seed {seed}: {from}");
        }
    }

    #[test]
    fn a_series_that_never_settles_is_unsteady() {
        let growing = series(1, |t| 20.0 * (t / 60.0).exp());
        assert_eq!(find_steady_part(&growing, FIXED), Steadiness::Unsteady);
        assert_eq!(find_steady_part(&[], FIXED), Steadiness::Unsteady);
        assert_eq!(find_steady_part(&series(1, |_| 20.0)[..90], FIXED), Steadiness::Unsteady);
    }

    #[test]
    fn slow_drift_that_mser_does_not_see_is_named() {
        let mut named = 0;
        for seed in 0..20 {
            let verdict = find_steady_part(&series(seed, |t| 20.0 * (1.0 + t / 1200.0)), FIXED);
            named += usize::from(matches!(verdict, Steadiness::Drifting { change, .. } if change > 0.10));
            assert!(
                !matches!(verdict, Steadiness::Steady { from } if from < 600),
                "seed {seed}: {verdict:?}"
            );
        }
        assert!(named >= 10, "{named} of 20");
    }
}
