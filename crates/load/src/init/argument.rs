//! The arguments of a tool, each with a value and what it is.

use serde_json::{Value, json};

use super::describe::described;
use super::document::{Document, members, strings};
use super::make::make;

/// What is known of the arguments of some name, whatever their schema.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// Their text, where their schemas accept it.
    pub(super) text: &'static str,
    /// They are needed although their schemas say that they are optional; left out where the schema refuses them.
    pub(super) is_needed: bool,
}

/// One argument.
pub(super) struct Argument {
    pub(super) name: String,
    /// Its type, its limits and what the schema says of it.
    pub(super) about: String,
    /// A value that its schema accepts, or why there is none.
    pub(super) value: Result<Value, String>,
    pub(super) is_required: bool,
}

/// All arguments of a tool.
pub(super) struct Arguments {
    /// Those that it requires come first.
    pub(super) all: Vec<Argument>,
    /// Why those together are not what it requires, though there is a value for each.
    pub(super) failure: Option<String>,
}

impl Arguments {
    /// From the schema of them all, and what is known besides.
    pub(super) fn of(schema: &Value, known: &[Known]) -> Self {
        let object = json!({ "type": "object" });
        let document = Document::new(schema);
        let whole = make(&document, &[&object, schema], "");
        let mut all = Vec::new();
        // Without it nothing is allowed at all, which `whole` says.
        let _ = document.flatten(schema, &mut Vec::new(), &mut all);
        let made = whole.as_ref().ok().and_then(Value::as_object);
        let required: Vec<&str> = all.iter().flat_map(|map| strings(map, "required")).collect();
        let chosen = made.into_iter().flat_map(|made| made.keys().map(String::as_str));
        let properties = all.iter().flat_map(|map| members(map, "properties")).map(|(name, _)| name.as_str());
        let names = unique(required.iter().copied().chain(chosen).chain(properties));
        let argument = |name: &&str| {
            let schemas: Vec<&Value> =
                all.iter().flat_map(|map| document.schemas_of_member(map, name)).collect();
            let known = known.iter().find(|known| known.name == *name);
            let text = known.map(|known| json!(known.text));
            let accepts = |text: &Value| schemas.iter().all(|schema| document.accepts(schema, text).is_ok());
            let text = text.filter(accepts);
            let is_needed = known.is_some_and(|known| known.is_needed)
                && text.as_ref().is_some_and(|text| {
                    // With the others: a schema may allow either of two.
                    let mut with_it = made.cloned().unwrap_or_default();
                    with_it.insert((*name).to_owned(), text.clone());
                    document.accepts(schema, &Value::Object(with_it)).is_ok()
                });
            let value = text.or_else(|| made?.get(*name).cloned());
            Argument {
                name: (*name).to_owned(),
                about: described(&document, &schemas),
                value: value.map_or_else(|| make(&document, &schemas, name).map_err(|why| why.text), Ok),
                is_required: required.contains(name)
                    || made.is_some_and(|made| made.contains_key(*name))
                    || is_needed,
            }
        };
        let all: Vec<Argument> = names.iter().map(argument).collect();
        let is_complete = all.iter().all(|argument| argument.value.is_ok() || !argument.is_required);
        let failure = whole.as_ref().err().filter(|_| is_complete).map(|why| why.text.clone());
        Self { all, failure }
    }

    /// Whether the tool can be called with them.
    pub(super) fn are_complete(&self) -> bool {
        self.failure.is_none() && self.required().all(|argument| argument.value.is_ok())
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &Argument> {
        self.all.iter().filter(|argument| argument.is_required)
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    names.for_each(|name| {
        if !found.contains(&name) {
            found.push(name);
        }
    });
    found
}
