//! Interim analyses of paired rounds, after 10, 20 and 40 of them: what is decided is measured no more.

use super::gate::{INTERIM_ANALYSES, Level, judge};
use super::{Change, ChangeVerdict, Limits, Severity, Why};

/// One entry's log ratios, one a round, and its verdict once it has one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// The log ratios so far.
    pub rounds: Vec<f64>,
    /// From where on it fails and warns.
    pub limits: Limits,
    /// `None` while it is open.
    pub verdict: Option<ChangeVerdict>,
}

impl Series {
    /// An open entry without rounds.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { rounds: Vec::new(), limits, verdict: None }
    }

    /// Whether it needs more rounds.
    pub(crate) fn is_open(&self) -> bool {
        self.verdict.is_none()
    }
}

/// Judges all open entries together. What is inconclusive stays open, except at the last analysis.
pub(crate) fn analyze(series: &mut [Series], last: bool) {
    let mut open = Vec::new();
    for entry in series.iter_mut().filter(|entry| entry.is_open()) {
        match Change::paired(&entry.rounds) {
            Some(change) => open.push((change, entry)),
            None if last => entry.verdict = Some(too_few(entry)),
            None => {}
        }
    }
    let changes: Vec<_> = open.iter().map(|(change, entry)| (*change, entry.limits)).collect();
    for ((change, entry), verdict) in open.into_iter().zip(judge(&changes, Level::INTERIM)) {
        let undecided = match verdict {
            ChangeVerdict::Inconclusive(_) => true,
            // With more rounds it may turn out to be a failure.
            ChangeVerdict::Regressed(Severity::Warn) => change.log >= entry.limits.fail,
            _ => false,
        };
        if last || !undecided {
            entry.verdict = Some(verdict);
        }
    }
}

fn too_few(entry: &Series) -> ChangeVerdict {
    ChangeVerdict::Inconclusive(Why::TooFewRounds { have: entry.rounds.len(), need: INTERIM_ANALYSES[0] })
}

/// Closes what is open without another analysis, where the rounds ended before the one after `next` of them.
pub(crate) fn close(series: &mut [Series], next: usize) {
    for entry in series.iter_mut().filter(|entry| entry.is_open()) {
        entry.verdict =
            Some(ChangeVerdict::Inconclusive(Why::TooFewRounds { have: entry.rounds.len(), need: next }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(level: f64, spread: f64) -> Series {
        let rounds = (0..10).map(|r| level + spread * f64::from(r % 2 * 2 - 1)).collect();
        Series { rounds, ..Series::new(Limits::default()) }
    }

    #[test]
    fn only_what_is_decided_closes_before_the_last_analysis() {
        let mut all = [series(0.2, 0.01), series(0.0, 0.01), series(0.0, 0.2)];
        analyze(&mut all, false);
        assert_eq!(all[0].verdict, Some(ChangeVerdict::FAIL));
        assert_eq!(all[1].verdict, Some(ChangeVerdict::Unchanged));
        assert!(all[2].is_open());
        analyze(&mut all, true);
        assert!(matches!(all[2].verdict, Some(ChangeVerdict::Inconclusive(Why::TooNoisy { .. }))));
    }

    #[test]
    fn a_warning_beyond_the_failing_limit_waits_for_more_rounds() {
        let mut all = [series(0.12, 0.08)];
        analyze(&mut all, false);
        assert!(all[0].is_open());
        analyze(&mut all, true);
        assert_eq!(all[0].verdict, Some(ChangeVerdict::Regressed(Severity::Warn)));
    }

    #[test]
    fn an_entry_without_rounds_ends_as_inconclusive() {
        let mut all = [Series::new(Limits::default())];
        analyze(&mut all, true);
        assert_eq!(
            all[0].verdict.as_ref().unwrap().to_string(),
            "inconclusive: only 0 rounds; 10 are needed"
        );
    }
}
