//! Numbers that a schema accepts.

use serde_json::{Value, json};

use super::accepts::bounds;
use super::document::Object;
use super::make::Found;

/// Whole numbers beyond are written as floats, which they are.
const LARGEST: f64 = 9e18;

/// Proposes 1 where that may be, else what is next to a bound.
pub(super) fn numbers(all: &[&Object], is_integer: bool, found: &mut Found<'_, '_>) {
    let both = all.iter().map(|map| bounds(map));
    let (lower, upper) = both.fold((f64::NEG_INFINITY, f64::INFINITY), |(lower, upper), (low, high)| {
        (low.map_or(lower, |(bound, _)| lower.max(bound)), high.map_or(upper, |(bound, _)| upper.min(bound)))
    });
    let steps = all.iter().filter_map(|map| map.get("multipleOf")?.as_f64()).filter(|step| *step > 0.0);
    let step = steps.clone().fold(1.0_f64, f64::max);
    // Several steps at once meet at their product, if nowhere before.
    let product: f64 = steps.clone().product();
    for step in [steps.clone().next().unwrap_or(1.0), step, product] {
        let first = if lower <= 1.0 && upper >= 1.0 {
            1.0
        } else if lower > 1.0 {
            lower
        } else {
            upper
        };
        let count = (first / step).ceil();
        for offset in (0..found.wanted + 2).map(|offset| offset as f64) {
            for count in [count + offset, count - offset] {
                found.offer(value(count * step));
            }
        }
    }
    // As it is written: it may be larger than floats can tell.
    for bound in ["minimum", "maximum"].iter().flat_map(|key| all.iter().filter_map(|map| map.get(*key))) {
        found.offer(bound.clone());
    }
    if is_integer {
        return;
    }
    for part in (0..found.wanted + 2).map(|part| (part + 1) as f64) {
        let between = match (lower.is_finite(), upper.is_finite()) {
            (true, true) => lower + (upper - lower) * part / (found.wanted + 3) as f64,
            (true, false) => lower + part / 2.0,
            (false, true) => upper - part / 2.0,
            (false, false) => 1.0 + part / 2.0,
        };
        found.offer(value(between));
    }
}

fn value(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() <= LARGEST {
        true => json!(number as i64),
        false => json!(number),
    }
}
