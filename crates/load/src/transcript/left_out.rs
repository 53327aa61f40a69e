//! Arguments that do not belong into a file: secrets, texts longer than anybody wants to read there, and what TOML has no word
//! for.

use serde_json::{Map, Value};

use crate::result::Step;

/// Parts of the names that secrets usually have.
const SECRET: [&str; 6] = ["token", "secret", "password", "credential", "authorization", "api_key"];
/// Bytes of a text.
const LONGEST: usize = 4096;

/// Removes them, and says of each what was left out and where.
pub(super) fn remove(steps: &mut [Step]) -> Vec<String> {
    let mut notes = Vec::new();
    for (number, step) in steps.iter_mut().enumerate() {
        let place = format!("step {} ({})", number + 1, step.name());
        clean(&mut step.arguments, &place, &mut notes);
    }
    notes
}

fn clean(arguments: &mut Map<String, Value>, place: &str, notes: &mut Vec<String>) {
    arguments.retain(|name, value| {
        let lower = name.to_lowercase();
        if SECRET.iter().any(|part| lower.contains(part)) {
            notes.push(format!("{place}: '{name}' may be a secret and is left out"));
            return false;
        }
        if longest(value) > LONGEST {
            notes.push(format!("{place}: '{name}' is longer than {LONGEST} bytes and is left out"));
            return false;
        }
        if let Value::Object(below) = value {
            clean(below, place, notes);
            return true;
        }
        let unwritable = unwritable(value);
        if let Some(what) = unwritable {
            notes.push(format!("{place}: '{name}' {what}, which TOML does not have, and is left out"));
        }
        unwritable.is_none()
    });
}

/// Bytes of the longest text in a value; an object is looked into by itself.
fn longest(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(longest).max().unwrap_or(0),
        _ => 0,
    }
}

/// What of a value cannot be written as TOML.
fn unwritable(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => Some("is null"),
        Value::Number(number) if number.is_u64() && !number.is_i64() => Some("is a number beyond 63 bits"),
        Value::Array(values) => {
            values.iter().find_map(unwritable).map(|_| "holds null or a number beyond 63 bits")
        }
        Value::Object(fields) => fields.values().find_map(unwritable),
        _ => None,
    }
}
