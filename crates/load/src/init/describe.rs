//! What an argument is, in words.

use serde_json::Value;

use super::document::{Document, Object, count, list, types};

/// Values of an enumeration that are listed.
const LISTED: usize = 12;

/// Its type and limits, then what its schema says of it.
pub(super) fn described<'a>(document: &Document<'a>, schemas: &[&'a Value]) -> String {
    let mut all = Vec::new();
    let flat = schemas.iter().try_for_each(|schema| document.flatten(schema, &mut Vec::new(), &mut all));
    let kind = if flat.is_some() { kind(document, &all) } else { "nothing that is allowed".to_owned() };
    let described = all.iter().find_map(|map| map.get("description")?.as_str()).unwrap_or_default();
    if described.trim().is_empty() { kind } else { format!("{kind}: {described}") }
}

fn kind<'a>(document: &Document<'a>, all: &[&'a Object]) -> String {
    let first = |key: &str| all.iter().find_map(|map| map.get(key));
    let mut parts = vec![type_of(document, all)];
    let format = first("format").and_then(Value::as_str).map(|format| format!("format {format}"));
    let bounds = [
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
    ];
    let bounds = bounds.iter().filter_map(|(key, words)| Some(format!("{words} {}", first(key)?)));
    let lengths = [("Length", "characters"), ("Items", "members"), ("Properties", "members")];
    let lengths = lengths.iter().filter_map(|(of, noun)| {
        let limit = |end: &str| all.iter().find_map(|map| count(map, &format!("{end}{of}")));
        match (limit("min"), limit("max")) {
            (None, None) => None,
            (Some(least), None) => Some(format!("{noun}: {least} or more")),
            (None, Some(most)) => Some(format!("{noun}: {most} or fewer")),
            (Some(least), Some(most)) => Some(format!("{noun}: {least} to {most}")),
        }
    });
    let pattern = first("pattern").and_then(Value::as_str).map(|pattern| format!("pattern {pattern}"));
    let default = first("default").map(|default| format!("default {default}"));
    parts.extend(format.into_iter().chain(bounds).chain(lengths).chain(pattern).chain(default));
    parts.join(", ")
}

fn type_of<'a>(document: &Document<'a>, all: &[&'a Object]) -> String {
    let values: Vec<&Value> =
        all.iter().flat_map(|map| map.get("const").into_iter().chain(list(map, "enum"))).collect();
    if !values.is_empty() {
        let mut words: Vec<String> = values.iter().take(LISTED).map(ToString::to_string).collect();
        words.extend((values.len() > LISTED).then(|| "…".to_owned()));
        return words.join(" or ");
    }
    if let Some(types) = all.iter().find_map(|map| types(map)) {
        let items = all.iter().find_map(|map| map.get("items")).filter(|items| items.is_object());
        let of_what =
            items.filter(|_| types == ["array"]).map(|items| format!(" of {}", named(document, items)));
        return types.join(" or ") + &of_what.unwrap_or_default();
    }
    let branches = ["anyOf", "oneOf"].into_iter().find_map(|key| {
        let found = all.iter().map(|map| list(map, key)).find(|list| !list.is_empty())?;
        let mut words: Vec<String> = found.iter().map(|branch| named(document, branch)).collect();
        words.dedup();
        Some(words.join(" or "))
    });
    branches.unwrap_or_else(|| "anything".to_owned())
}

/// A branch's types, without looking into its own branches: it may be its own.
fn named<'a>(document: &Document<'a>, branch: &'a Value) -> String {
    let mut all = Vec::new();
    let flat = document.flatten(branch, &mut Vec::new(), &mut all);
    let has_branches = |map: &&Object| map.contains_key("anyOf") || map.contains_key("oneOf");
    match flat.filter(|()| !all.iter().any(has_branches)) {
        Some(()) => type_of(document, &all),
        None => "other".to_owned(),
    }
}
