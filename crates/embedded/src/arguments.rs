//! Arguments checked against a tool's schema; the refusals read as the real server's do.

use rmcp::model::JsonObject;
use serde_json::Value;

use super::catalog::ToolSpec;

/// A tool's arguments, complete: defaults are filled in.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    values: Vec<(&'static str, &'a str)>,
}

impl<'a> Arguments<'a> {
    /// Checks `given` against the schema: a missing argument first, then a mistyped one, then one
    /// that the tool does not have.
    ///
    /// # Errors
    ///
    /// The text that the real server answers with `isError: true`.
    pub(crate) fn check(tool: &'static ToolSpec, given: Option<&'a JsonObject>) -> Result<Self, String> {
        let get = |name| given.and_then(|given| given.get(name));
        if let Some(missing) =
            tool.arguments.iter().find(|known| known.default.is_none() && get(known.name).is_none())
        {
            return Err(format!("Input validation error: '{}' is a required property", missing.name));
        }
        let mut values = Vec::with_capacity(tool.arguments.len());
        for known in tool.arguments {
            match get(known.name) {
                Some(Value::String(text)) => values.push((known.name, text.as_str())),
                Some(other) => {
                    return Err(format!("Input validation error: {} is not of type 'string'", repr(other)));
                }
                None => values.extend(known.default.map(|default| (known.name, default))),
            }
        }
        let extra: Vec<(&String, &Value)> = given
            .into_iter()
            .flatten()
            .filter(|(name, _)| tool.arguments.iter().all(|known| known.name != name.as_str()))
            .collect();
        if extra.is_empty() { Ok(Self { values }) } else { Err(unexpected(tool.name, &extra)) }
    }

    /// The value of an argument that the tool has.
    pub(crate) fn get(&self, name: &str) -> &'a str {
        // OK because `check` fills in every argument of the tool, and a tool asks only for its own.
        self.values.iter().find(|(known, _)| *known == name).expect("the tool has the argument").1
    }
}

fn unexpected(tool: &str, extra: &[(&String, &Value)]) -> String {
    let plural = if extra.len() == 1 { "" } else { "s" };
    let mut text =
        format!("Error calling tool '{tool}': {} validation error{plural} for call[{tool}]", extra.len());
    for (name, value) in extra {
        text.push_str(&format!(
            "\n{name}\n  Unexpected keyword argument [type=unexpected_keyword_argument, input_value={}, \
             input_type={}]",
            repr(value),
            type_name(value)
        ));
    }
    text
}

/// A JSON value as Python prints it.
fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("'{name}': {}", repr(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog;

    fn check(tool: &str, given: &Value, expected: Result<&str, &str>) {
        let tool = catalog::find(tool).unwrap();
        let seen = Arguments::check(tool, given.as_object());
        let seen = seen.as_ref().map(|arguments| arguments.values.last().map_or("", |(_, value)| value));
        assert_eq!(seen.map_err(String::as_str), expected, "{given}");
    }

    #[test]
    fn defaults_are_filled_in() {
        check("import_score", &json!({"score_id": "a", "source": "b"}), Ok("corpus"));
        check("export_score", &json!({"score_id": "a"}), Ok("musicxml"));
        check("list_scores", &json!({}), Ok(""));
        check("list_scores", &Value::Null, Ok(""));
    }

    #[test]
    fn a_violation_is_told_in_the_real_servers_words() {
        check("score_info", &json!({}), Err("Input validation error: 'score_id' is a required property"));
        check(
            "import_score",
            &json!({"source": 5}),
            Err("Input validation error: 'score_id' is a required property"),
        );
        check(
            "score_info",
            &json!({"score_id": 5}),
            Err("Input validation error: 5 is not of type 'string'"),
        );
        check(
            "export_score",
            &json!({"score_id": null}),
            Err("Input validation error: None is not of type 'string'"),
        );
        check(
            "export_score",
            &json!({"score_id": "a", "format": ["x", true]}),
            Err("Input validation error: ['x', True] is not of type 'string'"),
        );
        check(
            "score_info",
            &json!({"score_id": "b", "foo": 1}),
            Err(
                "Error calling tool 'score_info': 1 validation error for call[score_info]\nfoo\n  Unexpected \
                 keyword argument [type=unexpected_keyword_argument, input_value=1, input_type=int]",
            ),
        );
    }
}
