//! Figures as people read them: three digits and a unit, a quantile with what limits it.

pub(crate) use crate::compare::units::{digits, duration};
use crate::measure::quantile::Quantile;
use crate::measure::rating::{Grade, Rating};
use crate::measure::summary::Summary;
use crate::measure::validity::Standing;
use crate::result::StageResult;

/// A count with its thousands apart.
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

/// Figures one after the other.
pub(crate) fn list(figures: &[u64]) -> String {
    figures.iter().map(|&figure| count(figure)).collect::<Vec<_>>().join(", ")
}

/// An amount of memory, in units of 10³.
pub(crate) fn bytes(bytes: f64) -> String {
    match bytes {
        ..1e3 => format!("{bytes:.0} B"),
        ..1e6 => format!("{} KB", digits(bytes / 1e3)),
        _ => format!("{} MB", digits(bytes / 1e6)),
    }
}

/// 10⁶ bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A quantile, or its limit, or how many calls it needs.
pub(crate) fn quantile(quantile: &Quantile) -> String {
    match *quantile {
        Quantile::Value { ns, .. } => duration(ns as f64),
        Quantile::UpperBound { ns, .. } => format!("≤{}", duration(ns as f64)),
        Quantile::TooFewSamples { needed, .. } => format!("n<{needed}"),
        Quantile::Censored { at_least_ns, .. } => format!("≥{}", duration(at_least_ns as f64)),
        Quantile::Unknown => "?".to_owned(),
    }
}

/// The least, the mean and the most of a series, each marked where it is only a bound.
pub(crate) fn extremes(summary: &Summary) -> [String; 3] {
    let Summary { min_ns, mean_ns, max_ns, is_disturbed, .. } = *summary;
    let timed_out = summary.censored > 0;
    let shown = |ns: f64, is_least: bool| match (is_disturbed, is_least) {
        (true, true) => "?".to_owned(),
        (true, false) => format!("≤{}", duration(ns)),
        (false, true) => format!("≥{}", duration(ns)),
        (false, false) => duration(ns),
    };
    [shown(min_ns as f64, false), shown(mean_ns, timed_out), shown(max_ns as f64, timed_out)]
}

/// What interference leaves of a throughput.
pub(crate) fn rate(stage: &StageResult) -> String {
    let least = if stage.validity.times() == Standing::Disturbed { "≥" } else { "" };
    format!("{least}{:.1}", stage.calls_per_s)
}

/// Throughput of good calls within the objective; `None` where it says no more than the throughput.
pub(crate) fn goodput(stage: &StageResult) -> Option<String> {
    let goodput = stage.goodput.filter(|goodput| goodput.per_s < 0.995 * stage.calls_per_s)?;
    let least = if stage.validity.times() == Standing::Disturbed { "≥" } else { "" };
    Some(format!(
        "{least}{:.1} of them good and within {}",
        goodput.per_s,
        duration(goodput.objective_ms * 1e6)
    ))
}

/// A grade, with what the estimate alone would have earned where that is more.
pub(crate) fn grade(rating: &Rating) -> String {
    let word =
        |grade: Option<Grade>| grade.map_or_else(|| "no grade".to_owned(), |grade| format!("{grade:?}"));
    let least = if rating.is_at_least && rating.grade.is_some() { "at least " } else { "" };
    let graded = format!("{least}{}", word(rating.grade));
    if rating.is_limited_by_samples() {
        return format!("{graded} (by the estimate alone {})", word(rating.by_estimate));
    }
    graded
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
        assert_eq!(quantile(&Quantile::TooFewSamples { needed: 200, low_ns: None }), "n<200");
        assert_eq!(quantile(&Quantile::UpperBound { ns: 2_000_000, low_ns: None }), "≤2.00 ms");
    }
}
