//! The few pieces of arithmetic that several figures share.

use music21_mcp_bench::client::Outcome;
use statrs::distribution::{Beta, Binomial, ChiSquared, ContinuousCDF, DiscreteCDF, Normal, StudentsT};
use statrs::statistics::{Data, OrderStatistics, RankTieBreaker};

/// The median, the mean of the middle two for an even count; `None` without values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

pub(crate) fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The arithmetic mean; NaN without values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample standard deviation (n − 1); NaN for fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// The autocorrelation at lag `k`; 0 where the values do not vary.
pub(crate) fn autocorrelation(values: &[f64], k: usize) -> f64 {
    let mean = mean(values);
    let variance: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    if k >= values.len() || variance == 0.0 {
        return 0.0;
    }
    values.iter().zip(&values[k..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / variance
}

/// Ranks from 1, ties sharing their mean rank.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    Data::new(values.to_vec()).ranks(RankTieBreaker::Average)
}

/// The two-sided p-value of a standard normal `z`.
pub(crate) fn normal_p_two_sided(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

/// The largest distance between the distribution of `sorted` values in 0..=1 and the uniform one, times √n
/// (Kolmogorov and Smirnov); 1.95 is p = 0.001.
pub(crate) fn kolmogorov_smirnov(sorted: &[f64]) -> f64 {
    let n = sorted.len() as f64;
    let distance = sorted
        .iter()
        .enumerate()
        .map(|(i, value)| (value - i as f64 / n).max((i as f64 + 1.0) / n - value))
        .fold(0.0, f64::max);
    distance * n.sqrt()
}

/// The quantile `p` of Student's t with `freedom` degrees of freedom.
pub(crate) fn t_quantile(p: f64, freedom: f64) -> f64 {
    // OK because a t distribution with a positive number of degrees of freedom exists.
    StudentsT::new(0.0, 1.0, freedom.max(1.0)).unwrap().inverse_cdf(p)
}

/// Counts below this are no normal deviates: neighbours are taken together until more are expected.
const EXPECTED_AT_LEAST: f64 = 5.0;

/// The p-value of Pearson's χ² = Σ (o − e)²/e for independent counts in neighbouring bins, whose sum is
/// not given: one degree of freedom for each. `None` where fewer than five are expected in all.
pub(crate) fn chi_squared_p(observed: &[u64], expected: &[f64]) -> Option<f64> {
    let (mut square, mut bins) = (0.0, 0_u32);
    let (mut seen, mut due) = (0.0, 0.0);
    for (&observed, &expected) in observed.iter().zip(expected) {
        seen += observed as f64;
        due += expected;
        if due >= EXPECTED_AT_LEAST {
            square += (seen - due).powi(2) / due;
            bins += 1;
            (seen, due) = (0.0, 0.0);
        }
    }
    Some(ChiSquared::new(f64::from(bins)).ok()?.sf(square))
}

/// A p-value as people read it.
pub(crate) fn shown_p(p: f64) -> String {
    match p {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p if p < 0.1 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// The smallest `k` with P(Bin(n, q) <= k) >= p.
pub(crate) fn binomial_quantile(p: f64, n: u64, q: f64) -> u64 {
    // OK because q is clamped to a probability.
    Binomial::new(q.clamp(0.0, 1.0), n).unwrap().inverse_cdf(p)
}

/// A share of successes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proportion {
    /// How often it went well.
    pub successes: u64,
    /// How often it was tried.
    pub trials: u64,
}

impl Proportion {
    /// Good answers among the calls whose end is the server's doing: those that were never sent, or that we cancelled, say
    /// nothing of it.
    pub(crate) fn of_calls<'a>(ended: impl IntoIterator<Item = (&'a Outcome, &'a u64)>) -> Self {
        let counted =
            ended.into_iter().filter(|(end, _)| !matches!(end, Outcome::Dropped | Outcome::Cancelled));
        counted.fold(Self { successes: 0, trials: 0 }, |sum, (end, count)| Self {
            successes: sum.successes + if *end == Outcome::Ok { *count } else { 0 },
            trials: sum.trials + count,
        })
    }

    /// How often it did not go well.
    pub(crate) fn failures(self) -> u64 {
        self.trials - self.successes
    }

    /// successes ÷ trials; `None` without trials.
    pub(crate) fn share(self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }

    /// The one-sided lower bound of Clopper and Pearson (1934) at `confidence`; 0 without trials.
    pub(crate) fn lower_bound(self, confidence: f64) -> f64 {
        if self.successes == 0 {
            return 0.0;
        }
        let (k, n) = (self.successes as f64, self.trials as f64);
        // OK because 1 <= k <= n makes both shapes positive.
        Beta::new(k, n - k + 1.0).unwrap().inverse_cdf(1.0 - confidence)
    }

    /// The one-sided upper bound of Clopper and Pearson at `confidence`; 1 without trials.
    pub(crate) fn upper_bound(self, confidence: f64) -> f64 {
        let failures = Self { successes: self.failures(), trials: self.trials };
        1.0 - failures.lower_bound(confidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_held_against_what_was_expected() {
        // χ² = 16/10 + 4/10 = 2.0 with two degrees of freedom: p = e^(−1).
        let p = chi_squared_p(&[14, 8], &[10.0, 10.0]).unwrap();
        assert!((p - (-1.0_f64).exp()).abs() < 1e-9, "{p}");
        // Ten hours of one call each are two bins of five.
        let p = chi_squared_p(&[1; 10], &[1.0; 10]).unwrap();
        assert!((p - 1.0).abs() < 1e-9, "{p}");
        assert!(chi_squared_p(&[60, 40], &[50.0, 20.0]).unwrap() < 1e-4);
        assert_eq!(chi_squared_p(&[1], &[1.0]), None);
    }

    #[test]
    fn the_success_bound_allows_what_the_tables_say() {
        // Failures in 3000 that still leave a lower bound of 99, 95 and 90 %.
        for (floor, failures) in [(0.99, 20), (0.95, 130), (0.90, 272)] {
            let with = |f: u64| Proportion { successes: 3000 - f, trials: 3000 }.lower_bound(0.95);
            assert!(with(failures) >= floor, "{failures} failures: {}", with(failures));
            assert!(with(failures + 1) < floor, "{} failures: {}", failures + 1, with(failures + 1));
        }
        for (floor, n) in [(0.99, 299), (0.95, 59), (0.90, 29)] {
            assert!(Proportion { successes: n, trials: n }.lower_bound(0.95) >= floor);
            assert!(Proportion { successes: n - 1, trials: n - 1 }.lower_bound(0.95) < floor);
        }
    }

    #[test]
    fn t_and_binomial_quantiles_are_those_of_printed_tables() {
        assert!((t_quantile(0.975, 9.0) - 2.262_157).abs() < 1e-5);
        assert_eq!(binomial_quantile(0.95, 59, 0.95), 58);
        assert_eq!(binomial_quantile(0.5, 10, 0.5), 5);
        assert!((normal_p_two_sided(1.959_964) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn the_median_of_nothing_is_none() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    }

    #[test]
    fn an_alternating_series_has_a_negative_autocorrelation() {
        let series: Vec<f64> = (0..100).map(|i| f64::from(i % 2)).collect();
        assert!(autocorrelation(&series, 1) < -0.9);
        assert_eq!(autocorrelation(&[1.0; 5], 1), 0.0);
    }
}
