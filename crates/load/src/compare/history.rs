//! An entry's figure over all records, and where its level changed. Advice, not a gate: on 60 points without any
//! change, one series in five or six shows a change point.

use super::Change;
use crate::measure::stats::mean;
use crate::record::{Entry, Record, Round};

/// With fewer points nothing is said about changes.
pub(crate) const MIN_POINTS: usize = 30;
/// Two-sided significance of a change point.
const P: f64 = 0.001;
/// A smaller change is not worth mentioning.
const MIN_RATIO: f64 = 1.05;
/// Points on either side of a change point, at least.
const MIN_SIDE: usize = 3;

/// One figure of one entry over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct History {
    /// The benchmark or tool.
    pub entry: String,
    /// Natural logarithms, of nanoseconds or of the ratio to the reference server; with the place of the record
    /// each comes from.
    pub points: Vec<(usize, f64)>,
    /// Whether the points are ratios to the reference server.
    pub relative: bool,
}

/// Where a level changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChangePoint {
    /// The first point of the new level.
    pub at: usize,
    /// New level ÷ old level.
    pub ratio: f64,
}

/// The wall time of every entry of `records`, which are in order of time and comparable with each other.
pub(crate) fn histories(records: &[&Record]) -> Vec<History> {
    let mut names: Vec<&String> = records.iter().flat_map(|record| record.entries.keys()).collect();
    names.sort();
    names.dedup();
    let of = |name: &String| {
        let entries = || records.iter().enumerate().filter_map(|(i, r)| Some((i, r.entries.get(name)?)));
        let relative = entries().all(|(_, entry)| level(entry, true).is_some());
        let points = entries().filter_map(|(i, entry)| Some((i, level(entry, relative)?))).collect();
        History { entry: name.clone(), points, relative }
    };
    names.into_iter().map(of).filter(|history| !history.points.is_empty()).collect()
}

fn level(entry: &Entry, relative: bool) -> Option<f64> {
    let of_round = |round: &Round| {
        let reference = if relative { round.reference?.wall_log } else { 0.0 };
        Some(round.wall_log? - reference)
    };
    // A round in which calls failed has no time, and the others still have.
    let timed = entry.rounds.iter().filter(|round| round.wall_log.is_some());
    let logs: Vec<f64> = timed.map(of_round).collect::<Option<_>>()?;
    (!logs.is_empty()).then(|| mean(&logs))
}

impl History {
    /// Where the level changed, by splitting in two again and again; `None` for too few points.
    pub(crate) fn change_points(&self) -> Option<Vec<ChangePoint>> {
        let values: Vec<f64> = self.points.iter().map(|(_, log)| *log).collect();
        (values.len() >= MIN_POINTS).then(|| {
            let mut found = Vec::new();
            divide(&values, 0, &mut found);
            found.sort_by_key(|point| point.at);
            found
        })
    }
}

/// E-divisive (Matteson and James 2014), with Student's t in place of the permutation test: it gives the same answer
/// on every run.
fn divide(values: &[f64], offset: usize, found: &mut Vec<ChangePoint>) {
    let Some(split) = best_split(values) else { return };
    let Some(change) = Change::welch(&values[..split], &values[split..]) else { return };
    let p = 2.0 * change.p_larger().min(change.p_smaller());
    if p >= P || change.log.abs() < MIN_RATIO.ln() {
        return;
    }
    found.push(ChangePoint { at: offset + split, ratio: change.ratio() });
    divide(&values[..split], offset, found);
    divide(&values[split..], offset + split, found);
}

/// The split with the largest energy distance between its sides. Moving one value to the left side changes three
/// sums of distances, so that all splits together take n² steps.
fn best_split(values: &[f64]) -> Option<usize> {
    let distances = |of: f64, to: &[f64]| to.iter().map(|value| (value - of).abs()).sum::<f64>();
    let (mut left, mut cross) = (0.0, 0.0);
    let mut right: f64 = (0..values.len()).map(|i| distances(values[i], &values[i + 1..])).sum();
    let mut best = None;
    for split in 1..values.len() {
        let moved = values[split - 1];
        let (to_left, to_right) =
            (distances(moved, &values[..split - 1]), distances(moved, &values[split..]));
        left += to_left;
        cross += to_right - to_left;
        right -= to_right;
        let (n, m) = (split as f64, (values.len() - split) as f64);
        if split < MIN_SIDE || values.len() - split < MIN_SIDE {
            continue;
        }
        let mean_within = |sum: f64, n: f64| sum / (n * (n - 1.0) / 2.0);
        let energy = 2.0 * cross / (n * m) - mean_within(left, n) - mean_within(right, m);
        let statistic = n * m / (n + m) * energy;
        if best.is_none_or(|(most, _)| statistic > most) {
            best = Some((statistic, split));
        }
    }
    best.map(|(_, split)| split)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::rng::Rng;

    fn series(levels: &[(usize, f64)], spread: f64, seed: u64) -> History {
        let mut rng = Rng::new(seed);
        let logs = levels.iter().flat_map(|&(n, level)| std::iter::repeat_n(level, n));
        let points = logs.enumerate().map(|(i, log)| (i, log + spread * rng.normal())).collect();
        History { entry: String::new(), points, relative: true }
    }

    #[test]
    fn two_steps_are_found_where_they_are() {
        for seed in 0..10 {
            let found = series(&[(20, 0.0), (15, 0.2), (15, 0.05)], 0.01, seed).change_points().unwrap();
            assert_eq!(found.iter().map(|point| point.at).collect::<Vec<_>>(), [20, 35], "seed {seed}");
            assert!((found[0].ratio - 0.2f64.exp()).abs() < 0.15);
        }
    }

    #[test]
    fn a_level_that_stays_has_few_change_points() {
        let alarms =
            (0..50).filter(|&seed| !series(&[(60, 0.0)], 0.02, seed).change_points().unwrap().is_empty());
        assert!(alarms.count() <= 5);
    }

    #[test]
    fn little_history_says_nothing() {
        assert_eq!(series(&[(15, 0.0), (14, 1.0)], 0.01, 1).change_points(), None);
    }
}
