//! Times as people write them, in options and limits.

use std::time::Duration;

/// The largest first, as they stand in a time; `ms` before `m`, in which it begins.
const UNITS: [(&str, f64); 6] =
    [("h", 3600.0), ("ms", 1e-3), ("m", 60.0), ("s", 1.0), ("us", 1e-6), ("µs", 1e-6)];

/// `90s`, `5m`, `1h30m`, `500ms`, `40us` or `1.5s`; a plain number is seconds. `None` for anything else, and for less than
/// nothing.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => parts(text)?,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

/// Seconds as they are written: `90s` is `1m30s`.
pub(crate) fn show(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let parts = [(whole / 3600, "h"), (whole / 60 % 60, "m"), (whole % 60, "s")];
    let shown: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

/// The value of an option that cannot be nothing.
///
/// # Errors
///
/// What to write.
pub(crate) fn option(text: &str) -> Result<Duration, String> {
    let time = parse(text).ok_or("not a time; write seconds, or a time such as 90s, 5m or 500ms")?;
    if time.is_zero() { Err("must be more than nothing".to_owned()) } else { Ok(time) }
}

/// The same where a plain number could be meant as another unit.
///
/// # Errors
///
/// What to write.
pub(crate) fn with_unit(text: &str) -> Result<Duration, String> {
    if text.parse::<f64>().is_ok() {
        return Err("write a time with its unit, such as 500ms or 1s".to_owned());
    }
    option(text)
}

/// The seconds of numbers with units, each unit smaller than the one before it.
fn parts(text: &str) -> Option<f64> {
    let (mut rest, mut seconds, mut last) = (text, 0.0, f64::INFINITY);
    while last.is_infinite() || !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let (unit, size) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        if size >= last {
            return None;
        }
        seconds += number.parse::<f64>().ok()? * size;
        (rest, last) = (after[unit.len()..].trim_start(), size);
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_as_it_is_written() {
        assert_eq!([0.0, 30.0, 90.0, 420.0, 5400.0].map(show), ["0s", "30s", "1m30s", "7m", "1h30m"]);
    }

    #[test]
    fn a_time_is_a_number_with_a_unit_or_of_seconds() {
        for (text, us) in [
            ("500ms", 500_000),
            ("1.5s", 1_500_000),
            ("40 µs", 40),
            ("40us", 40),
            ("2", 2_000_000),
            ("5m", 300_000_000),
            ("1h30m", 5_400_000_000),
            ("1h 5s", 3_605_000_000),
            ("1m500ms", 60_500_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_micros(us)), "{text}");
        }
        for text in
            ["", "s", "-1s", "inf", "NaN", "1e99", "5 parsecs", "30m1h", "1s1s", "1h30", "1.2.3s", "-5"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
