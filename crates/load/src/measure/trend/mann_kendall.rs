//! Theil and Sen's slope, and Mann and Kendall's test of it, corrected for autocorrelation.

use crate::measure::stats::{autocorrelation, median_of_sorted, normal_p_two_sided, ranks};

/// The normal quantile of one-sided 95 % bounds.
const Z_95: f64 = 1.644_854;
/// Autocorrelations within ± this ÷ √n count as none.
const Z_975: f64 = 1.959_964;

/// A monotone trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// The median of all pairwise slopes, units of y per unit of x.
    pub slope: f64,
    /// Its one-sided 95 % lower bound.
    pub lower: f64,
    /// Its one-sided 95 % upper bound.
    pub upper: f64,
    /// The two-sided p-value of "no trend".
    pub p: f64,
}

/// Fits a trend to `ys` over increasing `xs`. `None` for fewer than four points or no two
/// different x.
///
/// Sen (1968) for the slope and its bounds, Hamed and Rao (1998) for the variance under
/// autocorrelation.
pub(crate) fn mann_kendall(xs: &[f64], ys: &[f64]) -> Option<Trend> {
    let n = ys.len();
    if n < 4 || xs.len() != n {
        return None;
    }
    let mut slopes = Vec::with_capacity(n * (n - 1) / 2);
    let mut s = 0.0;
    for j in 1..n {
        for i in 0..j {
            let rise = ys[j] - ys[i];
            s += if rise == 0.0 { 0.0 } else { rise.signum() };
            if xs[j] > xs[i] {
                slopes.push(rise / (xs[j] - xs[i]));
            }
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let slope = median_of_sorted(&slopes)?;
    let detrended: Vec<f64> = xs.iter().zip(ys).map(|(x, y)| y - slope * x).collect();
    let deviation = (variance_of_s(ys) * inflation(&ranks(&detrended))).sqrt();
    let z = if s == 0.0 { 0.0 } else { (s - f64::signum(s)) / deviation };
    let m = slopes.len() as f64;
    let at = |rank: f64| slopes[(rank.max(0.0) as usize).min(slopes.len() - 1)];
    Some(Trend {
        slope,
        lower: at(((m - Z_95 * deviation) / 2.0).floor()),
        upper: at(((m + Z_95 * deviation) / 2.0).ceil()),
        p: if deviation > 0.0 { normal_p_two_sided(z) } else { 1.0 },
    })
}

/// [n(n−1)(2n+5) − Σ c(c−1)(2c+5)] / 18, c the sizes of the groups of equal values.
fn variance_of_s(ys: &[f64]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = ys.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|group| term(group.len() as f64)).sum();
    (term(ys.len() as f64) - ties) / 18.0
}

/// The factor by which autocorrelated ranks inflate the variance; never below 1, since a negative
/// correlation would make the test bolder than independence allows.
fn inflation(ranks: &[f64]) -> f64 {
    let n = ranks.len() as f64;
    let sum: f64 = (1..ranks.len())
        .map(|k| (k as f64, autocorrelation(ranks, k)))
        .filter(|(_, rho)| rho.abs() > Z_975 / n.sqrt())
        .map(|(k, rho)| (n - k) * (n - k - 1.0) * (n - k - 2.0) * rho)
        .sum();
    (1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::rng::Rng;

    #[test]
    fn a_straight_line_is_its_own_slope() {
        let xs: Vec<f64> = (0..20).map(f64::from).collect();
        let ys: Vec<f64> = xs.iter().map(|x| 3.0 - 0.5 * x).collect();
        let trend = mann_kendall(&xs, &ys).unwrap();
        assert!((trend.slope + 0.5).abs() < 1e-12 && trend.p < 1e-6);
    }

    #[test]
    fn a_constant_has_no_trend() {
        let trend = mann_kendall(&[0.0, 1.0, 2.0, 3.0, 4.0], &[7.0; 5]).unwrap();
        assert_eq!((trend.slope, trend.p), (0.0, 1.0));
        assert_eq!(mann_kendall(&[0.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn a_textbook_series_gives_its_textbook_statistic() {
        // S = 8 of 10 pairs: nine rise, one falls; V = 5·4·15/18 = 16.67; z = 7/4.082 = 1.7146.
        let trend = mann_kendall(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 2.0, 4.0, 5.0]).unwrap();
        assert!((trend.p - 0.086_4).abs() < 5e-4, "{}", trend.p);
        assert!((trend.slope - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_random_walk_of_ranks_is_not_mistaken_for_a_trend_as_often_as_without_correction() {
        let mut rng = Rng::new(5);
        let (mut plain, mut corrected) = (0, 0);
        for _ in 0..100 {
            let mut level = 0.0;
            let ys: Vec<f64> = (0..60)
                .map(|_| {
                    level = 0.8 * level + rng.normal();
                    level
                })
                .collect();
            let xs: Vec<f64> = (0..60).map(f64::from).collect();
            let trend = mann_kendall(&xs, &ys).unwrap();
            corrected += u32::from(trend.p < 0.01);
            let s: f64 = (0..60)
                .flat_map(|j| (0..j).map(move |i| (i, j)))
                .map(|(i, j)| (ys[j] - ys[i]).signum())
                .sum();
            plain += u32::from(normal_p_two_sided(s / variance_of_s(&ys).sqrt()) < 0.01);
        }
        assert!(corrected * 2 < plain, "{corrected} with the correction, {plain} without");
    }
}
