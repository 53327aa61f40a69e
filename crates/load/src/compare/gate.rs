//! The rule that turns changes into verdicts, over all entries at once.

use super::{Change, ChangeVerdict, Severity, Why};

/// Rounds after which paired rounds are judged: the interim analyses of a group-sequential test. An entry that is decided is measured no more.
pub(crate) const INTERIM_ANALYSES: [usize; 3] = [10, 20, 40];

/// Fewer rounds of records that were collected separately are not judged at all.
pub(crate) const MIN_ROUNDS: usize = 5;

/// From which change on an entry fails or warns, on the logarithmic scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// At or above it a significant change fails.
    pub fail: f64,
    /// At or above it a significant change warns.
    pub warn: f64,
}

impl Limits {
    /// Fails from a ratio of `1 + relative` on and warns from half of that on.
    pub(crate) fn relative(relative: f64) -> Self {
        Self { fail: relative.ln_1p(), warn: (relative / 2.0).ln_1p() }
    }
}

impl Default for Limits {
    /// +10 % fails, +5 % warns.
    fn default() -> Self {
        Self::relative(0.10)
    }
}

/// The error probabilities of one judgement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level {
    /// Of any false alarm among all entries (Holm 1979).
    pub family: f64,
    /// Of a false alarm in one entry.
    pub single: f64,
    /// Of each bound.
    pub bound: f64,
}

impl Level {
    /// Of one interim analysis: 5 % and 1 % shared equally by all of them.
    pub(crate) const INTERIM: Self = {
        let analyses = INTERIM_ANALYSES.len() as f64;
        Self { family: 0.05 / analyses, single: 0.05 / analyses, bound: 0.01 / analyses }
    };
    /// Of the only judgement of two records that were collected separately.
    pub(crate) const RECORDS: Self = Self { family: 0.05, single: 0.01, bound: 0.01 };

    /// Of an entry that is judged by itself, beside a family.
    pub(crate) fn alone(self) -> Self {
        Self { family: self.bound, single: self.bound, ..self }
    }
}

/// Judges all entries that are still open. To fail, the lower bound must lie above the warning limit: on a noisy machine
/// only those estimates of a change of 5 % are significant that are far too large, and without this two suites in
/// twenty failed for one (replayed noise).
///
/// An entry that stays open is `Inconclusive(TooNoisy)`.
pub(crate) fn judge(open: &[(Change, Limits)], level: Level) -> Vec<ChangeVerdict> {
    let slower = significant(open.iter().map(|(change, _)| change.p_larger()), level);
    let faster = significant(open.iter().map(|(change, _)| change.p_smaller()), level);
    open.iter()
        .zip(slower.into_iter().zip(faster))
        .map(|(&(change, limits), (slower, faster))| {
            let (lower, upper) = change.bounds(level.bound);
            match change.log {
                log if slower && log >= limits.fail && lower > limits.warn => {
                    ChangeVerdict::Regressed(Severity::Fail)
                }
                log if slower && log >= limits.warn => ChangeVerdict::Regressed(Severity::Warn),
                log if faster && log <= -limits.warn => ChangeVerdict::Improved,
                _ if upper < limits.fail => ChangeVerdict::Unchanged,
                _ => ChangeVerdict::Inconclusive(Why::TooNoisy {
                    rounds: rounds_needed(&change, limits, level),
                }),
            }
        })
        .collect()
}

/// Rounds until the upper bound falls below the failing limit or, beyond it, the lower bound above zero,
/// if neither the estimate nor the noise changes.
pub(crate) fn rounds_needed(change: &Change, limits: Limits, level: Level) -> usize {
    let room = limits.fail - change.log;
    let half_width = if room > 0.0 { room } else { change.log };
    change.rounds_for(half_width, level.bound).max(change.rounds + 1)
}

/// Which of the p-values are significant one by one and by the step-down procedure of Holm.
fn significant(p: impl Iterator<Item = f64>, level: Level) -> Vec<bool> {
    let p: Vec<f64> = p.collect();
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut significant = vec![false; p.len()];
    for (step, &i) in order.iter().enumerate() {
        if p[i] > (level.family / (p.len() - step) as f64).min(level.single) {
            break;
        }
        significant[i] = true;
    }
    significant
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(log: f64, standard_error: f64) -> ChangeVerdict {
        let change = Change { log, standard_error, freedom: 9.0, rounds: 10 };
        judge(&[(change, Limits::default())], Level::INTERIM).remove(0)
    }

    #[test]
    fn size_and_significance_make_the_verdict() {
        let percent = |percent: f64| (percent / 100.0).ln_1p();
        assert_eq!(verdict(percent(12.0), 0.01), ChangeVerdict::FAIL);
        assert_eq!(verdict(percent(10.0), 0.01), ChangeVerdict::FAIL);
        assert_eq!(verdict(percent(7.0), 0.01), ChangeVerdict::Regressed(Severity::Warn));
        assert_eq!(verdict(percent(4.0), 0.01), ChangeVerdict::Unchanged, "significant and small");
        assert_eq!(verdict(percent(-7.0), 0.01), ChangeVerdict::Improved);
        assert_eq!(verdict(percent(-4.0), 0.01), ChangeVerdict::Unchanged);
        assert_eq!(verdict(percent(-30.0), 0.2), ChangeVerdict::Inconclusive(Why::TooNoisy { rounds: 25 }));
    }

    #[test]
    fn a_large_but_noisy_change_is_neither_passed_nor_failed() {
        assert!(
            matches!(verdict(1.2f64.ln(), 0.2), ChangeVerdict::Inconclusive(Why::TooNoisy { rounds }) if rounds > 10)
        );
        assert!(matches!(verdict(0.0, 0.1), ChangeVerdict::Inconclusive(_)));
    }

    #[test]
    fn holm_is_stricter_the_more_entries_are_judged() {
        let level = Level { family: 0.05, single: 1.0, bound: 0.01 };
        let of = |p: &[f64]| significant(p.iter().copied(), level);
        assert_eq!(of(&[0.04]), [true]);
        assert_eq!(of(&[0.04, 0.5]), [false, false]);
        // The smallest passes at .05/3, which lets the next be judged at .05/2, and so on.
        assert_eq!(of(&[0.03, 0.01, 0.024]), [true, true, true]);
        assert_eq!(of(&[0.06, 0.01, 0.024]), [false, true, true]);
        assert_eq!(of(&[0.001, 0.026, 0.027]), [true, false, false]);
    }
}
