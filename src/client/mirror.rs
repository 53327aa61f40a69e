//! What the newest protocol repeats of a request in HTTP headers: its method, its tool, and the arguments whose schema
//! says so (`x-mcp-header`).
//!
//! Rules: <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata>

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, HeaderValue};
use rmcp::model::{JsonObject, ProtocolVersion, Tool};
use serde_json::Value;

pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const ARGUMENT: &str = "mcp-param-";
const ANNOTATION: &str = "x-mcp-header";

pub(super) type Headers = Vec<(HeaderName, HeaderValue)>;

/// By tool, the arguments that are repeated in headers.
#[derive(Debug, Default)]
pub(crate) struct Mirrored(BTreeMap<String, Vec<Argument>>);

#[derive(Debug)]
struct Argument {
    header: HeaderName,
    /// The names that lead to it.
    path: Vec<String>,
}

impl Mirrored {
    pub(super) fn of(tools: impl Iterator<Item = Tool>) -> Self {
        let of_tool = |tool: Tool| {
            let mut found = Vec::new();
            annotated(&tool.input_schema, &mut Vec::new(), &mut found);
            (!found.is_empty()).then(|| (tool.name.to_string(), found))
        };
        Self(tools.filter_map(of_tool).collect())
    }

    fn headers(&self, tool: &str, arguments: &JsonObject) -> Headers {
        let headers = self.0.get(tool).into_iter().flatten().filter_map(|argument| {
            let (first, inner) = argument.path.split_first()?;
            let value = inner.iter().try_fold(arguments.get(first)?, |value, name| value.get(name))?;
            Some((argument.header.clone(), header_value(&text(value)?)))
        });
        headers.collect()
    }
}

/// Whether a tool may be called over HTTP: the protocol has clients leave out one whose annotations cannot be followed, which
/// are names that no header can have, a name used twice, and one on what is no text, number or truth value.
pub(super) fn can_be_mirrored(schema: &JsonObject) -> bool {
    let mut names = BTreeSet::new();
    is_sound(schema, &mut names)
}

fn is_sound(schema: &JsonObject, names: &mut BTreeSet<String>) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.filter_map(|(_, property)| property.as_object()).all(|property| {
        let header = property.get(ANNOTATION);
        let is_plain = matches!(
            property.get("type").and_then(Value::as_str),
            None | Some("string" | "integer" | "number" | "boolean")
        );
        let is_named =
            |name: &str| !name.is_empty() && format!("{ARGUMENT}{name}").parse::<HeaderName>().is_ok();
        let is_new = |name: &str, names: &mut BTreeSet<String>| names.insert(name.to_ascii_lowercase());
        let is_sound_header = header.is_none_or(|header| {
            header.as_str().is_some_and(|name| is_plain && is_named(name) && is_new(name, names))
        });
        is_sound_header && is_sound(property, names)
    })
}

/// Finds annotations on the way through `properties` alone, where the protocol allows them.
fn annotated(schema: &JsonObject, path: &mut Vec<String>, found: &mut Vec<Argument>) {
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let Some(property) = property.as_object() else { continue };
        path.push(name.clone());
        let header = property.get(ANNOTATION).and_then(Value::as_str).filter(|name| !name.is_empty());
        let header = header.and_then(|name| format!("{ARGUMENT}{name}").parse().ok());
        found.extend(header.map(|header| Argument { header, path: path.clone() }));
        annotated(property, path, found);
        path.pop();
    }
}

/// What goes with a request, and with the call of a tool.
pub(super) fn headers(
    method: &'static str,
    call: Option<(&str, &JsonObject)>,
    mirrored: Option<&Mirrored>,
) -> Headers {
    let mut headers = vec![(METHOD, HeaderValue::from_static(method))];
    if let Some((tool, arguments)) = call {
        headers.push((NAME, header_value(tool)));
        headers.extend(mirrored.map(|mirrored| mirrored.headers(tool, arguments)).unwrap_or_default());
    }
    headers
}

/// The revision that a request speaks.
pub(super) fn version(version: &ProtocolVersion) -> Option<(HeaderName, HeaderValue)> {
    Some((VERSION, HeaderValue::from_str(version.as_str()).ok()?))
}

/// `None` for what no header can hold, and for `null`, which stands for nothing.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// As it is where it is plain ASCII without blanks around it; else, and where it reads like it, in the protocol's own
/// coding.
fn header_value(text: &str) -> HeaderValue {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim_matches(' ') == text;
    let is_like_coded = text.starts_with("=?base64?") && text.ends_with("?=");
    let coded = (!is_plain || is_like_coded).then(|| format!("=?base64?{}?=", BASE64_STANDARD.encode(text)));
    // OK because both are printable ASCII.
    HeaderValue::from_str(coded.as_deref().unwrap_or(text)).expect("printable ASCII is a header's value")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_is_not_plain_is_coded() {
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("a b", "a b"),
            ("", ""),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(header_value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_tool_whose_annotations_cannot_be_followed_is_left_out() {
        let sound =
            |properties: Value| can_be_mirrored(json!({ "properties": properties }).as_object().unwrap());
        let text = |header: &str| json!({ "type": "string", "x-mcp-header": header });
        assert!(sound(json!({})) && sound(json!({ "a": text("Region"), "b": text("Zone") })));
        assert!(!sound(json!({ "a": text("") })) && !sound(json!({ "a": text("no header") })));
        assert!(!sound(json!({ "a": text("Region"), "b": text("region") })));
        assert!(!sound(json!({ "a": { "type": "object", "x-mcp-header": "A" } })));
        assert!(!sound(json!({ "a": { "type": "string", "x-mcp-header": 3 } })));
        assert!(!sound(json!({ "deep": { "properties": { "a": text("") } } })));
    }

    #[test]
    fn annotated_arguments_are_repeated_wherever_properties_lead_to_them() {
        let schema = json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "options": {"properties": {"limit": {"type": "integer", "x-mcp-header": "Limit"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "nothing": {"type": "string", "x-mcp-header": "Nothing"},
            "odd": {"type": "string", "x-mcp-header": "no header"},
            "items": {"items": {"type": "string", "x-mcp-header": "Item"}},
        }});
        let tool = Tool::new("query", "", schema.as_object().unwrap().clone());
        let arguments = json!({"region": "日本", "options": {"limit": 42}, "dry": true, "nothing": null,
            "odd": "x", "items": ["x"]});
        let arguments = arguments.as_object().unwrap();
        let mirrored = Mirrored::of(std::iter::once(tool));
        let shown = |tool_name: &str| {
            let headers = headers("tools/call", Some((tool_name, arguments)), Some(&mirrored));
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect::<Vec<_>>()
        };
        let mut found = shown("query");
        found[2..].sort();
        assert_eq!(
            found,
            [
                "mcp-method: tools/call",
                "mcp-name: query",
                "mcp-param-dry: true",
                "mcp-param-limit: 42",
                "mcp-param-region: =?base64?5pel5pys?=",
            ]
        );
        assert_eq!(shown("na\u{ef}ve"), ["mcp-method: tools/call", "mcp-name: =?base64?bmHDr3Zl?="]);
    }
}
