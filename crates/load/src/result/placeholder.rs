//! What stands in double braces in a step's texts.

use anyhow::bail;
use serde_json::Value;

use crate::result::{ScoreFile, Step};

/// Those that there are; a colon is followed by something of the user's.
const KNOWN: [&str; 6] = ["client", "iteration", "nonce", "by-client:", "score:", "open"];

/// Braces that begin no placeholder, as a step says them.
pub(crate) fn literally(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("{{") => *text = text.replace("{{", "{{open}}"),
        Value::Array(values) => values.iter_mut().for_each(literally),
        Value::Object(fields) => fields.values_mut().for_each(literally),
        _ => {}
    }
}

/// # Errors
///
/// Where one is not closed, or is none, or names no score: it would be sent to the server as it is.
pub(super) fn check(step: &Step, scores: &[ScoreFile]) -> anyhow::Result<()> {
    let mut texts: Vec<&str> = step.expect.iter().chain(&step.expect_not).map(String::as_str).collect();
    step.arguments.values().for_each(|value| collect(value, &mut texts));
    for rest in texts.into_iter().flat_map(|text| text.split("{{").skip(1)) {
        let Some((name, _)) = rest.split_once("}}") else {
            bail!("{}: `{{{{{rest}` is not closed; write `}}}}` behind its name", step.name());
        };
        if let Some(score) = name.strip_prefix("score:") {
            if !scores.iter().any(|known| known.name == score) {
                bail!("{}: {{{{{name}}}}} is none of its `scores`", step.name());
            }
        } else if !KNOWN.iter().any(|known| is(name, known)) {
            bail!(
                "{}: `{{{{{name}}}}}` is no placeholder; did you mean `{{{{{}}}}}`?",
                step.name(),
                nearest(name)
            );
        }
    }
    Ok(())
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

fn is(name: &str, known: &str) -> bool {
    if known.ends_with(':') { name.starts_with(known) } else { name == known }
}

/// The known one that is most like it, with what the user wrote behind its colon.
fn nearest(name: &str) -> String {
    let (word, rest) = name.split_once(':').map_or((name, None), |(word, rest)| (word, Some(rest)));
    let likeness = |known: &&&str| (strsim::jaro_winkler(word, known.trim_end_matches(':')) * 1e6) as u64;
    let known = KNOWN.iter().max_by_key(likeness).unwrap_or(&KNOWN[0]);
    match (known.ends_with(':'), rest) {
        (true, rest) => format!("{known}{}", rest.unwrap_or("NAME")),
        (false, _) => (*known).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(argument: &Value) -> String {
        let scores = [ScoreFile { name: "a".to_owned(), parts: 1, measures: 1 }];
        let checked = check(&Step::call("t", json!({ "deep": [argument] })), &scores);
        checked.map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn what_would_be_sent_as_it_is_is_refused_with_what_was_meant() {
        for (argument, expected) in [
            ("s-{{nonce}} {{client}} {{iteration}} {{by-client:x|y}} {{score:a}}", "fine"),
            ("{ a: { b } }", "fine"),
            ("{{open}}name}}", "fine"),
            ("{{scores:a}}", "t: `{{scores:a}}` is no placeholder; did you mean `{{score:a}}`?"),
            ("{{nonsense}}", "t: `{{nonsense}}` is no placeholder; did you mean `{{nonce}}`?"),
            ("{{by_client:x}}", "t: `{{by_client:x}}` is no placeholder; did you mean `{{by-client:x}}`?"),
            ("x {{nonce", "t: `{{nonce` is not closed; write `}}` behind its name"),
            ("{{score:b}}", "t: {{score:b}} is none of its `scores`"),
        ] {
            assert_eq!(said(&json!(argument)), expected);
        }
    }
}
