//! Calls as TOML with what is known of them in comments. Every value stands on one line, so that a line can be commented out.

use serde_json::Value;

use super::argument::{Argument, Arguments};
use crate::wrap::{comment, cut};

/// Characters of a description.
const DESCRIPTION: usize = 300;

/// One call of a flow.
pub(super) struct Call<'a> {
    pub(super) tool: &'a str,
    pub(super) arguments: &'a Arguments,
    /// It cleans up.
    pub(super) is_last: bool,
    /// Its arguments are explained.
    pub(super) is_new: bool,
    /// What the tool answered when it was tried.
    pub(super) answer: Option<&'a str>,
}

/// A flow with what is said of it.
pub(super) fn flow(about: &str, calls: &[Call<'_>]) -> String {
    let mut text = String::new();
    if !about.trim().is_empty() {
        comment(&mut text, 0, &cut(about, DESCRIPTION));
    }
    text += "[[stages.workload.flows]]\n";
    calls.iter().for_each(|call| call.write(&mut text));
    text
}

/// The same as comments. Without the first two characters of each line it is what it was.
pub(super) fn commented_out(text: &str) -> String {
    text.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

impl Call<'_> {
    fn write(&self, text: &mut String) {
        *text += &format!("\n[[stages.workload.flows.steps]]\ntool = {}\n", quoted(self.tool));
        if self.is_last {
            *text += "always = true\n";
        }
        if let Some(answer) = self.answer {
            comment(text, 0, answer);
        }
        let written: Vec<&Argument> =
            self.arguments.all.iter().filter(|argument| self.is_new || argument.is_required).collect();
        if let Some(why) = &self.arguments.failure {
            comment(text, 0, &format!("edit me: {why}"));
        }
        if !written.is_empty() {
            *text += "\n[stages.workload.flows.steps.arguments]\n";
            written.into_iter().for_each(|argument| argument.write(self.is_new, text));
        }
    }
}

impl Argument {
    fn write(&self, is_new: bool, text: &mut String) {
        if is_new {
            let optional = if self.is_required { "" } else { "Optional. " };
            comment(text, 0, &cut(&format!("{optional}{}", self.about), DESCRIPTION));
        }
        if let Err(why) = &self.value {
            comment(text, 0, &format!("edit me: {why}"));
        }
        let value = self.value.as_ref().map_or_else(|_| quoted(super::text::EDIT_ME), inline);
        let line = format!("{} = {value}\n", key(&self.name));
        *text += &if self.is_required { line } else { commented_out(&line) };
    }
}

/// A value on one line. It holds no null: that is what values are made without.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let members = map.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        // JSON's numbers are TOML's.
        other => other.to_string(),
    }
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML, whose escapes are JSON's but for one character that JSON leaves as it is.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_number_and_key_is_read_again() {
        let odd = "a\"b\\c\n\t\r\u{0}\u{1b}\u{7f}'''😀#";
        let value =
            json!({ odd: [odd, -1, 1.5, 1e300, 1e-7, i64::MAX, true, {}, { "a.b c": [[]] }], "": 0.1 });
        let line = format!("value = {}", inline(&value));
        assert_eq!(line.lines().count(), 1);
        let read: Value = toml::from_str(&line).unwrap();
        assert_eq!(read["value"], value);
        let read: Value = toml::from_str(&format!("{} = 1", key(odd))).unwrap();
        assert_eq!(read, json!({ odd: 1 }));
    }

    #[test]
    fn what_is_commented_out_comes_back() {
        let text = "# about\n[[a]]\n\nb = 1\n";
        let out = commented_out(text);
        assert_eq!(out, "# # about\n# [[a]]\n#\n# b = 1\n");
        let back: String =
            out.lines().map(|line| format!("{}\n", line.get(2..).unwrap_or_default())).collect();
        assert_eq!(back, text);
    }
}
