//! A definition as a TOML file to edit: every field is explained where it first stands, and those that are not set
//! where they would. The words are those of the types' own documentation, which the schema holds.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::result::Definition;
use crate::wrap::comment;

const HEAD: &str = "Run it with `music21-mcp-bench run FILE`. Its options override what is said here.";

/// Writes a definition with comments.
///
/// # Errors
///
/// Where it cannot be written as TOML.
pub(crate) fn template(definition: &Definition) -> Result<String, toml::ser::Error> {
    template_before("", definition)
}

/// The same, to be followed by the tables at the path `below`, whose fields are explained last.
///
/// # Errors
///
/// Where it cannot be written as TOML.
pub(crate) fn template_before(below: &str, definition: &Definition) -> Result<String, toml::ser::Error> {
    let plain = toml::to_string(definition)?;
    let root = schemars::schema_for!(Definition).to_value();
    let schema = Schema { root: &root };
    let used = Used::of(&plain, below, schema);
    let mut writer = Writer { schema, used, below, said: BTreeSet::new(), text: String::new() };
    writer.comment(0, HEAD);
    let mut table = "";
    for line in entries(&plain) {
        match Line::of(line) {
            Line::Table(path) => {
                table = path;
                schema.at(path).into_iter().for_each(|field| writer.explain_table(field));
            }
            Line::Key(key) => {
                schema.at(&join(table, key)).into_iter().for_each(|field| writer.explain(key, field));
            }
            Line::Blank => writer.list_unset(table),
        }
        writer.text += line;
        writer.text.push('\n');
    }
    writer.list_unset(table);
    writer.list_below();
    Ok(writer.text)
}

/// The lines of a document; a text that goes on for several is in one with its key.
fn entries(document: &str) -> Vec<&str> {
    let (mut entries, mut begin) = (Vec::new(), 0);
    for (end, _) in document.match_indices('\n') {
        let entry = &document[begin..end];
        // A text that has not ended is no TOML.
        if toml::from_str::<toml::Table>(entry).is_ok() {
            entries.push(entry);
            begin = end + 1;
        }
    }
    entries
}

/// What a line of TOML begins.
enum Line<'a> {
    Table(&'a str),
    Key(&'a str),
    Blank,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let header = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match (header, line.split_once(" = ")) {
            (Some(path), _) => Self::Table(path.trim_matches(['[', ']'])),
            (None, Some((key, _))) => Self::Key(key),
            (None, None) => Self::Blank,
        }
    }
}

fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The types' documentation.
#[derive(Clone, Copy)]
struct Schema<'a> {
    root: &'a Value,
}

/// A type and its name, where it has one.
#[derive(Clone, Copy)]
struct Type<'a> {
    name: &'a str,
    body: &'a Value,
}

impl<'a> Schema<'a> {
    /// What is said of the field at this path.
    fn at(self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.root, |node, key| self.field(node, key))
    }

    fn field(self, node: &'a Value, key: &str) -> Option<&'a Value> {
        let body = self.type_of(node).body;
        let of_variant = || variants(body).find_map(|variant| variant["properties"].get(key));
        body["properties"].get(key).or_else(of_variant)
    }

    /// The type of a field: behind its reference, of its elements, or what it is if it is set at all.
    fn type_of(self, node: &'a Value) -> Type<'a> {
        if let Some(reference) = node["$ref"].as_str() {
            let body = self.root.pointer(reference.trim_start_matches('#')).unwrap_or(node);
            return Type { name: reference, body };
        }
        let element = node["items"].as_object().map(|_| &node["items"]);
        match element.or_else(|| node["anyOf"].get(0)) {
            Some(inner) => self.type_of(inner),
            None => Type { name: "", body: node },
        }
    }
}

fn variants(body: &Value) -> impl Iterator<Item = &Value> {
    body["oneOf"].as_array().into_iter().flatten()
}

fn fields(body: &Value) -> impl Iterator<Item = (&String, &Value)> {
    body["properties"].as_object().into_iter().flat_map(Map::iter)
}

fn text_of(node: &Value) -> &str {
    node["description"].as_str().unwrap_or("")
}

/// What the definition has.
struct Used<'a> {
    /// Fields, by their paths.
    paths: BTreeSet<String>,
    /// Types, which are explained at their own fields.
    types: BTreeSet<&'a str>,
}

impl<'a> Used<'a> {
    fn of(plain: &str, below: &str, schema: Schema<'a>) -> Self {
        let (mut paths, mut types, mut table) = (BTreeSet::new(), BTreeSet::new(), "");
        if let Some(field) = schema.at(below) {
            let table = schema.type_of(field);
            let inner = fields(table.body).map(|(_, field)| schema.type_of(field).name);
            types.extend(inner.chain([table.name]));
            paths.insert(below.to_owned());
        }
        for line in entries(plain) {
            match Line::of(line) {
                Line::Table(path) => {
                    table = path;
                    types.extend(schema.at(path).map(|field| schema.type_of(field).name));
                    paths.insert(path.to_owned());
                }
                Line::Key(key) => {
                    paths.insert(join(table, key));
                }
                Line::Blank => {}
            }
        }
        Self { paths, types }
    }
}

struct Writer<'a> {
    schema: Schema<'a>,
    used: Used<'a>,
    /// What follows.
    below: &'a str,
    /// What needs not be said again.
    said: BTreeSet<String>,
    text: String,
}

impl<'a> Writer<'a> {
    /// Says once what a field is.
    fn explain(&mut self, key: &str, field: &'a Value) {
        let text = text_of(field);
        if !text.is_empty() && self.is_new(key, text) {
            self.comment(0, text);
            self.choices(0, self.schema.type_of(field).body);
        }
    }

    /// Says once what a field is whose table follows, and what its type says beyond that.
    fn explain_table(&mut self, field: &'a Value) {
        self.explain("", field);
        let text = text_of(self.schema.type_of(field).body);
        // A type's first sentence says what its field has said.
        let rest = text.split_once('.').map_or("", |(_, rest)| rest.trim());
        if !rest.is_empty() && self.is_new("", text) {
            self.comment(0, rest);
        }
    }

    fn is_new(&mut self, key: &str, text: &str) -> bool {
        self.said.insert(format!("{key} {text}"))
    }

    /// Lists what could be set in a table as well.
    fn list_unset(&mut self, table: &str) {
        let field = if table.is_empty() { Some(self.schema.root) } else { self.schema.at(table) };
        let Some(body) = field.map(|field| self.schema.type_of(field).body) else { return };
        let unset = fields(body).filter(|(key, _)| !self.used.paths.contains(&join(table, key)));
        let unset: Vec<_> =
            unset.filter(|(key, field)| self.said.insert(format!("{key} {}", text_of(field)))).collect();
        if !unset.is_empty() {
            self.comment(0, "Not set:");
            unset.into_iter().for_each(|(key, field)| self.item(0, key, field));
        }
    }

    /// Explains the tables that follow.
    fn list_below(&mut self) {
        if let (Some(field), Some((_, key))) = (self.schema.at(self.below), self.below.rsplit_once('.')) {
            self.used.types.clear();
            self.comment(0, "Below:");
            self.item(0, key, field);
        }
    }

    fn item(&mut self, depth: usize, key: &str, field: &'a Value) {
        let Type { name, body } = self.schema.type_of(field);
        self.comment(depth + 1, &format!("{key}: {}", text_of(field)));
        self.choices(depth + 1, body);
        if !self.used.types.contains(name) {
            fields(body).for_each(|(key, field)| self.item(depth + 1, key, field));
        }
    }

    /// The values that a field may have, where they have names.
    fn choices(&mut self, depth: usize, body: &'a Value) {
        for variant in variants(body) {
            let tag = || fields(variant).find_map(|(_, field)| field["const"].as_str());
            let name = variant["const"].as_str().or_else(tag).unwrap_or("");
            self.comment(depth + 1, &format!("\"{name}\": {}", text_of(variant)));
            let of_its_own = fields(variant).filter(|(_, field)| field["const"].is_null());
            of_its_own.for_each(|(key, field)| self.item(depth + 1, key, field));
        }
    }

    fn comment(&mut self, depth: usize, text: &str) {
        comment(&mut self.text, depth, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Options, SCENARIOS, find};
    use crate::wrap::WIDTH;

    fn of(scenario: &str) -> String {
        template(&find(scenario).unwrap().definition(&Options::default())).unwrap()
    }

    #[test]
    fn comments_change_nothing_of_what_is_said() {
        for scenario in &SCENARIOS {
            let definition = scenario.definition(&Options { all_sizes: true, ..Options::default() });
            let text = template(&definition).unwrap();
            assert_eq!(Definition::from_toml(&text).unwrap(), definition, "{text}");
            assert!(
                text.lines().all(|line| !line.starts_with('#') || line.chars().count() <= WIDTH + 2),
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_of_several_lines_is_left_as_it_is() {
        let lines = "[stages.fault]\n\nkind = 3\n[[stages]] \"\"\" '''\nname = \"x\"";
        let arguments = serde_json::json!({ "text": lines, "texts": [lines, "tail\"\n\""], "after": "x" });
        let arguments = arguments.as_object().unwrap().clone();
        let mut definition = find("tools").unwrap().definition(&Options::default());
        definition.stages[0].workload.flows[0].steps[0].arguments = arguments;
        let text = template(&definition).unwrap();
        assert_eq!(Definition::from_toml(&text).unwrap(), definition, "{text}");
    }

    #[test]
    fn a_field_is_explained_where_it_first_stands_and_once() {
        let text = of("isolation");
        let (_, step) = text.split_once("[[stages.workload.flows.steps]]\n").unwrap();
        assert!(!text.contains("# What sessions do."), "the field has said what is called: {text}");
        let must_echo_nonce = "# The answer must hold this iteration's nonce; one that holds another's is misrouted.\nmust_echo_nonce = true\n";
        assert!(step.contains(must_echo_nonce), "{text}");
        assert_eq!(text.matches("# The answer must hold this iteration's nonce").count(), 1);
        let unwrapped = text.replace("\n# ", " ");
        assert!(
            unwrapped.contains("`{{by-client:A|B|C}}` for one of the texts, the next for each session, and")
        );
        assert!(text.contains(
            "# It is made even if an earlier call of the iteration failed: it cleans up.\nalways = "
        ));
    }

    #[test]
    fn what_is_not_set_is_listed_with_all_that_it_could_be() {
        let text = of("isolation");
        let (_, thresholds) = text.split_once("min_success = 0.9\n").unwrap();
        assert!(thresholds.starts_with("# Not set:\n#   max_"), "{text}");
        for part in [
            "#   scores: Scores generated into files before the run; `{{score:NAME}}` is a file's path.\n",
            "#   fault: What the server meets while it runs; only where we started it.\n",
            "#     kind: What is done to it.\n#       \"kill\": SIGKILL;",
            "#   \"day\": Independently, at a rate that follows the hours of a day.\n#     hours: ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!of("recovery").contains("#   fault: "), "it is set there");
    }
}
