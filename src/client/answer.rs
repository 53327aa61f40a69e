//! What each tool's answer must hold, as data: the same rules check a bench, a test and a load run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use rmcp::model::JsonObject;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::elided::Elided;
use super::tool::Tool;

/// The top level of an answer; what a rule does not look at is never parsed. A list, for there are few of them.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Name<'a>, Json<'a>)>);

impl<'a> Fields<'a> {
    /// The value of a field; of two with one name the last, as parsers have it.
    pub(super) fn get(&self, name: &str) -> Option<Json<'a>> {
        self.0.iter().rev().find(|(own, _)| own.0 == name).map(|(_, value)| *value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Json<'a>)> {
        self.0.iter().map(|(name, value)| (&*name.0, *value))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for Entries<'a> {
            type Value = Fields<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// The fields of an answer. Their values are whole, though long strings were left out where it was read.
pub(super) fn fields<'a>(text: &'a Elided<'a>) -> Option<Fields<'a>> {
    let mut fields: Fields<'a> = read(text.json())?;
    if text.is_short() {
        fields.0.iter_mut().for_each(|(_, value)| value.0 = text.whole(value.0));
    }
    Some(fields)
}

/// A value as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a>(&'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

impl<'a> Json<'a> {
    pub(super) fn get(self) -> &'a str {
        self.0
    }
}

/// A field's name. Without escapes it needs no copy, which it would have as a `Cow` alone.
#[derive(Debug, Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// What must hold for one field.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// This very text.
    Is(&'static str),
    /// `true`.
    True,
    /// Text that is not empty.
    Text,
    /// A whole number above zero.
    Positive,
    /// A whole number.
    Number,
    /// A list with something in it.
    Filled,
    /// A list as long as this other field says.
    CountedBy(&'static str),
    /// The argument of the same name (or its default): the answer is to this call and no other.
    Echo(&'static str),
    /// The four key profiles, each with a key: a starved music21 server "succeeds" with none of them.
    FourProfiles,
    /// No smaller than the smallest file of the format asked for: music21 "exports" ABC as an object's name.
    FileSize,
}

/// The four profiles of `key_analysis`.
const KEY_PROFILES: [&str; 4] = ["krumhansl", "aarden", "temperley", "bellman"];

/// The rules of a tool.
const fn rules(tool: Tool) -> &'static [(&'static str, Rule)] {
    use Rule::{CountedBy, Echo, FileSize, Filled, FourProfiles, Is, Number, Positive, Text, True};
    match tool {
        Tool::ImportScore => &[
            ("status", Is("success")),
            ("score_id", Echo("")),
            ("num_notes", Positive),
            ("num_parts", Positive),
        ],
        Tool::ListScores => &[("status", Is("success")), ("scores", CountedBy("count"))],
        Tool::ScoreInfo => &[
            ("status", Is("success")),
            ("exists", True),
            ("score_id", Echo("")),
            ("num_notes", Positive),
            ("num_parts", Positive),
        ],
        Tool::KeyAnalysis => &[("status", Is("success")), ("key", Text), ("algorithm_results", FourProfiles)],
        Tool::ChordAnalysis => {
            &[("status", Is("success")), ("total_chords", Positive), ("chord_progression", Filled)]
        }
        Tool::HarmonyAnalysis => &[("status", Is("success")), ("roman_numerals", Filled)],
        Tool::ExportScore => &[
            ("status", Is("success")),
            ("format", Echo("musicxml")),
            ("file_path", Text),
            ("file_size", FileSize),
        ],
        Tool::DeleteScore => &[("status", Is("success")), ("deleted_count", Number)],
        Tool::HealthCheck => &[("status", Is("healthy"))],
    }
}

/// Checks an answer; the error names the field that is wrong.
pub(super) fn check(tool: Tool, arguments: &JsonObject, fields: &Fields<'_>) -> Result<(), String> {
    for (field, rule) in rules(tool) {
        let raw = fields.get(field).ok_or_else(|| format!("{tool} answered without '{field}'"))?;
        if !holds(*rule, field, raw.get(), arguments, fields) {
            let value: String = raw.get().chars().take(60).collect();
            return Err(format!("{tool} answered '{field}' = {value}"));
        }
    }
    Ok(())
}

fn holds(rule: Rule, field: &str, json: &str, arguments: &JsonObject, fields: &Fields<'_>) -> bool {
    let argument = |default| arguments.get(field).and_then(|value| value.as_str()).unwrap_or(default);
    match rule {
        Rule::Is(expected) => text(json).as_deref() == Some(expected),
        Rule::Echo(default) => text(json).as_deref() == Some(argument(default)),
        Rule::True => json == "true",
        Rule::Text => text(json).is_some_and(|text| !text.is_empty()),
        Rule::Number => read::<u64>(json).is_some(),
        Rule::Positive => read::<u64>(json).is_some_and(|number| number > 0),
        Rule::Filled => length(json).is_some_and(|length| length > 0),
        Rule::CountedBy(count) => {
            let count = fields.get(count).and_then(|raw| read::<usize>(raw.get()));
            count.is_some() && length(json) == count
        }
        Rule::FourProfiles => {
            let found: Option<BTreeMap<Cow<'_, str>, Profile>> = read(json);
            let named =
                |found: &BTreeMap<_, Profile>, name: &str| found.get(name).is_some_and(|p| !p.key.is_empty());
            found.is_some_and(|found| KEY_PROFILES.iter().all(|name| named(&found, name)))
        }
        Rule::FileSize => {
            let format = arguments.get("format").and_then(|value| value.as_str()).unwrap_or("musicxml");
            read::<u64>(json).is_some_and(|size| size >= smallest_file(format))
        }
    }
}

/// Bytes in the smallest file of a format that can hold a note.
fn smallest_file(format: &str) -> u64 {
    match format {
        // Declaration, score-partwise, part-list, one part with one measure.
        "musicxml" => 200,
        // Header chunk 14, track chunk head 8, end of track 4.
        "midi" => 26,
        // The four mandatory fields and a note need some 25; an object's name in angle brackets has 37 to 39.
        "abc" => 40,
        _ => 1,
    }
}

#[derive(Deserialize)]
struct Profile {
    key: String,
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// What a JSON string says, which was read as JSON before; `None` where it is none.
pub(super) fn text(json: &str) -> Option<Cow<'_, str>> {
    let escaped = json.strip_prefix('"')?.strip_suffix('"')?;
    // Without escapes that is the text.
    if memchr::memchr(b'\\', escaped.as_bytes()).is_none() {
        Some(Cow::Borrowed(escaped))
    } else {
        read(json).map(Cow::Owned)
    }
}

fn length(json: &str) -> Option<usize> {
    read::<Vec<IgnoredAny>>(json).map(|list| list.len())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is wrong with the answer once these fields are set (`null` removes one).
    fn verdict(tool: Tool, arguments: &Value, sound: &Value, changes: &Value) -> String {
        let mut answer = sound.clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(answer.as_object_mut().unwrap().remove(name)),
                value => answer[name] = value.clone(),
            }
        }
        let text = answer.to_string();
        let elided = Elided::of(&text);
        let checked = check(tool, arguments.as_object().unwrap(), &fields(&elided).unwrap());
        checked.err().unwrap_or_default()
    }

    #[test]
    fn a_sound_answer_passes_and_each_field_that_matters_is_missed() {
        let profile = json!({ "key": "C major", "confidence": 0.9 });
        let four =
            json!({ "krumhansl": profile, "aarden": profile, "temperley": profile, "bellman": profile });
        for (tool, sound) in [
            (
                Tool::ImportScore,
                json!({ "status": "success", "score_id": "a", "num_notes": 1, "num_parts": 1 }),
            ),
            (Tool::ListScores, json!({ "status": "success", "count": 1, "scores": [{}] })),
            (
                Tool::ScoreInfo,
                json!({ "status": "success", "exists": true, "score_id": "a", "num_notes": 1, "num_parts": 1 }),
            ),
            (Tool::KeyAnalysis, json!({ "status": "success", "key": "C major", "algorithm_results": four })),
            (
                Tool::ChordAnalysis,
                json!({ "status": "success", "total_chords": 1, "chord_progression": [{}] }),
            ),
            (Tool::HarmonyAnalysis, json!({ "status": "success", "roman_numerals": [{}] })),
            (
                Tool::ExportScore,
                json!({ "status": "success", "format": "abc", "file_path": "/a.abc", "file_size": 64 }),
            ),
            (Tool::DeleteScore, json!({ "status": "success", "deleted_count": 0 })),
            (Tool::HealthCheck, json!({ "status": "healthy" })),
        ] {
            let arguments = json!({ "score_id": "a", "format": "abc" });
            assert_eq!(verdict(tool, &arguments, &sound, &json!({})), "", "{tool}");
            for name in sound.as_object().unwrap().keys() {
                let missing = verdict(tool, &arguments, &sound, &json!({ name.as_str(): null }));
                assert!(!missing.is_empty(), "{tool} passes without {name}");
                let wrong = verdict(tool, &arguments, &sound, &json!({ name.as_str(): -1 }));
                assert!(!wrong.is_empty(), "{tool} passes with {name} = -1");
            }
        }
    }

    #[test]
    fn of_two_fields_with_one_name_the_last_counts() {
        let elided = Elided::of(r#"{"status": "error", "key": 1, "status": "success"}"#);
        let fields = fields(&elided).unwrap();
        assert_eq!(fields.get("status").map(Json::get), Some("\"success\""));
        assert!(fields.get("stat").is_none());
    }

    #[test]
    fn a_long_value_is_compared_whole() {
        let long = |middle: &str| format!("{}{middle}{}", "x".repeat(50_000), "x".repeat(50_000));
        let import = json!({ "status": "success", "score_id": long("a"), "num_notes": 1, "num_parts": 1 });
        let arguments = json!({ "score_id": long("a") });
        assert_eq!(verdict(Tool::ImportScore, &arguments, &import, &json!({})), "");
        let other = verdict(Tool::ImportScore, &arguments, &import, &json!({ "score_id": long("b") }));
        assert!(other.starts_with("import_score answered 'score_id'"), "{other}");
    }

    #[test]
    fn an_answer_to_another_call_and_an_empty_success_are_wrong() {
        let key = json!({ "status": "success", "key": "C major", "algorithm_results": {} });
        assert_eq!(
            verdict(Tool::KeyAnalysis, &json!({}), &key, &json!({})),
            "key_analysis answered 'algorithm_results' = {}"
        );
        let import = json!({ "status": "success", "score_id": "b", "num_notes": 1, "num_parts": 1 });
        let other = verdict(Tool::ImportScore, &json!({ "score_id": "a" }), &import, &json!({}));
        assert_eq!(other, "import_score answered 'score_id' = \"b\"");
        let export = json!({ "status": "success", "format": "abc", "file_path": "/a.abc", "file_size": 39 });
        let object_name = verdict(Tool::ExportScore, &json!({ "format": "abc" }), &export, &json!({}));
        assert_eq!(object_name, "export_score answered 'file_size' = 39");
        let musicxml = json!({ "format": "musicxml", "file_size": 5000 });
        assert_eq!(verdict(Tool::ExportScore, &json!({}), &export, &musicxml), "", "musicxml is the default");
    }
}
