//! Paired rounds: two servers measured in turn, so that what disturbs one disturbs the other.

use serde::{Deserialize, Serialize};

use super::Change;
use crate::measure::stats::mean;

/// Four slots measured one after the other, as ABBA or BAAB: a linear drift cancels.
///
/// In files it is `[[a₁, a₂], [b₁, b₂]]`, in whole nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[[u64; 2]; 2]", into = "[[u64; 2]; 2]")]
pub struct Block {
    /// The baseline's two slots, nanoseconds a call.
    pub baseline_ns: [f64; 2],
    /// The candidate's two slots, nanoseconds a call.
    pub candidate_ns: [f64; 2],
}

impl Block {
    /// d = ½(ln b₁ + ln b₂) − ½(ln a₁ + ln a₂).
    #[must_use]
    pub fn log_ratio(&self) -> f64 {
        let level = |slots: [f64; 2]| f64::midpoint(slots[0].ln(), slots[1].ln());
        level(self.candidate_ns) - level(self.baseline_ns)
    }
}

impl From<[[u64; 2]; 2]> for Block {
    fn from([baseline, candidate]: [[u64; 2]; 2]) -> Self {
        let ns = |slots: [u64; 2]| slots.map(|ns| ns as f64);
        Self { baseline_ns: ns(baseline), candidate_ns: ns(candidate) }
    }
}

impl From<Block> for [[u64; 2]; 2] {
    fn from(block: Block) -> Self {
        [block.baseline_ns, block.candidate_ns].map(|slots| slots.map(|ns| ns.round() as u64))
    }
}

/// The log ratio of one round: the mean over its blocks. `None` unless every slot took time, which
/// a coarse CPU clock may not show.
pub(crate) fn round(blocks: &[Block]) -> Option<f64> {
    let ratios: Vec<f64> = blocks.iter().map(Block::log_ratio).collect();
    let ratio = mean(&ratios);
    ratio.is_finite().then_some(ratio)
}

/// The A/A control, two copies of the baseline, must not differ by more than this …
const AA_RATIO: f64 = 1.03;
/// … with this two-sided significance.
const AA_P: f64 = 0.001;

/// Whether the A/A control says that two identical servers differ. If so, no verdict on times of that run is to be believed.
pub(crate) fn aa_alarm(log_ratios: &[f64]) -> Option<String> {
    let change = Change::paired(log_ratios)?;
    let p = 2.0 * change.p_larger().min(change.p_smaller());
    (change.log.abs() > AA_RATIO.ln() && p < AA_P).then(|| {
        format!("two copies of the baseline differ by {:+.1} % (p = {p:.1e})", (change.ratio() - 1.0) * 100.0)
    })
}

/// The change of the whole suite: per round, the mean of all entries' log ratios. It finds a global
/// slowdown of 2 or 3 % that no single row can show. Only rounds that every entry has are used.
pub(crate) fn suite_change(entries: &[&[f64]]) -> Option<Change> {
    let rounds = entries.iter().map(|entry| entry.len()).min()?;
    let of_round = |r| mean(&entries.iter().map(|entry| entry[r]).collect::<Vec<_>>());
    Change::paired(&(0..rounds).map(of_round).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_drift_cancels_in_either_order() {
        for (baseline_ns, candidate_ns) in [([1.0, 8.0], [2.0, 4.0]), ([2.0, 4.0], [1.0, 8.0])] {
            assert!(Block { baseline_ns, candidate_ns }.log_ratio().abs() < 1e-12);
        }
    }

    #[test]
    fn a_slot_without_time_gives_no_ratio() {
        assert_eq!(round(&[Block { baseline_ns: [0.0, 1.0], candidate_ns: [1.0, 1.0] }]), None);
        assert_eq!(round(&[]), None);
    }

    #[test]
    fn the_a_a_control_needs_size_and_significance() {
        let around = |level: f64| (0..10).map(|i| level + f64::from(i % 3) * 1e-3).collect::<Vec<_>>();
        assert_eq!(aa_alarm(&around(0.02)), None, "small");
        assert!(aa_alarm(&around(-0.05)).unwrap().contains("-4.8 %"));
        assert_eq!(aa_alarm(&[0.2, -0.1, 0.3, -0.2]), None, "insignificant");
    }

    #[test]
    fn a_slowdown_of_every_entry_shows_in_the_suite_before_it_shows_in_a_row() {
        // Each row's noise is ±5 %, opposite in neighbours; the common shift is 2 %.
        let entry = |sign: f64| (0..10).map(|r| 0.02 + sign * 0.05 * f64::from(r % 2 * 2 - 1)).collect();
        let entries: Vec<Vec<f64>> = (0..10).map(|b| entry(f64::from(b % 2 * 2 - 1))).collect();
        assert!(Change::paired(&entries[0]).unwrap().p_larger() > 0.01);
        let suite = suite_change(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        assert!((suite.ratio() - 1.02).abs() < 1e-3 && suite.p_larger() < 1e-6);
    }
}
