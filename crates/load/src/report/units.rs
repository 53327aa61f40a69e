//! Figures as people read them: three digits and a unit, a quantile with what limits it.

pub(crate) use crate::compare::units::{digits, duration};
use crate::measure::quantile::Quantile;

/// A count with its thousands apart.
#[must_use]
pub(crate) fn count(count: u64) -> String {
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
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A share in percent.
#[must_use]
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A quantile, or its limit, or how many calls it needs.
#[must_use]
pub(crate) fn quantile(quantile: &Quantile) -> String {
    match *quantile {
        Quantile::Value { ns, .. } => duration(ns as f64),
        Quantile::UpperBound { ns } => format!("≤{}", duration(ns as f64)),
        Quantile::TooFewSamples { needed } => format!("n<{needed}"),
        Quantile::Censored { at_least_ns, .. } => format!("≥{}", duration(at_least_ns as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
