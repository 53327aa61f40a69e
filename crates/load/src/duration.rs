//! Times as people write them, in options and limits.

use std::time::Duration;

/// The longest suffix first: each ends in the next.
const UNITS: [(&str, f64); 5] = [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("", 1.0)];

/// `500ms`, `40us` or `1.5s`; a plain number is seconds. `None` for anything else, and for less than nothing.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let of_unit = |&(unit, seconds): &(&str, f64)| Some((text.strip_suffix(unit)?, seconds));
    let (number, seconds) = UNITS.iter().find_map(of_unit)?;
    Duration::try_from_secs_f64(number.trim_end().parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_a_unit_or_of_seconds() {
        for (text, us) in
            [("500ms", 500_000), ("1.5s", 1_500_000), ("40 µs", 40), ("40us", 40), ("2", 2_000_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_micros(us)), "{text}");
        }
        for text in ["", "s", "-1s", "inf", "NaN", "1e99", "5 parsecs", "1m"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
