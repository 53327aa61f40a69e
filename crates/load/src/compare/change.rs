//! Candidate ÷ baseline as a logarithm, with what is needed for bounds and p-values.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::measure::stats::{mean, standard_deviation, t_quantile};

/// An estimated change. Every field is on the logarithmic scale: 0 is "no change", ln 1.1 is +10 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The estimate.
    pub log: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom of the t distribution the estimate is judged by.
    pub freedom: f64,
    /// Rounds it rests on (of the shorter side where there are two).
    pub rounds: usize,
}

impl Change {
    /// From one log ratio per round, both sides measured in the same rounds: m and s/√R.
    /// `None` for fewer than two rounds.
    pub(crate) fn paired(log_ratios: &[f64]) -> Option<Self> {
        let n = log_ratios.len();
        (n >= 2).then(|| Self {
            log: mean(log_ratios),
            standard_error: standard_deviation(log_ratios) / (n as f64).sqrt(),
            freedom: n as f64 - 1.0,
            rounds: n,
        })
    }

    /// From one log figure per round on each side, measured apart: the t test of Welch (1947).
    /// `None` for fewer than two rounds on either side.
    pub(crate) fn welch(baseline: &[f64], candidate: &[f64]) -> Option<Self> {
        let (n, k) = (baseline.len() as f64, candidate.len() as f64);
        if baseline.len() < 2 || candidate.len() < 2 {
            return None;
        }
        let (u, v) = (standard_deviation(baseline).powi(2) / n, standard_deviation(candidate).powi(2) / k);
        let freedom = (u + v).powi(2) / (u * u / (n - 1.0) + v * v / (k - 1.0));
        Some(Self {
            log: mean(candidate) - mean(baseline),
            standard_error: (u + v).sqrt(),
            // 0/0 where neither side varies at all.
            freedom: if freedom.is_finite() { freedom } else { n.min(k) - 1.0 },
            rounds: baseline.len().min(candidate.len()),
        })
    }

    /// Candidate ÷ baseline.
    pub(crate) fn ratio(&self) -> f64 {
        self.log.exp()
    }

    /// P(a change this large or larger | no change).
    pub(crate) fn p_larger(&self) -> f64 {
        let t = match (self.log, self.standard_error) {
            (0.0, 0.0) => 0.0,
            // Rounds that do not vary (instruction counts) give an infinite t.
            (log, 0.0) => return if log > 0.0 { 0.0 } else { 1.0 },
            (log, error) => log / error,
        };
        // OK because there are at least two rounds, hence a positive number of degrees of freedom.
        StudentsT::new(0.0, 1.0, self.freedom).unwrap().sf(t)
    }

    /// P(a change this small or smaller | no change).
    pub(crate) fn p_smaller(&self) -> f64 {
        Self { log: -self.log, ..*self }.p_larger()
    }

    /// The lower and upper bound, each of which the truth passes with probability `alpha`.
    pub(crate) fn bounds(&self, alpha: f64) -> (f64, f64) {
        let half = t_quantile(1.0 - alpha, self.freedom) * self.standard_error;
        (self.log - half, self.log + half)
    }

    /// Rounds after which the bounds would lie `half_width` from the estimate: R ≥ (t·s/h)².
    pub(crate) fn rounds_for(&self, half_width: f64, alpha: f64) -> usize {
        let spread = self.standard_error * (self.rounds as f64).sqrt();
        let t = t_quantile(1.0 - alpha, self.freedom);
        ((t * spread / half_width).powi(2).ceil() as usize).max(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn welch_gives_the_figures_of_the_textbook() {
        // Checked by hand: means 3 and 5, variances 2.5 and 10, five values each.
        let change = Change::welch(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 5.0, 7.0, 9.0]).unwrap();
        assert!((change.log - 2.0).abs() < 1e-12);
        assert!((change.standard_error - 2.5f64.sqrt()).abs() < 1e-12);
        assert!((change.freedom - 6.25 / (0.0625 + 1.0)).abs() < 1e-9, "{}", change.freedom);
    }

    #[test]
    fn the_rounds_needed_are_those_of_the_planning_table() {
        // s = .02: 10 rounds for ±1.8 %; .05: 20 for ±2.9 %; .15: 40 for ±5.8 %.
        for (spread, rounds, half_width) in [(0.02, 10, 0.0179), (0.05, 20, 0.0284), (0.15, 40, 0.0576)] {
            let change = Change {
                log: 0.0,
                standard_error: spread / f64::from(rounds).sqrt(),
                freedom: f64::from(rounds) - 1.0,
                rounds: rounds as usize,
            };
            assert_eq!(change.rounds_for(half_width, 0.01), rounds as usize, "s = {spread}");
        }
    }

    #[test]
    fn rounds_without_any_spread_are_judged_by_their_level_alone() {
        let same = Change::paired(&[0.0; 5]).unwrap();
        assert!((same.p_larger() - 0.5).abs() < 1e-12);
        let slower = Change::paired(&[0.02; 5]).unwrap();
        assert_eq!((slower.p_larger(), slower.p_smaller()), (0.0, 1.0));
        assert_eq!(Change::paired(&[0.1]), None);
    }
}
