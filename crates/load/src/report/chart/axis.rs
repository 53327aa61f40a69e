//! Axes: a range, its ticks, and what they are called. Logarithmic ones hold logarithms.

use std::ops::Range;

use crate::report::units::duration;

/// One axis of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Axis {
    /// What it shows; only drawn on the horizontal one.
    pub(in crate::report) title: String,
    /// From start to end, which differ.
    pub(in crate::report) range: Range<f64>,
    /// Places and their names.
    pub(in crate::report) ticks: Vec<(f64, String)>,
    /// Places between them, without names.
    pub(in crate::report) minor: Vec<f64>,
    /// What its places are of what is read there.
    pub(in crate::report) scale: Scale,
}

/// From a figure to its place on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Scale {
    /// Itself.
    Linear,
    /// Its logarithm to base 2.
    Doublings,
    /// Its logarithm to base 10.
    Decades,
    /// Of a quantile, see [`nines`].
    Nines,
}

impl Scale {
    /// As the page's script calls it; `None` for what is no horizontal axis.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Linear => Some("linear"),
            Self::Doublings => Some("doublings"),
            Self::Nines => Some("nines"),
            Self::Decades => None,
        }
    }
}

impl Axis {
    /// From 0 to the largest of `values`, with about six ticks at 1, 2 or 5 times a power of ten.
    pub(in crate::report) fn from_zero(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let end = values.into_iter().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let end = if end > 0.0 { end } else { 1.0 };
        Self::stepped(title, 0.0..end * 1.02, step(end))
    }

    /// Around `values`, not from zero, for lines whose changes matter.
    pub(in crate::report) fn around(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let margin = ((high - low) * 0.08).max(high.abs() * 0.01).max(0.5);
        Self::between(title, (low - margin).max(0.0)..high + margin)
    }

    /// Just this range.
    pub(in crate::report) fn between(title: &str, range: Range<f64>) -> Self {
        let step = step(range.end - range.start);
        Self::stepped(title, range, step)
    }

    fn stepped(title: &str, range: Range<f64>, step: f64) -> Self {
        let places = |step: f64| {
            let within = (range.start / step - 1e-9).ceil() as i64..=(range.end / step + 1e-9).floor() as i64;
            within.map(move |i| i as f64 * step)
        };
        let ticks = places(step).map(|at| (at, name(at, step))).collect();
        let minor = places(step / 5.0).collect();
        Self { title: title.to_owned(), range: range.clone(), ticks, minor, scale: Scale::Linear }
    }

    /// The logarithms to base 2 of whole numbers from 1 to `most`.
    pub(in crate::report) fn doublings(title: &str, most: usize) -> Self {
        let end = (most.max(1) as f64).log2();
        let ticks = (0..=end as u32).map(|power| (f64::from(power), 2_u64.pow(power).to_string())).collect();
        let range = -0.3..end + 0.3;
        Self { title: title.to_owned(), range, ticks, minor: Vec::new(), scale: Scale::Doublings }
    }

    /// The logarithms to base 2 of what has names.
    pub(in crate::report) fn named(title: &str, places: &[(f64, String)]) -> Self {
        let (low, high) = extent(places.iter().map(|(at, _)| at.log2()));
        let ticks = places.iter().map(|(at, name)| (at.log2(), name.clone())).collect();
        let range = low - 0.4..high + 0.4;
        Self { title: title.to_owned(), range, ticks, minor: Vec::new(), scale: Scale::Doublings }
    }

    /// Seconds from 0 to `end_s`, named by the hours of a day's pattern.
    pub(in crate::report) fn hours(end_s: f64, seconds_per_hour: f64) -> Self {
        let hours = Self::between("hour of the day’s pattern", 0.0..end_s / seconds_per_hour);
        let ticks = hours.ticks.into_iter().map(|(hour, name)| (hour * seconds_per_hour, name)).collect();
        let minor = hours.minor.into_iter().map(|hour| hour * seconds_per_hour).collect();
        Self { range: 0.0..end_s, ticks, minor, ..hours }
    }

    /// What a reader might take for granted of it and must not.
    pub(in crate::report) fn warning(&self) -> Option<&'static str> {
        match self.scale {
            Scale::Linear if self.range.start > 0.0 => Some("The axis does not begin at 0."),
            Scale::Decades => Some("Logarithmic axis."),
            _ => None,
        }
    }

    /// Seconds from 0 to `end_s`.
    pub(in crate::report) fn seconds(end_s: f64) -> Self {
        Self::from_zero("seconds from the start", [end_s])
    }

    /// The logarithms of durations in nanoseconds.
    pub(in crate::report) fn durations(ns: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = extent(ns.into_iter().filter(|&ns| ns > 0.0).map(f64::log10));
        let (low, high) = (low - 0.08, (high + 0.08).max(low + 0.3));
        let multiples: &[f64] = if high - low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let decades = low.floor() as i32..=high.ceil() as i32;
        let places = decades.flat_map(|decade| multiples.iter().map(move |m| m.log10() + f64::from(decade)));
        let name = |log: f64| {
            let text = duration(10f64.powf(log) * (1.0 + 1e-12));
            text.replace(".00 ", " ").replace(".0 ", " ")
        };
        let within = |at: &f64| (low..=high).contains(at);
        let ticks = places.filter(within).map(|at| (at, name(at))).collect();
        let all = (low.floor() as i32..=high.ceil() as i32)
            .flat_map(|decade| (1..10).map(move |m| f64::from(m).log10() + f64::from(decade)));
        let minor = all.filter(within).collect();
        Self { title: String::new(), range: low..high, ticks, minor, scale: Scale::Decades }
    }

    /// Quantiles as log₁₀ 1/(1 − q), so that each further nine takes the same room, for `count` calls.
    pub(in crate::report) fn quantiles(count: u64) -> Self {
        let end = (count.max(10) as f64).log10();
        let ticks = QUANTILES.into_iter().map(|(q, name)| (nines(q), name.to_owned()));
        let ticks = ticks.filter(|(at, _)| *at <= end + 1e-9).collect();
        Self {
            title: "share of calls that were no slower".to_owned(),
            range: 0.0..end,
            ticks,
            minor: BETWEEN.into_iter().map(nines).filter(|at| *at <= end).collect(),
            scale: Scale::Nines,
        }
    }

    /// How far a value is from start to end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.range.start) / (self.range.end - self.range.start)
    }
}

const QUANTILES: [(f64, &str); 7] = [
    (0.0, "0 %"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
    (0.99999, "99.999 %"),
];

/// Quantiles between them.
const BETWEEN: [f64; 5] = [0.25, 0.75, 0.95, 0.995, 0.9995];

/// Where a quantile stands on the axis of quantiles.
pub(in crate::report) fn nines(q: f64) -> f64 {
    -(1.0 - q).log10()
}

fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let wide = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
    match values.into_iter().filter(|value| value.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), wide)
    {
        (low, high) if low <= high => (low, high),
        _ => (0.0, 1.0),
    }
}

/// 1, 2 or 5 times a power of ten, about a seventh of `span`.
fn step(span: f64) -> f64 {
    let rough = span / 7.0;
    let power = 10f64.powf(rough.log10().floor());
    let multiple = [1.0, 2.0, 5.0].into_iter().find(|m| m * power >= rough).unwrap_or(10.0);
    multiple * power
}

/// With as many digits after the point as the step has.
fn name(at: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{at:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, name)| name.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(names(&Axis::from_zero("", [606.0])), ["0", "100", "200", "300", "400", "500", "600"]);
        assert_eq!(
            names(&Axis::from_zero("", [0.7])),
            ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]
        );
        assert_eq!(names(&Axis::durations([1.2e6, 4e7])), ["1 ms", "2 ms", "5 ms", "10 ms", "20 ms"]);
        assert_eq!(names(&Axis::around("", [149.0, 171.0])), ["150", "155", "160", "165", "170"]);
        assert_eq!(names(&Axis::between("", -24.0..45.0)), ["-20", "-10", "0", "10", "20", "30", "40"]);
        assert_eq!(names(&Axis::doublings("", 11)), ["1", "2", "4", "8"]);
    }

    #[test]
    fn each_further_nine_takes_the_same_room() {
        let axis = Axis::quantiles(1000);
        assert_eq!(names(&axis), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        assert!((nines(0.999) - nines(0.99) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_show_still_has_an_axis() {
        let empty = [
            Axis::from_zero("", []),
            Axis::around("", []),
            Axis::durations([]),
            Axis::quantiles(0),
            Axis::doublings("", 0),
        ];
        for axis in empty {
            assert!(axis.range.start < axis.range.end, "{axis:?}");
        }
    }
}
