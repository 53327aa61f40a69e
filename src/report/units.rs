//! Figures as people read them: three digits and a unit, a quantile with what limits it.

use crate::measure::quantile::Quantile;

/// Three digits and a unit.
#[must_use]
pub fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// Three digits, at most two of them after the point.
#[must_use]
pub fn digits(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A count with its thousands apart.
#[must_use]
pub fn count(count: u64) -> String {
    let plain = count.to_string();
    let mut out = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// 10⁶ bytes.
#[must_use]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A share in percent.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A quantile, or its limit, or how many calls it needs.
#[must_use]
pub fn quantile(quantile: &Quantile) -> String {
    match *quantile {
        Quantile::Value { ns, .. } => duration(ns as f64),
        Quantile::UpperBound { ns } => format!("≤{}", duration(ns as f64)),
        Quantile::TooFewSamples { needed } => format!("n<{needed}"),
        Quantile::Censored { at_least_ns } => format!("≥{}", duration(at_least_ns as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let shown = [999.0, 1_234.0, 56_780.0, 1.5e6, 123.4e6, 2.5e9].map(duration);
        assert_eq!(shown, ["999 ns", "1.23 µs", "56.8 µs", "1.50 ms", "123 ms", "2.50 s"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
    }

    #[test]
    fn a_quantile_without_samples_says_how_many_it_needs() {
        assert_eq!(quantile(&Quantile::TooFewSamples { needed: 200 }), "n<200");
        assert_eq!(quantile(&Quantile::UpperBound { ns: 2_000_000 }), "≤2.00 ms");
    }
}
