//! Latencies in bounded memory: an HDR histogram with an exact count, minimum, mean and maximum,
//! which remembers from where on its values are censored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use super::Latency;

/// One hour; a longer latency is counted here, while the maximum stays exact.
const MAX_NS: u64 = 3_600_000_000_000;
/// Three significant digits: a value read back is at most 0.1 % too high.
const DIGITS: u8 = 3;

/// A histogram of nanoseconds with three significant digits from 1 ns to one hour.
///
/// The lower end is 1 ns and not 1 µs because in-process calls take a few microseconds, and three
/// digits from 1 µs up would round them to half a microsecond. It occupies 133 KiB.
#[derive(Debug, Clone)]
pub struct Histogram {
    hdr: Hdr<u32>,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
    censored: u64,
    min_censored_ns: Option<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        // OK because the bounds are constants that satisfy 1 <= low, 2·low <= high, digits <= 5.
        let hdr = Hdr::new_with_bounds(1, MAX_NS, DIGITS).unwrap();
        Self { hdr, sum_ns: 0, min_ns: u64::MAX, max_ns: 0, censored: 0, min_censored_ns: None }
    }
}

impl Histogram {
    /// The counts in HdrHistogram's V2 format, deflated, in base64: what its other tools read.
    #[must_use]
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        // OK because writing to memory cannot fail and the bounds fit the format.
        V2DeflateSerializer::new().serialize(&self.hdr, &mut bytes).unwrap();
        STANDARD.encode(bytes)
    }

    /// The same, empty where nothing was counted.
    pub(crate) fn to_base64_if_any(&self) -> String {
        if self.count() == 0 { String::new() } else { self.to_base64() }
    }

    /// Reads what [`Histogram::to_base64`] wrote. Of the values from `censored_from_ns` on nothing more is known than
    /// that they are no smaller; minimum, mean and maximum are as exact as the other values.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub fn from_base64(text: &str, censored_from_ns: Option<u64>) -> Result<Self, String> {
        let read = Self::decode(text)?;
        let mut histogram = Self::default();
        for value in read.iter_recorded() {
            let (ns, count) = (value.value_iterated_to(), value.count_since_last_iteration());
            let censored = censored_from_ns.is_some_and(|from| ns >= from);
            (0..count).for_each(|_| histogram.record(Latency { ns, censored }));
        }
        Ok(histogram)
    }

    /// What [`Histogram::to_base64`] wrote, as the library of its format has it.
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    pub(crate) fn decode(text: &str) -> Result<Hdr<u32>, String> {
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|error| error.to_string())
    }

    /// Counts one latency.
    pub fn record(&mut self, latency: Latency) {
        self.hdr.saturating_record(latency.ns.max(1));
        self.sum_ns += u128::from(latency.ns);
        self.min_ns = self.min_ns.min(latency.ns);
        self.max_ns = self.max_ns.max(latency.ns);
        if latency.censored {
            self.censored += 1;
            self.min_censored_ns = Some(self.min_censored_ns.map_or(latency.ns, |ns| ns.min(latency.ns)));
        }
    }

    /// Adds everything `other` has counted. The order of merging changes nothing.
    pub(crate) fn merge(&mut self, other: &Self) {
        // OK because all histograms of this type have the same bounds.
        self.hdr.add(&other.hdr).unwrap();
        self.sum_ns += other.sum_ns;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
        self.censored += other.censored;
        self.min_censored_ns = self.min_censored_ns.into_iter().chain(other.min_censored_ns).min();
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.hdr.clear();
        (self.sum_ns, self.min_ns, self.max_ns) = (0, u64::MAX, 0);
        (self.censored, self.min_censored_ns) = (0, None);
    }

    /// How many latencies were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.hdr.len()
    }

    /// How many of them are censored.
    pub(crate) fn censored(&self) -> u64 {
        self.censored
    }

    /// The exact minimum, `None` without values.
    pub(crate) fn min_ns(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.min_ns)
    }

    /// The exact maximum, `None` without values.
    pub(crate) fn max_ns(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max_ns)
    }

    /// The exact mean, `None` without values. With censored values it is a lower bound.
    pub(crate) fn mean_ns(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum_ns as f64 / self.count() as f64)
    }

    /// The `rank`-th smallest value, 1 being the smallest; `None` outside `1..=count`.
    pub(crate) fn at_rank(&self, rank: u64) -> Option<u64> {
        if rank == 0 || rank > self.count() {
            return None;
        }
        // Half a rank lower, so that no rounding of the product can step to the next rank.
        let ns = self.hdr.value_at_quantile((rank as f64 - 0.5) / self.count() as f64);
        Some(ns.clamp(self.min_ns, self.max_ns))
    }

    /// The nearest-rank quantile `q` in 0..=1; `None` without values.
    pub(crate) fn quantile(&self, q: f64) -> Option<u64> {
        self.at_rank(nearest_rank(self.count(), q))
    }

    /// How many values are at most each of these, which are in order. It goes through the histogram once.
    pub(crate) fn at_most<const N: usize>(&self, bounds_ns: [u64; N]) -> [u64; N] {
        let mut counts = [0; N];
        for value in self.hdr.iter_recorded() {
            let ns = self.hdr.lowest_equivalent(value.value_iterated_to());
            if let Some(at) = bounds_ns.iter().position(|&bound| ns <= bound) {
                counts[at] += value.count_since_last_iteration();
            }
        }
        let mut below = 0;
        counts.map(|count| {
            below += count;
            below
        })
    }

    /// Whether a quantile that reads `ns` may in truth be larger, because some call timed out
    /// at or below it.
    pub(crate) fn is_censored_at(&self, ns: u64) -> bool {
        self.min_censored_ns.is_some_and(|censored| ns >= censored)
    }
}

/// The rank ⌈q·n⌉, at least 1.
fn nearest_rank(n: u64, q: f64) -> u64 {
    // The subtracted grain keeps 0.95 · 200 = 190.00000000000003 at rank 190.
    ((n as f64 * q - 1e-9).ceil() as u64).clamp(1, n.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::rng::Rng;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &ns in values {
            histogram.record(Latency { ns, censored: false });
        }
        histogram
    }

    #[test]
    fn nearest_rank_is_right_at_whole_products() {
        for (n, q, rank) in [(10, 0.5, 5), (200, 0.95, 190), (1, 0.99, 1), (3, 0.0, 1), (4, 1.0, 4)] {
            assert_eq!(nearest_rank(n, q), rank, "n={n} q={q}");
        }
    }

    #[test]
    fn every_quantile_is_within_a_thousandth_of_the_exact_one() {
        let mut rng = Rng::new(1);
        let mut exact: Vec<u64> = (0..5000).map(|_| (15.0 + 2.0 * rng.normal()).exp() as u64).collect();
        let histogram = of(&exact);
        exact.sort_unstable();
        for rank in 1..=exact.len() {
            let (read, truth) = (histogram.at_rank(rank as u64).unwrap(), exact[rank - 1]);
            let error = (read as f64 - truth as f64).abs() / truth as f64;
            assert!(error <= 0.001, "rank {rank}: read {read}, exact {truth}");
        }
        assert_eq!(histogram.quantile(1.0), exact.last().copied());
    }

    #[test]
    fn merging_in_any_order_gives_the_same_figures() {
        let (a, b, c) = (of(&[5, 7_000_000]), of(&[1_234_567]), of(&[99, 3]));
        let figures = |parts: [&Histogram; 3]| {
            let mut all = Histogram::default();
            parts.iter().for_each(|part| all.merge(part));
            (all.count(), all.min_ns(), all.max_ns(), all.mean_ns(), all.quantile(0.5))
        };
        assert_eq!(figures([&a, &b, &c]), figures([&c, &a, &b]));
        assert_eq!(figures([&a, &b, &c]).2, Some(7_000_000));
    }

    #[test]
    fn a_quantile_is_censored_from_the_first_timeout_up() {
        let mut histogram = of(&[10, 20, 30]);
        histogram.record(Latency { ns: 25, censored: true });
        assert!(!histogram.is_censored_at(histogram.quantile(0.5).unwrap()));
        assert!(histogram.is_censored_at(histogram.quantile(0.75).unwrap()));
        assert_eq!(histogram.censored(), 1);
    }

    #[test]
    fn what_was_written_is_read_with_the_same_figures() {
        let histogram = of(&[5, 1_234_567, 1_234_567, 7_000_000_000]);
        let read = Histogram::from_base64(&histogram.to_base64(), Some(7_000_000_000)).unwrap();
        assert_eq!((read.count(), read.censored()), (4, 1));
        for q in [0.0, 0.5, 1.0] {
            let (a, b) = (histogram.quantile(q).unwrap() as f64, read.quantile(q).unwrap() as f64);
            assert!((a / b - 1.0).abs() <= 0.001, "{a} {b}");
        }
        for damaged in ["", "!", "AAAA", &histogram.to_base64()[..20]] {
            assert!(Histogram::from_base64(damaged, None).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_value_beyond_an_hour_keeps_the_maximum_exact() {
        assert_eq!(of(&[2 * MAX_NS]).max_ns(), Some(2 * MAX_NS));
    }

    #[test]
    fn values_are_counted_up_to_bounds() {
        assert_eq!(of(&[10, 1_000_000, 30_000_000]).at_most([5, 1_100_000, 60_000_000]), [0, 2, 3]);
        assert_eq!(Histogram::default().at_most([5]), [0]);
    }

    #[test]
    fn a_cleared_histogram_is_a_new_one() {
        let mut histogram = of(&[10, 20]);
        histogram.clear();
        assert_eq!((histogram.count(), histogram.max_ns(), histogram.quantile(0.5)), (0, None, None));
    }
}
