//! What a record says of one entry: the mean over its rounds, and how far they lie apart.

use super::{Figure, memory};
use crate::measure::stats::{mean, standard_deviation};
use crate::record::{Entry, Round};

/// An entry in a few figures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    /// Rounds, with times or without.
    pub rounds: usize,
    /// The geometric mean of the rounds' medians, nanoseconds; of their mean times where they have no median.
    pub median_ns: Option<f64>,
    /// The geometric mean of the rounds' quantiles 0.95, nanoseconds.
    pub p95_ns: Option<f64>,
    /// The share of calls that ended well.
    pub success: Option<f64>,
}

impl Figures {
    /// Those of an entry.
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            rounds: entry.rounds.len(),
            median_ns: level(&logs(entry, |round| round.p50_ns.map(log).or(round.wall_log))),
            p95_ns: level(&logs(entry, |round| round.p95_ns.map(log))),
            success: entry.success().share(),
        }
    }
}

/// All that an entry says, in words.
pub(crate) fn describe(entry: &Entry) -> String {
    let growths = || entry.rounds.iter().filter_map(|round| round.growth);
    let by_time = memory::mean_slope(&growths().map(|growth| growth.mb_per_min).collect::<Vec<_>>());
    let by_call = memory::mean_slope(&growths().filter_map(|growth| growth.kb_per_call).collect::<Vec<_>>());
    let memory = |value: f64| Figure::Memory.show(value);
    let texts = [
        Some(wall(entry)),
        p95(entry),
        level(&logs(entry, |round| round.cpu_log)).map(|ns| format!("cpu {}", Figure::Cpu.show(ns))),
        entry.success().share().map(|share| format!("success {}", Figure::Success.show(share))),
        by_time.map(|slope| {
            let [estimate, low, high] = [slope.estimate, slope.lower, slope.upper].map(memory);
            format!("memory {estimate} ({low} … {high})")
        }),
        by_call.map(|slope| {
            format!("{:.2} KB a call ({:.2} … {:.2})", slope.estimate, slope.lower, slope.upper)
        }),
    ];
    texts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn wall(entry: &Entry) -> String {
    let show = |logs: &[f64]| Figure::Wall.show(mean(logs).exp());
    match logs(entry, |round| round.wall_log).as_slice() {
        [] => format!("no times in {} rounds", entry.rounds.len()),
        [one] => format!("{}, 1 round", show(&[*one])),
        many => {
            let spread = standard_deviation(many) * 100.0;
            format!("{} ± {spread:.1} % between {} rounds", show(many), many.len())
        }
    }
}

/// The level, from the lowest bound of all rounds to the highest.
fn p95(entry: &Entry) -> Option<String> {
    let show = |ns: f64| Figure::P95.show(ns);
    let level = level(&logs(entry, |round| round.p95_ns.map(log)))?;
    let bounds = || entry.rounds.iter().filter_map(|round| round.p95_bounds_ns);
    let low = bounds().map(|(low, _)| low as f64).reduce(f64::min);
    let high = bounds().map(|(_, high)| Some(high? as f64)).reduce(|a, b| Some(a?.max(b?)));
    let bounds = low.zip(high).map_or_else(String::new, |(low, high)| {
        format!(" ({} … {})", show(low), high.map_or_else(|| "unknown".to_owned(), show))
    });
    let least = if entry.rounds.iter().any(|round| round.p95_is_least) { ">= " } else { "" };
    Some(format!("p95 {least}{}{bounds}", show(level)))
}

fn logs(entry: &Entry, of: fn(&Round) -> Option<f64>) -> Vec<f64> {
    entry.rounds.iter().filter_map(of).collect()
}

fn log(ns: u64) -> f64 {
    (ns as f64).ln()
}

/// The geometric mean; `None` for nothing.
fn level(logs: &[f64]) -> Option<f64> {
    (!logs.is_empty()).then(|| mean(logs).exp())
}
