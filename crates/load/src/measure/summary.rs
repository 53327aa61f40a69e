//! The figures of one series of latencies: count, min, mean, quantiles with bounds, max.

use serde::{Deserialize, Serialize};

use super::Latency;
use super::histogram::Histogram;
use super::quantile::{BATCHES, Quantile};

/// The quantiles of a summary, in order.
const QUANTILES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

/// What is printed of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Summary {
    /// Latencies in the series, censored ones included.
    pub count: u64,
    /// Calls that timed out.
    pub censored: u64,
    /// The exact minimum, nanoseconds.
    pub min_ns: u64,
    /// The exact mean, nanoseconds; a lower bound if anything is censored.
    pub mean_ns: f64,
    /// The exact maximum, nanoseconds.
    pub max_ns: u64,
    /// The median.
    pub median: Quantile,
    /// The quantile 0.95.
    pub p95: Quantile,
    /// The quantile 0.99.
    pub p99: Quantile,
    /// The quantile 0.999.
    pub p999: Quantile,
    /// The autocorrelation of the logarithms of neighbours.
    pub lag1: f64,
    /// The run was disturbed: every time here is an upper bound of what it would have been.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_disturbed: bool,
}

/// A series on its way to a [`Summary`], in bounded memory (two histograms, 266 KiB).
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    total: Histogram,
    batch: Histogram,
    /// The quantiles of each finished batch; 0 where a batch was empty.
    batches: Vec<[u64; QUANTILES.len()]>,
    lag1: Lag1,
}

impl Running {
    /// Counts one latency; call it in the order of time.
    pub(crate) fn record(&mut self, latency: Latency) {
        self.total.record(latency);
        self.batch.record(latency);
        self.lag1.push((latency.ns.max(1) as f64).ln());
    }

    /// Ends one contiguous batch. The interval of high quantiles is better known if the series is
    /// cut into exactly [`BATCHES`] of them, of equal time or of equal count.
    pub(crate) fn end_batch(&mut self) {
        self.batches.push(QUANTILES.map(|q| self.batch.quantile(q).unwrap_or(0)));
        self.batch.clear();
    }

    /// Counted since the last batch ended.
    pub(crate) fn batch(&self) -> &Histogram {
        &self.batch
    }

    /// Everything counted so far.
    pub(crate) fn histogram(&self) -> &Histogram {
        &self.total
    }

    /// The figures so far; `None` without latencies.
    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::read(&self.total, &self.batches, self.lag1.value())
    }
}

impl Summary {
    /// The figures of latencies whose order is lost; `lag1` is the largest autocorrelation known of its parts. `None`
    /// without latencies.
    pub(crate) fn of_histogram(all: &Histogram, lag1: f64) -> Option<Self> {
        Self::read(all, &[], lag1)
    }

    fn read(all: &Histogram, batches: &[[u64; QUANTILES.len()]], lag1: f64) -> Option<Self> {
        let [median, p95, p99, p999] = std::array::from_fn(|i| {
            let batches: Vec<u64> = batches.iter().map(|quantiles| quantiles[i]).collect();
            Quantile::read(all, QUANTILES[i], &batches, Some(lag1))
        });
        Some(Self {
            count: all.count(),
            censored: all.censored(),
            min_ns: all.min_ns()?,
            mean_ns: all.mean_ns()?,
            max_ns: all.max_ns()?,
            median,
            p95,
            p99,
            p999,
            lag1,
            is_disturbed: false,
        })
    }

    /// The same of a disturbed run.
    pub(crate) fn disturbed(self) -> Self {
        let [median, p95, p99, p999] =
            [self.median, self.p95, self.p99, self.p999].map(Quantile::without_lower_side);
        Self { median, p95, p99, p999, is_disturbed: true, ..self }
    }
}

/// Summarizes latencies in the order of time; `None` without latencies.
#[must_use]
pub fn summarize(latencies: &[Latency]) -> Option<Summary> {
    let mut running = Running::default();
    for batch in 0..BATCHES {
        let cut = |batch: usize| latencies.len() * batch / BATCHES;
        latencies[cut(batch)..cut(batch + 1)].iter().for_each(|&latency| running.record(latency));
        running.end_batch();
    }
    running.summary()
}

/// The lag-1 autocorrelation of a stream, from sums.
#[derive(Debug, Clone, Copy, Default)]
struct Lag1 {
    n: f64,
    sum: f64,
    squares: f64,
    products: f64,
    first: f64,
    last: f64,
}

impl Lag1 {
    fn push(&mut self, value: f64) {
        if self.n == 0.0 {
            self.first = value;
        } else {
            self.products += self.last * value;
        }
        self.n += 1.0;
        self.sum += value;
        self.squares += value * value;
        self.last = value;
    }

    /// Σ(x_i − x̄)(x_{i+1} − x̄) / Σ(x_i − x̄)², the products multiplied out.
    fn value(&self) -> f64 {
        let mean = self.sum / self.n;
        let variance = self.squares - self.n * mean * mean;
        // Below this the difference of the sums is rounding, not variation.
        if self.n < 3.0 || variance <= 1e-12 * self.squares {
            return 0.0;
        }
        let neighbours = 2.0 * self.sum - self.first - self.last;
        (self.products - mean * neighbours + (self.n - 1.0) * mean * mean) / variance
    }
}

#[cfg(test)]
mod tests {
    use music21_mcp_bench::client::Outcome;

    use super::*;
    use crate::measure::Sample;
    use crate::measure::quantile::IntervalMethod;
    use crate::measure::rng::Rng;
    use crate::measure::stats::autocorrelation;

    const MS: u64 = 1_000_000;

    fn exact(ns: u64) -> Latency {
        Latency { ns, censored: false }
    }

    /// One session at 10 calls/s for 300 s, 20 ms a call, whose server stands still for 5 s at 100 s.
    fn open_loop_with_a_stall() -> Vec<Sample> {
        let (stall_start, stall_end) = (100_000 * MS, 105_000 * MS);
        let mut free_at = 0;
        (0..3000)
            .map(|i| {
                let due_ns = i * 100 * MS;
                let sent_ns = due_ns.max(free_at);
                let stalls = (stall_start..stall_end).contains(&sent_ns);
                free_at = if stalls { stall_end } else { sent_ns } + 20 * MS;
                Sample { due_ns, dispatched_ns: due_ns, sent_ns, done_ns: free_at, outcome: Outcome::Ok }
            })
            .collect()
    }

    #[test]
    fn a_five_second_stall_shows_in_p99_of_the_response_time() {
        let samples = open_loop_with_a_stall();
        let responses: Vec<Latency> = samples.iter().filter_map(Sample::response).collect();
        let summary = summarize(&responses).unwrap();
        assert!(summary.p99.ns().unwrap() >= 2_300 * MS, "{summary:?}");
        assert!(summary.p95.ns().unwrap() < 60 * MS, "{summary:?}");
        let longest = samples.iter().map(Sample::service_ns).max().unwrap();
        assert!(longest.abs_diff(5000 * MS) <= 120 * MS, "{longest}");
    }

    #[test]
    fn a_short_series_has_no_p95_and_a_longer_one_no_p99() {
        let of = |n: u64| summarize(&(1..=n).map(|i| exact(i * MS)).collect::<Vec<_>>()).unwrap();
        assert!(!matches!(of(199).p95, Quantile::Value { .. }));
        assert!(!matches!(of(999).p99, Quantile::Value { .. }));
        assert!(matches!(of(1000).p99, Quantile::Value { .. }));
        assert_eq!(summarize(&[]), None);
    }

    #[test]
    fn the_streamed_autocorrelation_is_the_textbook_one() {
        let mut rng = Rng::new(3);
        let mut level = 0.0;
        let series: Vec<f64> = (0..500)
            .map(|_| {
                level = 0.8 * level + rng.normal();
                15.0 + level
            })
            .collect();
        let mut lag1 = Lag1::default();
        series.iter().for_each(|&value| lag1.push(value));
        assert!((lag1.value() - autocorrelation(&series, 1)).abs() < 1e-6);
    }

    /// How often of 50 the 95 % interval of p95 covers the truth, for 3000 log-normal latencies
    /// with autocorrelation `phi`.
    fn coverage(phi: f64, method: IntervalMethod) -> u32 {
        let truth = (15.0 + 1.644_854 * 0.5f64).exp();
        let n = if method == IntervalMethod::Batches { 3000 } else { 1900 };
        let mut rng = Rng::new(7);
        let mut covered = 0;
        for _ in 0..50 {
            let mut level = rng.normal();
            let series: Vec<Latency> = (0..n)
                .map(|_| {
                    level = phi * level + (1.0 - phi * phi).sqrt() * rng.normal();
                    exact((15.0 + 0.5 * level).exp() as u64)
                })
                .collect();
            let Quantile::Value { interval, .. } = summarize(&series).unwrap().p95 else { panic!("no p95") };
            assert_eq!(interval.method, method);
            let (low, high) = (interval.low_ns as f64, interval.high_ns.unwrap() as f64);
            covered += u32::from((low..=high).contains(&truth));
        }
        covered
    }

    #[test]
    fn the_batch_interval_covers_the_truth_where_order_statistics_do_not() {
        // Nominal 47.5 of 50; three standard deviations of that count are 4.6.
        assert!(coverage(0.0, IntervalMethod::Batches) >= 43);
        assert!(coverage(0.9, IntervalMethod::Batches) >= 41);
        assert!(coverage(0.0, IntervalMethod::OrderStatistics) >= 43);
        assert!(coverage(0.9, IntervalMethod::OrderStatistics) <= 35);
    }
}
