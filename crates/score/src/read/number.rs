//! Numbers in text: integers by a byte loop, decimals as an exact fraction.

use std::str::FromStr;

use super::error::Problem;

/// A non-negative decimal, `mantissa / 10^places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) mantissa: u64,
    pub(super) places: u32,
}

/// Reads `12`, `12.5`, `.5`. Up to 18 digits; `None` for a sign, an exponent or anything else.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let mut number = Decimal { mantissa: 0, places: 0 };
    let mut digits = 0;
    let mut point = false;
    for &byte in text.as_bytes() {
        match byte {
            b'0'..=b'9' if digits < 18 => {
                digits += 1;
                number.mantissa = number.mantissa * 10 + u64::from(byte - b'0');
                number.places += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    while number.places > 0 && number.mantissa.is_multiple_of(10) {
        number.mantissa /= 10;
        number.places -= 1;
    }
    (digits > 0).then_some(number)
}

/// Parses, and names the element if the text is no such number.
pub(super) fn parse<T: FromStr>(
    text: &str,
    element: &'static str,
    expected: &'static str,
) -> Result<T, Problem> {
    text.parse().map_err(|_| invalid(text, element, expected))
}

/// A small whole number. MusicXML's semitones may have a fraction (a microtone), which is rounded.
pub(super) fn semitones(text: &str, element: &'static str) -> Result<i8, Problem> {
    if let Ok(whole) = text.parse() {
        return Ok(whole);
    }
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= 100.0 => Ok(value.round() as i8),
        _ => Err(invalid(text, element, "a number of semitones, -100 to 100")),
    }
}

#[cold]
pub(super) fn invalid(text: &str, element: &'static str, expected: &'static str) -> Problem {
    let value = text.chars().take(40).collect();
    Problem::Value { element, value, expected }
}
