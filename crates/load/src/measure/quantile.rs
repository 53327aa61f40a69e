//! A quantile with its bounds, or that there are too few samples for it.

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::stats::{binomial_quantile, standard_deviation, t_quantile};

/// Contiguous parts of a run whose quantiles are compared for the batch interval.
pub(crate) const BATCHES: usize = 10;
/// A quantile is reported only if this many samples are expected above it.
const SAMPLES_ABOVE: f64 = 10.0;
/// Autocorrelation above which an order-statistic interval is called optimistic: simulated coverage
/// of a nominal 95 % falls to 86–90 % at 0.5 and to about 50 % at 0.9.
const OPTIMISTIC_LAG1: f64 = 0.3;

/// What can be said about one quantile of a latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Quantile {
    /// The estimate, with its 95 % interval.
    Value {
        /// The nearest-rank estimate, nanoseconds.
        ns: u64,
        /// Where the truth lies with 95 % confidence.
        interval: Interval,
    },
    /// Too few samples for an estimate, or a disturbed run; with 95 % confidence the quantile is no larger than this.
    UpperBound {
        /// Nanoseconds.
        ns: u64,
        /// What it is no smaller than, nanoseconds, where the run was not disturbed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low_ns: Option<u64>,
    },
    /// Too few samples for an upper bound.
    TooFewSamples {
        /// Samples from which there is one.
        needed: u64,
        /// What it is no smaller than, nanoseconds: two samples that took long are enough to know that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low_ns: Option<u64>,
    },
    /// So many calls timed out that only a lower limit is known; print it as "≥".
    Censored {
        /// The limit by the point estimate, nanoseconds.
        at_least_ns: u64,
        /// With 95 % confidence the quantile is no smaller than this, nanoseconds.
        low_ns: u64,
    },
    /// Known on neither side: interference took the lower one, calls that timed out the upper one.
    Unknown,
}

/// A 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Interval {
    /// The lower end, nanoseconds.
    pub low_ns: u64,
    /// The upper end, nanoseconds; `None` where it lies beyond the largest sample or the deadline.
    pub high_ns: Option<u64>,
    /// How the interval was found.
    pub method: IntervalMethod,
    /// The samples depend on each other and the interval assumes that they do not: it is too narrow.
    pub optimistic: bool,
}

/// How an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// Student's t over the logarithms of the quantile in ten contiguous batches; robust against
    /// dependence between neighbours.
    Batches,
    /// Two order statistics from the binomial distribution; assumes independent samples.
    OrderStatistics,
}

impl Quantile {
    /// Reads quantile `q` off a histogram.
    ///
    /// `batches` holds the same quantile of each of ten contiguous parts of the run, or is empty
    /// if that is not known; `lag1` is the autocorrelation of neighbours, `None` if not known,
    /// which is treated as dependence.
    pub(crate) fn read(histogram: &Histogram, q: f64, batches: &[u64], lag1: Option<f64>) -> Self {
        let n = histogram.count();
        let low_ns = order_low(histogram, q);
        let Some(ns) = histogram.quantile(q).filter(|_| n >= samples_for_bound(q)) else {
            return Self::TooFewSamples { needed: samples_for_bound(q), low_ns };
        };
        if histogram.is_censored_at(ns) {
            return Self::Censored { at_least_ns: ns, low_ns: low_ns.unwrap_or(0) };
        }
        if n < samples_for_value(q) {
            return Self::upper_bound(histogram, q);
        }
        let interval = if n >= samples_for_batches(q) && usable(histogram, batches) {
            batch_interval(ns, batches)
        } else {
            order_interval(histogram, q, lag1)
        };
        let high_ns = interval.high_ns.filter(|&high| !histogram.is_censored_at(high));
        Self::Value { ns, interval: Interval { high_ns, ..interval } }
    }

    fn upper_bound(histogram: &Histogram, q: f64) -> Self {
        let rank = binomial_quantile(0.95, histogram.count(), q) + 1;
        match histogram.at_rank(rank) {
            Some(ns) if !histogram.is_censored_at(ns) => {
                Self::UpperBound { ns, low_ns: order_low(histogram, q) }
            }
            _ => {
                let low_ns = order_low(histogram, q).unwrap_or(0);
                Self::Censored { at_least_ns: low_ns, low_ns }
            }
        }
    }

    /// What remains of it in a disturbed run, whose times are upper bounds.
    pub(crate) fn without_lower_side(self) -> Self {
        match self {
            Self::Value { interval: Interval { high_ns: Some(ns), .. }, .. }
            | Self::UpperBound { ns, .. } => Self::UpperBound { ns, low_ns: None },
            Self::TooFewSamples { needed, .. } => Self::TooFewSamples { needed, low_ns: None },
            Self::Value { .. } | Self::Censored { .. } | Self::Unknown => Self::Unknown,
        }
    }

    /// The point estimate or the limit, whichever there is.
    pub(crate) fn ns(&self) -> Option<u64> {
        match *self {
            Self::Value { ns, .. } | Self::UpperBound { ns, .. } => Some(ns),
            Self::Censored { at_least_ns, .. } => Some(at_least_ns),
            Self::TooFewSamples { .. } | Self::Unknown => None,
        }
    }

    /// The limit above which the quantile lies with confidence; `None` if there is none.
    pub(crate) fn lower_ns(&self) -> Option<u64> {
        match *self {
            Self::Value { interval, .. } => Some(interval.low_ns),
            Self::Censored { low_ns, .. } => Some(low_ns),
            Self::UpperBound { low_ns, .. } | Self::TooFewSamples { low_ns, .. } => low_ns,
            Self::Unknown => None,
        }
    }

    /// The limit below which the quantile lies with confidence; `None` if there is none.
    pub(crate) fn upper_ns(&self) -> Option<u64> {
        match *self {
            Self::Value { interval, .. } => interval.high_ns,
            Self::UpperBound { ns, .. } => Some(ns),
            Self::Censored { .. } | Self::TooFewSamples { .. } | Self::Unknown => None,
        }
    }
}

/// Samples from which a distribution-free 95 % upper bound exists: ln 0.05 / ln q, that is 59 for
/// p95, 299 for p99 and 2995 for p99.9.
pub(crate) fn samples_for_bound(q: f64) -> u64 {
    (0.05f64.ln() / q.ln()).ceil() as u64
}

/// Samples from which the quantile itself is reported: 200 for p95, 1000 for p99, 10 000 for p99.9.
pub(crate) fn samples_for_value(q: f64) -> u64 {
    (SAMPLES_ABOVE / (1.0 - q)).round() as u64
}

/// Samples from which ten batches carry the quantile: 2000 for p95, 3000 for p99. In simulation
/// the batch interval then covers 92–96 % whatever the dependence.
fn samples_for_batches(q: f64) -> u64 {
    let above = if q <= 0.95 { 100.0 } else { 30.0 };
    (above / (1.0 - q)).round() as u64
}

fn usable(histogram: &Histogram, batches: &[u64]) -> bool {
    batches.len() == BATCHES && batches.iter().all(|&ns| ns > 0 && !histogram.is_censored_at(ns))
}

/// ln q̂ ± t₉ · sd(ln q_j) / √10.
fn batch_interval(ns: u64, batches: &[u64]) -> Interval {
    let logs: Vec<f64> = batches.iter().map(|&ns| (ns as f64).ln()).collect();
    let batches = logs.len() as f64;
    let half = t_quantile(0.975, batches - 1.0) * standard_deviation(&logs) / batches.sqrt();
    Interval {
        low_ns: (ns as f64 * (-half).exp()) as u64,
        high_ns: Some((ns as f64 * half.exp()).ceil() as u64),
        method: IntervalMethod::Batches,
        optimistic: false,
    }
}

/// What quantile `q` surely exceeds, one-sided at 95 %: x₍l₎ with l = B⁻¹(.05; n, q). `None` without samples.
pub(crate) fn lower_bound(histogram: &Histogram, q: f64) -> Option<u64> {
    histogram.at_rank(binomial_quantile(0.05, histogram.count(), q).max(1))
}

/// x₍l₎ with l = B⁻¹(.025; n, q); `None` where l is 0, with a single sample of a p95.
fn order_low(histogram: &Histogram, q: f64) -> Option<u64> {
    let low = binomial_quantile(0.025, histogram.count(), q);
    if low == 0 { None } else { histogram.at_rank(low) }
}

/// [x₍l₎, x₍u₎] with l = B⁻¹(.025; n, q) and u = B⁻¹(.975; n, q) + 1.
fn order_interval(histogram: &Histogram, q: f64, lag1: Option<f64>) -> Interval {
    let high = binomial_quantile(0.975, histogram.count(), q) + 1;
    Interval {
        // OK because an interval is made of hundreds of samples.
        low_ns: order_low(histogram, q).unwrap_or(0),
        high_ns: histogram.at_rank(high),
        method: IntervalMethod::OrderStatistics,
        optimistic: lag1.is_none_or(|lag1| lag1 > OPTIMISTIC_LAG1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Latency;

    fn ramp(n: u64) -> Histogram {
        let mut histogram = Histogram::default();
        (1..=n).for_each(|ms| histogram.record(Latency { ns: ms * 1_000_000, censored: false }));
        histogram
    }

    fn read(n: u64, q: f64) -> Quantile {
        Quantile::read(&ramp(n), q, &[], Some(0.0))
    }

    #[test]
    fn limits_are_those_of_the_method() {
        for (q, bound, value) in [(0.95, 59, 200), (0.99, 299, 1000), (0.999, 2995, 10_000)] {
            assert_eq!((samples_for_bound(q), samples_for_value(q)), (bound, value));
        }
        assert_eq!((samples_for_batches(0.95), samples_for_batches(0.99)), (2000, 3000));
    }

    #[test]
    fn a_quantile_without_enough_samples_is_refused() {
        assert!(matches!(read(58, 0.95), Quantile::TooFewSamples { needed: 59, .. }));
        assert!(matches!(read(199, 0.95), Quantile::UpperBound { .. }));
        assert!(matches!(read(200, 0.95), Quantile::Value { .. }));
        assert!(matches!(read(999, 0.99), Quantile::UpperBound { .. }));
        assert!(matches!(read(1000, 0.99), Quantile::Value { .. }));
        assert!(matches!(read(0, 0.5), Quantile::TooFewSamples { .. }));
    }

    #[test]
    fn a_few_samples_say_what_it_is_no_smaller_than() {
        // P(Bin(2, .95) <= 0) = .0025 and P(Bin(2, .95) <= 1) = .0975; of one sample P(Bin(1, .95) <= 0) = .05.
        let low = |n| read(n, 0.95).lower_ns().map(|ns| (ns as f64 / 1e6).round() as u64);
        assert_eq!([0, 1, 2, 58, 100].map(low), [None, None, Some(1), Some(51), Some(90)]);
    }

    #[test]
    fn the_order_statistics_are_those_of_the_binomial() {
        // B⁻¹(.025; 200, .95) = 184 and B⁻¹(.975; 200, .95) + 1 = 197.
        let Quantile::Value { ns, interval } = read(200, 0.95) else { panic!("no value") };
        let ms = |ns: u64| (ns as f64 / 1e6).round() as u64;
        assert_eq!((ms(ns), ms(interval.low_ns), interval.high_ns.map(ms)), (190, 184, Some(197)));
    }

    #[test]
    fn a_few_samples_surely_exceed_little() {
        // P(Bin(50, .99) <= 47) = .014 and P(Bin(50, .99) <= 48) = .089, so the 48th of 50 is exceeded at 95 %.
        let ms = |n| lower_bound(&ramp(n), 0.99).map(|ns| (ns as f64 / 1e6).round() as u64);
        assert_eq!((ms(50), ms(1000), ms(0)), (Some(48), Some(985), None));
    }

    #[test]
    fn timeouts_at_the_quantile_leave_only_a_lower_limit() {
        let mut histogram = ramp(400);
        (0..40).for_each(|_| histogram.record(Latency { ns: 900_000_000, censored: true }));
        let p95 = Quantile::read(&histogram, 0.95, &[], Some(0.0));
        assert!(
            matches!(p95, Quantile::Censored { at_least_ns, .. } if at_least_ns.abs_diff(900_000_000) < 900_000)
        );
        let median = Quantile::read(&histogram, 0.5, &[], Some(0.0));
        assert!(matches!(median, Quantile::Value { .. }));
    }

    #[test]
    fn an_interval_that_reaches_the_deadline_is_open() {
        let mut histogram = ramp(390);
        (0..18).for_each(|_| histogram.record(Latency { ns: 900_000_000, censored: true }));
        let p95 = Quantile::read(&histogram, 0.95, &[], Some(0.0));
        assert!(matches!(p95, Quantile::Value { interval: Interval { high_ns: None, .. }, .. }));
    }

    #[test]
    fn a_disturbed_quantile_keeps_its_upper_side_alone() {
        let Quantile::Value { interval, .. } = read(1000, 0.95) else { panic!("no value") };
        let upper = Quantile::UpperBound { ns: interval.high_ns.unwrap(), low_ns: None };
        assert_eq!(read(1000, 0.95).without_lower_side(), upper);
        let of_few = read(100, 0.95).without_lower_side();
        assert_eq!((of_few.upper_ns(), of_few.lower_ns()), (read(100, 0.95).upper_ns(), None));
        assert_eq!(read(20, 0.95).without_lower_side().lower_ns(), None);
        let timed_out = Quantile::Censored { at_least_ns: 9, low_ns: 8 };
        assert_eq!(timed_out.without_lower_side(), Quantile::Unknown);
    }

    #[test]
    fn dependent_neighbours_make_an_order_interval_optimistic() {
        for (lag1, optimistic) in [(Some(0.1), false), (Some(0.5), true), (None, true)] {
            let p95 = Quantile::read(&ramp(300), 0.95, &[], lag1);
            assert!(matches!(p95, Quantile::Value { interval, .. } if interval.optimistic == optimistic));
        }
    }

    #[test]
    fn equal_batches_leave_no_doubt() {
        let ns = 1_900_000_000;
        let p95 = Quantile::read(&ramp(2000), 0.95, &[ns; BATCHES], Some(0.9));
        let Quantile::Value { ns, interval } = p95 else { panic!("no value") };
        assert_eq!(interval.method, IntervalMethod::Batches);
        assert!(interval.high_ns.unwrap() - ns <= 1 && ns - interval.low_ns <= 1);
    }
}
