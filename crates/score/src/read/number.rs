//! Numbers in text: integers and decimals as Python reads them, decimals as an exact fraction.

use super::error::Problem;

/// A non-negative decimal, `mantissa / 10^places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) mantissa: u64,
    pub(super) places: u32,
}

/// Reads `12`, `12.5`, `.5`. Up to 18 digits; `None` for anything else.
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

/// Reads other spellings too: `+3`, `1e0`, `1_000`, `-2`; whether it is below zero, and its size.
pub(super) fn signed_decimal(text: &str) -> Option<(bool, Decimal)> {
    let (negative, size) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let size = without_underscores(size)?;
    let (digits, exponent) = size.split_once(['e', 'E']).unwrap_or((&size, "0"));
    let mut number = decimal(digits)?;
    let exponent = integer(exponent).filter(|exponent| exponent.abs() <= 30)?;
    let places = i64::from(number.places) - exponent;
    if places < 0 {
        number.mantissa = number.mantissa.checked_mul(10_u64.checked_pow(places.unsigned_abs() as u32)?)?;
    }
    number.places = u32::try_from(places.max(0)).ok()?;
    Some((negative, number))
}

/// A whole number: `3`, `+3`, `-3`, `1_000`.
pub(super) fn integer(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    without_underscores(text)?.parse().ok()
}

/// Underscores may stand between digits, one at a time.
fn without_underscores(text: &str) -> Option<String> {
    let well_placed = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    well_placed.then(|| text.replace('_', ""))
}

/// A whole number that fits, or the element and its text named.
pub(super) fn whole<T: TryFrom<i64>>(
    text: &str,
    element: &'static str,
    expected: &'static str,
) -> Result<T, Problem> {
    let number = integer(text).and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| invalid(text, element, expected))
}

/// Semitones, up or down, which may be halves: the next semitone above, and whether a quarter tone below it.
pub(super) fn semitones(text: &str, element: &'static str) -> Result<(i8, bool), Problem> {
    let refused = || invalid(text, element, "a number of semitones, or of halves");
    if let Ok(whole @ -100..=100) = text.parse::<i8>() {
        return Ok((whole, false));
    }
    let (negative, size) = signed_decimal(text).ok_or_else(refused)?;
    let quarters = 2.0 * size.mantissa as f64 / 10_f64.powi(size.places as i32);
    // Finer than quarter tones music21 knows none.
    if quarters > 200.0 || quarters.fract() != 0.0 {
        return Err(refused());
    }
    let quarters = if negative { -quarters as i32 } else { quarters as i32 };
    Ok((quarters.div_euclid(2) as i8 + (quarters % 2 != 0) as i8, quarters % 2 != 0))
}

#[cold]
pub(super) fn invalid(text: &str, element: &'static str, expected: &'static str) -> Problem {
    let value = text.chars().take(40).collect();
    Problem::Value { element, value, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_all_spellings() {
        let decimal = |mantissa, places| Some((false, Decimal { mantissa, places }));
        for (text, number) in [
            ("+3", decimal(3, 0)),
            ("1e0", decimal(1, 0)),
            ("2.5E1", decimal(25, 0)),
            ("25e-1", decimal(25, 1)),
            ("1_000", decimal(1000, 0)),
            ("-2", Some((true, Decimal { mantissa: 2, places: 0 }))),
            ("", None),
            ("e1", None),
            ("1e", None),
            ("--1", None),
            ("1__0", None),
            ("1e99", None),
            ("nan", None),
        ] {
            assert_eq!(signed_decimal(text), number, "{text}");
        }
        assert_eq!((integer("+1_0"), integer("1.0"), integer("")), (Some(10), None, None));
    }

    #[test]
    fn a_quarter_tone_lies_below_a_semitone() {
        for (text, value) in [
            ("-0.5", (0, true)),
            ("0.5", (1, true)),
            ("1.5", (2, true)),
            ("-1.5", (-1, true)),
            ("+1", (1, false)),
        ] {
            assert_eq!(semitones(text, "alter").unwrap(), value, "{text}");
        }
        for text in ["x", "101", "0.25", "1e99"] {
            assert!(semitones(text, "alter").is_err(), "{text}");
        }
    }
}
