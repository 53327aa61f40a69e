//! Values that a schema accepts.
//!
//! What a schema says is gathered from all that applies at once (`$ref`, `allOf`, one branch of each `anyOf`, `oneOf` and
//! `if`). From that come proposals, the likeliest first, and the first that the whole schema accepts is taken. So what no
//! proposal is made for (`not`, say) still refuses what it must.

use std::cell::Cell;

use serde_json::Value;

use super::document::{Document, Object, list, members, types};

/// Why there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) text: String,
    /// Only for the depth that was allowed.
    pub(super) is_too_deep: bool,
}

impl Why {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_too_deep: false }
    }

    fn too_deep() -> Self {
        Self { text: "its schema goes too deep".to_owned(), is_too_deep: true }
    }
}

/// Depths that are tried: what is made is no deeper than it must be.
const DEPTHS: [usize; 3] = [4, 8, 16];
/// Schemas looked at for one value: some branch without end.
const MOST_SCHEMAS: usize = 5_000;
/// Combinations of branches.
const MOST_BRANCHES: usize = 64;

/// Makes values.
pub(super) struct Maker<'a> {
    pub(super) document: &'a Document<'a>,
    deepest: usize,
    left: Cell<usize>,
}

/// Where a value stands.
#[derive(Clone, Default)]
pub(super) struct Place<'a> {
    /// The name of the member, which may say what is meant.
    pub(super) name: &'a str,
    depth: usize,
    /// References followed to come here.
    refs: Vec<&'a str>,
    /// One of them was followed before: what may be left out is.
    pub(super) is_again: bool,
}

impl<'a> Place<'a> {
    pub(super) fn below(&self, name: &'a str) -> Self {
        Self { name, depth: self.depth + 1, ..self.clone() }
    }
}

/// One value for the schemas together, by the name of the argument.
///
/// # Errors
///
/// Why there is none.
pub(super) fn make<'a>(
    document: &'a Document<'a>,
    schemas: &[&'a Value],
    name: &'a str,
) -> Result<Value, Why> {
    let mut why = Why::too_deep();
    for deepest in DEPTHS {
        let maker = Maker { document, deepest, left: Cell::new(MOST_SCHEMAS) };
        match maker.values(schemas, 1, &Place { name, ..Place::default() }) {
            Ok(mut values) => return Ok(values.remove(0)),
            Err(found) if found.is_too_deep => why = found,
            Err(found) => return Err(found),
        }
    }
    Err(why)
}

/// Values found so far.
pub(super) struct Found<'f, 'a> {
    document: &'f Document<'a>,
    schemas: &'f [&'a Value],
    pub(super) wanted: usize,
    values: Vec<Value>,
    why: Option<Why>,
}

impl Found<'_, '_> {
    pub(super) fn is_full(&self) -> bool {
        self.values.len() >= self.wanted
    }

    /// Takes a value that all schemas accept and that a file can hold.
    pub(super) fn offer(&mut self, value: Value) {
        if self.is_full() || self.values.contains(&value) {
            return;
        }
        let accepted = self.schemas.iter().try_for_each(|schema| self.document.accepts(schema, &value));
        match accepted.and_then(|()| can_be_written(&value)) {
            Ok(()) => self.values.push(value),
            Err(why) => self.refuse(Why::new(why)),
        }
    }

    /// The first reason is the likeliest proposal's.
    pub(super) fn refuse(&mut self, why: Why) {
        match &self.why {
            Some(known) if known.is_too_deep || !why.is_too_deep => {}
            _ => self.why = Some(why),
        }
    }

    fn into_values(self) -> Result<Vec<Value>, Why> {
        match self.values.is_empty() {
            true => Err(self.why.unwrap_or_else(|| Why::new("its schema allows nothing"))),
            false => Ok(self.values),
        }
    }
}

/// Whether a scenario file can say it.
fn can_be_written(value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Err("it must be null, which TOML does not have".to_owned()),
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            Err(format!("{number} is too large for TOML"))
        }
        Value::String(text) if text.contains("{{") && text.contains("}}") => {
            Err(format!("'{text}' would be taken for a placeholder"))
        }
        Value::Array(items) => items.iter().try_for_each(can_be_written),
        Value::Object(map) => map.values().try_for_each(can_be_written),
        _ => Ok(()),
    }
}

impl<'a> Maker<'a> {
    /// Up to `wanted` different values that all schemas accept, at least one.
    pub(super) fn values(
        &self,
        schemas: &[&'a Value],
        wanted: usize,
        place: &Place<'a>,
    ) -> Result<Vec<Value>, Why> {
        let left = self.left.get();
        if place.depth > self.deepest || left == 0 {
            return Err(Why::too_deep());
        }
        self.left.set(left - 1);
        let (mut refs, mut all) = (Vec::new(), Vec::new());
        let flat = schemas.iter().try_for_each(|schema| self.document.flatten(schema, &mut refs, &mut all));
        flat.ok_or_else(|| Why::new("its schema allows nothing, or refers to nothing"))?;
        let mut place = place.clone();
        place.is_again |= refs.iter().any(|reference| place.refs.contains(reference));
        place.refs.extend(refs);
        let mut found = Found { document: self.document, schemas, wanted, values: Vec::new(), why: None };
        let mut branches = self.branches(all);
        if place.is_again {
            // The way out of what refers to itself is the branch that asks for least.
            branches.sort_by_key(|all| all.iter().map(|map| list(map, "required").len()).sum::<usize>());
        }
        for all in branches {
            self.propose(&all, &place, &mut found);
            if found.is_full() {
                break;
            }
        }
        found.into_values()
    }

    /// The same with one branch of each choice, the first ones first.
    fn branches(&self, all: Vec<&'a Object>) -> Vec<Vec<&'a Object>> {
        let mut done = Vec::new();
        let mut open = vec![(all, 0)];
        while let Some((all, at)) = open.pop() {
            let Some(map) = all.get(at) else {
                done.push(all);
                continue;
            };
            let mut lists = vec![all.clone()];
            for choice in choices(map) {
                let taken = |list: &Vec<&'a Object>, branch: &[&'a Value]| {
                    let (mut refs, mut list) = (Vec::new(), list.clone());
                    let flat =
                        branch.iter().try_for_each(|one| self.document.flatten(one, &mut refs, &mut list));
                    flat.map(|()| list)
                };
                lists = lists
                    .iter()
                    .flat_map(|list| {
                        choice.iter().filter_map(|branch| taken(list, branch)).collect::<Vec<_>>()
                    })
                    .take(MOST_BRANCHES)
                    .collect();
            }
            if done.len() + open.len() < MOST_BRANCHES {
                open.extend(lists.into_iter().rev().map(|list| (list, at + 1)));
            }
        }
        done
    }

    /// Proposes what the schema names itself, then what can be made of each type that it allows.
    fn propose(&self, all: &[&'a Object], place: &Place<'a>, found: &mut Found<'_, 'a>) {
        let named = |key: &'static str| all.iter().filter_map(move |map| map.get(key));
        let listed = |key: &'static str| all.iter().flat_map(move |map| list(map, key));
        let only: Vec<&Value> = named("const").chain(listed("enum")).collect();
        let likely = named("default").chain(listed("examples")).chain(named("example"));
        // What is not null can do more.
        likely.chain(only.iter().copied()).filter(|value| !value.is_null()).for_each(|value| {
            found.offer(value.clone());
        });
        if !only.is_empty() {
            only.into_iter().for_each(|value| found.offer(value.clone()));
            return;
        }
        for kind in kinds(all) {
            match kind {
                "string" => self.texts(all, place, found),
                "integer" => super::number::numbers(all, true, found),
                "number" => super::number::numbers(all, false, found),
                "boolean" => [false, true].into_iter().for_each(|value| found.offer(Value::Bool(value))),
                "object" => self.objects(all, place, found),
                "array" => self.arrays(all, place, found),
                _ => found.offer(Value::Null),
            }
            if found.is_full() {
                return;
            }
        }
    }
}

/// The choices that one object gives, each a list of branches, each of these schemas that apply together.
fn choices(map: &Object) -> Vec<Vec<Vec<&Value>>> {
    let mut choices = Vec::new();
    for key in ["oneOf", "anyOf"] {
        if map.contains_key(key) {
            choices.push(list(map, key).iter().map(|branch| vec![branch]).collect());
        }
    }
    if let Some(condition) = map.get("if") {
        let met = [Some(condition), map.get("then")].into_iter().flatten().collect();
        choices.push(vec![met, map.get("else").into_iter().collect()]);
    }
    for key in ["dependentSchemas", "dependencies"] {
        let schemas = members(map, key).filter(|(_, schema)| schema.is_object());
        choices.extend(schemas.map(|(_, schema)| vec![Vec::new(), vec![schema]]));
    }
    choices
}

/// The types that are tried, in order.
fn kinds<'a>(all: &[&'a Object]) -> Vec<&'a str> {
    let mut allowed: Option<Vec<&str>> = None;
    for types in all.iter().filter_map(|map| types(map)) {
        allowed = Some(match allowed {
            None => types,
            Some(before) => both(&before, &types),
        });
    }
    let mut kinds = allowed.unwrap_or_else(|| implied(all));
    // What is not null can do more.
    kinds.sort_by_key(|kind| *kind == "null");
    kinds
}

fn both<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
    let narrower = |kind: &&'a str| match *kind {
        "number" if !other.contains(&"number") && other.contains(&"integer") => Some("integer"),
        "integer" if other.contains(&"number") => Some("integer"),
        kind => other.contains(&kind).then_some(kind),
    };
    one.iter().filter_map(narrower).collect()
}

/// The type that keywords speak of, before all others: they say nothing of those.
fn implied(all: &[&Object]) -> Vec<&'static str> {
    const WORDS: [(&str, &[&str]); 4] = [
        ("object", &["properties", "required", "additionalProperties", "patternProperties", "minProperties"]),
        ("array", &["items", "prefixItems", "contains", "minItems", "uniqueItems"]),
        ("string", &["pattern", "format", "minLength", "maxLength"]),
        ("integer", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];
    let speaks = |words: &[&str]| all.iter().any(|map| words.iter().any(|word| map.contains_key(*word)));
    let spoken = WORDS.iter().filter(|(_, words)| speaks(words)).map(|(kind, _)| *kind);
    spoken.chain(["string", "integer", "number", "boolean", "object", "array", "null"]).collect()
}
