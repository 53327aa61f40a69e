//! Whether a schema accepts a value: what is made for a schema is held against it before anybody sees it.

use serde_json::{Number, Value};

use super::document::{Document, Object, count, list, members, strings, types};

/// A schema that refers to itself without going down into the value would be asked for ever.
const DEEPEST: usize = 100;

type Accepted = Result<(), String>;

impl Document<'_> {
    /// # Errors
    ///
    /// What refuses it. `format` alone refuses nothing, and neither do keywords about what other keywords have not seen.
    pub(super) fn accepts(&self, schema: &Value, value: &Value) -> Accepted {
        self.check(schema, value, 0)
    }

    fn check(&self, schema: &Value, value: &Value, depth: usize) -> Accepted {
        let map = match schema {
            Value::Object(map) => map,
            Value::Bool(false) => return Err("nothing is allowed there".to_owned()),
            _ => return Ok(()),
        };
        ensure(depth < DEEPEST, || "the schema refers to itself without end".to_owned())?;
        of_any_kind(map, value)?;
        self.in_place(map, value, depth + 1)?;
        match value {
            Value::Number(number) => of_number(map, number),
            Value::String(text) => self.of_text(map, text),
            Value::Array(items) => self.of_array(map, items, depth + 1),
            Value::Object(object) => self.of_object(map, object, depth + 1),
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    /// Schemas of the same value.
    fn in_place(&self, map: &Object, value: &Value, depth: usize) -> Accepted {
        let is_good = |schema: &Value| self.check(schema, value, depth).is_ok();
        for reference in ["$ref", "$dynamicRef"].iter().filter_map(|key| map.get(*key)?.as_str()) {
            let schema = self.find(reference).ok_or_else(|| format!("$ref '{reference}' leads nowhere"))?;
            self.check(schema, value, depth)?;
        }
        list(map, "allOf").iter().try_for_each(|schema| self.check(schema, value, depth))?;
        if map.contains_key("anyOf") {
            ensure(list(map, "anyOf").iter().any(is_good), || "none of its anyOf accepts it".to_owned())?;
        }
        if map.contains_key("oneOf") {
            let good = list(map, "oneOf").iter().filter(|schema| is_good(schema)).count();
            ensure(good == 1, || format!("{good} of its oneOf accept it"))?;
        }
        if let Some(schema) = map.get("not") {
            ensure(!is_good(schema), || "its not refuses it".to_owned())?;
        }
        let then = map.get("if").map(|schema| if is_good(schema) { "then" } else { "else" });
        then.and_then(|key| map.get(key)).map_or(Ok(()), |schema| self.check(schema, value, depth))
    }

    fn of_text(&self, map: &Object, text: &str) -> Accepted {
        let length = text.chars().count();
        within(map, length, ["minLength", "maxLength"])?;
        if let Some(pattern) = map.get("pattern").and_then(Value::as_str) {
            let is_match = self.pattern(pattern)?.is_match(text);
            ensure(is_match, || format!("no text was found for its pattern '{pattern}'"))?;
        }
        Ok(())
    }

    fn of_array(&self, map: &Object, items: &[Value], depth: usize) -> Accepted {
        within(map, items.len(), ["minItems", "maxItems"])?;
        if map.get("uniqueItems") == Some(&Value::Bool(true)) {
            let is_new = |at: usize| !items[..at].contains(&items[at]);
            ensure((0..items.len()).all(is_new), || "uniqueItems".to_owned())?;
        }
        for (at, item) in items.iter().enumerate() {
            if let Some(schema) = schema_of_item(map, at) {
                self.check(schema, item, depth)?;
            }
        }
        if let Some(schema) = map.get("contains") {
            let found = items.iter().filter(|item| self.check(schema, item, depth).is_ok()).count();
            let (least, most) = (count(map, "minContains").unwrap_or(1), count(map, "maxContains"));
            ensure(found >= least && most.is_none_or(|most| found <= most), || "contains".to_owned())?;
        }
        Ok(())
    }

    fn of_object(&self, map: &Object, object: &Object, depth: usize) -> Accepted {
        within(map, object.len(), ["minProperties", "maxProperties"])?;
        let needs = |name: &str| ensure(object.contains_key(name), || format!("required: '{name}'"));
        strings(map, "required").try_for_each(needs)?;
        for (name, value) in object {
            for schema in self.schemas_of_member(map, name) {
                self.check(schema, value, depth).map_err(|why| format!("'{name}': {why}"))?;
            }
            if let Some(schema) = map.get("propertyNames") {
                self.check(schema, &Value::from(name.as_str()), depth)?;
            }
        }
        let met = dependents(map).filter(|(name, _)| object.contains_key(*name));
        met.map(|(_, asked)| asked).try_for_each(|asked| match asked {
            Value::Array(names) => names.iter().filter_map(Value::as_str).try_for_each(needs),
            schema => self.check(schema, &Value::Object(object.clone()), depth),
        })
    }

    /// What one object says of a member.
    pub(super) fn schemas_of_member<'m>(&self, map: &'m Object, name: &str) -> Vec<&'m Value> {
        let is_match = |pattern: &str| self.pattern(pattern).is_ok_and(|pattern| pattern.is_match(name));
        let own = members(map, "properties").filter(|(own, _)| *own == name);
        let by_pattern = members(map, "patternProperties").filter(|(pattern, _)| is_match(pattern));
        let found: Vec<&Value> = own.chain(by_pattern).map(|(_, schema)| schema).collect();
        if found.is_empty() { map.get("additionalProperties").into_iter().collect() } else { found }
    }
}

/// What members ask for beside themselves: names, or a schema of the whole.
pub(super) fn dependents(map: &Object) -> impl Iterator<Item = (&String, &Value)> {
    ["dependentRequired", "dependentSchemas", "dependencies"].into_iter().flat_map(|key| members(map, key))
}

/// What one object says of an array's member: by its place, or of all that follow.
pub(super) fn schema_of_item(map: &Object, at: usize) -> Option<&Value> {
    match (map.get("prefixItems"), map.get("items")) {
        (Some(Value::Array(places)), rest) => places.get(at).or(rest),
        // Until 2020 `items` was both.
        (_, Some(Value::Array(places))) => places.get(at).or_else(|| map.get("additionalItems")),
        (_, rest) => rest,
    }
}

fn ensure(is_good: bool, why: impl FnOnce() -> String) -> Accepted {
    if is_good { Ok(()) } else { Err(why()) }
}

fn within(map: &Object, n: usize, [least, most]: [&str; 2]) -> Accepted {
    ensure(count(map, least).is_none_or(|least| n >= least), || least.to_owned())?;
    ensure(count(map, most).is_none_or(|most| n <= most), || most.to_owned())
}

fn of_any_kind(map: &Object, value: &Value) -> Accepted {
    if let Some(types) = types(map) {
        ensure(types.iter().any(|name| is_of(value, name)), || format!("type {}", types.join(", ")))?;
    }
    if map.contains_key("enum") {
        ensure(list(map, "enum").contains(value), || "enum".to_owned())?;
    }
    ensure(map.get("const").is_none_or(|only| only == value), || "const".to_owned())
}

fn is_of(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
        Value::Number(number) => {
            let is_whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            name == "number" || (name == "integer" && is_whole)
        }
    }
}

fn of_number(map: &Object, number: &Number) -> Accepted {
    // Floats do not tell large whole numbers apart.
    let whole = |key: &str| map.get(key).and_then(Value::as_i64).zip(number.as_i64());
    let is_within = whole("minimum").is_none_or(|(bound, number)| number >= bound)
        && whole("maximum").is_none_or(|(bound, number)| number <= bound);
    ensure(is_within, || "its bounds".to_owned())?;
    let number = number.as_f64().unwrap_or(f64::NAN);
    let (lower, upper) = bounds(map);
    let above = lower.is_none_or(|(bound, open)| number > bound || (number == bound && !open));
    let below = upper.is_none_or(|(bound, open)| number < bound || (number == bound && !open));
    ensure(above && below, || "its bounds".to_owned())?;
    let step = map.get("multipleOf").and_then(Value::as_f64).filter(|step| *step > 0.0);
    ensure(step.is_none_or(|step| (number / step).fract() == 0.0), || "multipleOf".to_owned())
}

/// A bound, and whether it is itself excluded.
pub(super) type Bound = Option<(f64, bool)>;

/// The bounds of a number, in the words of any draft.
pub(super) fn bounds(map: &Object) -> (Bound, Bound) {
    let bound = |plain: &str, exclusive: &str, tighter: fn(f64, f64) -> bool| {
        let plain = map.get(plain).and_then(Value::as_f64);
        match map.get(exclusive) {
            // Draft 4: it says how the other is meant.
            Some(Value::Bool(open)) => plain.map(|bound| (bound, *open)),
            other => match (plain, other.and_then(Value::as_f64)) {
                (Some(closed), Some(open)) if tighter(closed, open) => Some((closed, false)),
                (closed, open) => open.map(|bound| (bound, true)).or(closed.map(|bound| (bound, false))),
            },
        }
    };
    let lower = bound("minimum", "exclusiveMinimum", |closed, open| closed > open);
    (lower, bound("maximum", "exclusiveMaximum", |closed, open| closed < open))
}
