//! A JSON schema as a document: what its references point to, and its regular expressions, each read once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::pattern::Pattern;

pub(super) type Object = Map<String, Value>;

/// Schemas and what they refer to.
pub(super) struct Document<'a> {
    root: &'a Value,
    patterns: RefCell<BTreeMap<String, Read>>,
}

/// A regular expression, or why it cannot be read.
type Read = Result<Rc<Pattern>, String>;

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, patterns: RefCell::default() }
    }

    /// What a reference points to: a place by its path, or what bears the name.
    pub(super) fn find(&self, reference: &str) -> Option<&'a Value> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = if document.is_empty() { self.root } else { bearer(self.root, &["$id", "id"], document)? };
        let fragment = decoded(fragment);
        match fragment.is_empty() || fragment.starts_with('/') {
            true => base.pointer(&fragment),
            false => bearer(base, &["$anchor", "$dynamicAnchor"], &fragment),
        }
    }

    /// All objects that a value must satisfy at once: the schema's own, and those behind references and `allOf`.
    /// `refs` are the references met. `None` where no value is allowed, or a reference leads nowhere.
    pub(super) fn flatten(
        &self,
        schema: &'a Value,
        refs: &mut Vec<&'a str>,
        all: &mut Vec<&'a Object>,
    ) -> Option<()> {
        let map = match schema {
            Value::Object(map) => map,
            Value::Bool(false) => return None,
            _ => return Some(()),
        };
        // One that refers to itself says nothing new.
        if all.iter().any(|known| std::ptr::eq(*known, map)) {
            return Some(());
        }
        all.push(map);
        for reference in ["$ref", "$dynamicRef"].iter().filter_map(|key| map.get(*key)?.as_str()) {
            refs.push(reference);
            self.flatten(self.find(reference)?, refs, all)?;
        }
        list(map, "allOf").iter().try_for_each(|schema| self.flatten(schema, refs, all))
    }

    pub(super) fn pattern(&self, text: &str) -> Read {
        let mut patterns = self.patterns.borrow_mut();
        patterns.entry(text.to_owned()).or_insert_with(|| Pattern::read(text).map(Rc::new)).clone()
    }
}

/// The schema below `node` that has this name under one of the keys.
fn bearer<'a>(node: &'a Value, keys: &[&str], name: &str) -> Option<&'a Value> {
    let is_it = |id: &str| id == name || id.strip_suffix(name).is_some_and(|front| front.ends_with('/'));
    match node {
        Value::Object(map) => {
            let own = keys.iter().filter_map(|key| map.get(*key)?.as_str()).any(is_it);
            own.then_some(node).or_else(|| map.values().find_map(|below| bearer(below, keys, name)))
        }
        Value::Array(items) => items.iter().find_map(|below| bearer(below, keys, name)),
        _ => None,
    }
}

/// A URI's fragment without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => (bytes.push(byte), rest = &after[2..]).1,
            _ => (bytes.push(*first), rest = after).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The members of a list; none where there is no list.
pub(super) fn list<'a>(map: &'a Object, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The strings of a list.
pub(super) fn strings<'a>(map: &'a Object, key: &str) -> impl Iterator<Item = &'a str> {
    list(map, key).iter().filter_map(Value::as_str)
}

/// The members of an object; none where there is no object.
pub(super) fn members<'a>(map: &'a Object, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    map.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// A count, such as `minItems`.
pub(super) fn count(map: &Object, key: &str) -> Option<usize> {
    // Some write 3.0.
    let number = map.get(key)?.as_f64()?;
    (number >= 0.0).then_some(number as usize)
}

/// The types that a schema allows; `None` where it does not say.
pub(super) fn types(map: &Object) -> Option<Vec<&str>> {
    let mut found: Vec<&str> = match map.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(_) => strings(map, "type").collect(),
        _ => return None,
    };
    if map.get("nullable") == Some(&Value::Bool(true)) {
        found.push("null");
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_paths_names_and_the_whole() {
        let root = json!({
            "$id": "https://localhost/root.json",
            "$defs": { "a b": { "const": 1 }, "x/y": { "const": 2 }, "n": { "$anchor": "name", "const": 3 }, "o": { "$id": "other.json", "const": 4 } },
        });
        let document = Document::new(&root);
        for (reference, expected) in [
            ("#/$defs/a%20b", json!(1)),
            ("#/$defs/x~1y", json!(2)),
            ("#name", json!(3)),
            ("other.json", json!(4)),
            ("root.json#/$defs/a b", json!(1)),
        ] {
            assert_eq!(document.find(reference).map(|found| &found["const"]), Some(&expected), "{reference}");
        }
        assert_eq!(document.find("#"), Some(&root));
        assert_eq!(document.find("#/$defs/absent"), None);
        assert_eq!(document.find("http://localhost/elsewhere.json"), None);
    }
}
