//! Answers that end well by the protocol and read like failures. Of a tool without rules only its user knows which they
//! are.

use std::borrow::Cow;

use serde_json::Value;

use super::answer::{Fields, Json};
use super::expect::one_line;

/// Fields that say whether a call failed.
const TELLING: [&str; 11] = [
    "error",
    "errors",
    "exception",
    "success",
    "ok",
    "isError",
    "failed",
    "status",
    "status_code",
    "statusCode",
    "state",
];
/// A failure is told in fewer bytes than this; what is longer is an answer.
const LONGEST: usize = 16 * 1024;
/// How far into a text the words that a failure begins with are looked for, in characters.
const HEAD: usize = 120;
/// A text of up to so many characters is all message, and may tell the failure anywhere in it.
const SHORT: usize = 200;

/// Words that begin a failure.
const BEGINNINGS: [&str; 30] = [
    "access denied",
    "an error",
    "bad request",
    "can't",
    "cannot",
    "could not",
    "couldn't",
    "error",
    "exception",
    "fail",
    "failed",
    "failure",
    "fatal",
    "forbidden",
    "i am sorry",
    "i'm sorry",
    "input validation",
    "internal server error",
    "invalid",
    "missing required",
    "not found",
    "permission denied",
    "something went wrong",
    "sorry",
    "traceback",
    "unable to",
    "unauthorized",
    "unexpected error",
    "unfortunately",
    "unknown tool",
];
/// Words that tell a failure anywhere in a short text.
const ANYWHERE: [&str; 14] = [
    "access denied",
    "an error occurred",
    "api key",
    "does not exist",
    "doesn't exist",
    "failed to",
    "failed with",
    "is not allowed",
    "no such ",
    "not authenticated",
    "not configured",
    "not found",
    "permission denied",
    "timed out",
];
/// Values of a `status` field.
const BAD_STATUS: [&str; 12] = [
    "denied",
    "error",
    "exception",
    "fail",
    "failed",
    "failure",
    "forbidden",
    "invalid",
    "not_found",
    "rejected",
    "timeout",
    "unauthorized",
];

/// Why an answer may be a failure, as a fragment on one line; `None` where nothing speaks for one. `rest` are its texts
/// but the first, whose fields these are.
pub(super) fn of(text: &str, rest: &[String], fields: Option<&Fields<'_>>) -> Option<String> {
    if std::iter::once(text).chain(rest.iter().map(String::as_str)).all(is_blank) {
        return Some(EMPTY.to_owned());
    }
    let by_fields = fields.and_then(of_fields);
    by_fields.or_else(|| of_text(text)).or_else(|| rest.iter().find_map(|part| of_text(part)))
}

/// Said of an answer that holds nothing.
pub(super) const EMPTY: &str = "the answer is empty";

fn is_blank(text: &str) -> bool {
    matches!(text.trim(), "" | "null" | "None" | "undefined" | "\"\"")
}

fn of_text(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim_start();
    match text.as_bytes().first()? {
        b'{' => of_fields(&serde_json::from_str(text).ok()?),
        b'[' => serde_json::from_str::<Vec<Fields<'_>>>(text).ok()?.first().and_then(of_fields),
        b'"' => {
            let inner: Cow<'_, str> = serde_json::from_str(text).ok()?;
            reads_like_failure(&inner).then(|| quoted(&inner))
        }
        _ => reads_like_failure(text).then(|| quoted(text)),
    }
}

fn quoted(text: &str) -> String {
    let line: String = one_line(text).chars().take(HEAD).collect();
    format!("the answer reads '{line}'")
}

fn of_fields(fields: &Fields<'_>) -> Option<String> {
    if let Some(inner) = fields.get("result").filter(|_| fields.len() == 1) {
        return of_text(inner.get());
    }
    let bad = |name| Some((name, fields.get(name).filter(|raw| is_bad(name, *raw))?));
    let found = TELLING.into_iter().find_map(bad);
    let by_field = found.map(|(name, raw)| {
        let value: String = one_line(raw.get()).chars().take(HEAD).collect();
        format!("the answer says '{name}': {value}")
    });
    by_field.or_else(|| {
        // JSON-RPC's own error object, handed on.
        let code: i64 = fields.get("code")?.get().parse().ok()?;
        (code < 0 && fields.get("message").is_some()).then(|| format!("the answer says 'code': {code}"))
    })
}

fn is_bad(name: &str, raw: Json<'_>) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(raw.get()) else { return false };
    match name {
        "error" | "errors" | "exception" => match value {
            Value::Null | Value::Bool(false) => false,
            Value::Bool(true) => true,
            Value::String(text) => !text.is_empty() && text != "none" && text != "None",
            Value::Number(number) => number.as_i64() != Some(0),
            Value::Array(list) => !list.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        },
        "success" | "ok" => value == Value::Bool(false) || value == "false",
        "isError" | "failed" => value == Value::Bool(true),
        _ => match &value {
            Value::String(text) => {
                let word = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
                BAD_STATUS.contains(&word.as_str()) || word.parse().is_ok_and(is_http_error)
            }
            Value::Number(number) => number.as_u64().is_some_and(is_http_error),
            _ => false,
        },
    }
}

fn is_http_error(status: u64) -> bool {
    (400..600).contains(&status)
}

fn reads_like_failure(text: &str) -> bool {
    let text = text.trim();
    if text.starts_with(['❌', '⛔', '🚫', '✗', '✖', '⚠']) {
        return true;
    }
    let words = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let head: String = words.chars().take(HEAD).flat_map(char::to_lowercase).collect();
    let begins = |beginning: &str| {
        head.strip_prefix(beginning).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    if BEGINNINGS.iter().any(|beginning| begins(beginning))
        || names_an_error(words)
        || begins_with_status(&head)
    {
        return true;
    }
    let is_short = text.chars().nth(SHORT).is_none();
    let whole = text.to_lowercase();
    is_short && ANYWHERE.iter().any(|told| whole.contains(told))
}

/// `ValueError: …`, `Search failed: …`, `java.io.IOException: …`, `ENOENT: …`.
fn names_an_error(words: &str) -> bool {
    let Some((name, _)) = words.lines().next().and_then(|line| line.split_once(':')) else { return false };
    if name.chars().count() > HEAD / 2 {
        return false;
    }
    let is_code =
        name.len() > 4 && name.starts_with('E') && name.bytes().all(|byte| byte.is_ascii_uppercase());
    let lower = name.to_lowercase();
    is_code
        || ["error", "exception", "failed", "failure"].iter().any(|end| lower.trim_end().ends_with(end))
        || lower.contains(" error ")
}

/// `404 Not Found`, `HTTP 500: …`, `status code 403`.
fn begins_with_status(head: &str) -> bool {
    let known = ["http/1.1 ", "http ", "status code ", "status "];
    let rest = known.iter().find_map(|word| head.strip_prefix(word));
    let digits: String = rest.unwrap_or(head).chars().take_while(char::is_ascii_digit).collect();
    let after = &rest.unwrap_or(head)[digits.len()..];
    let names_it = rest.is_some() || after.trim_start().starts_with(|c: char| c.is_alphabetic());
    digits.len() == 3
        && names_it
        && digits.parse().is_ok_and(is_http_error)
        && is_reason(after, rest.is_some())
}

/// Behind a bare number, a reason of HTTP's: else it may count things.
fn is_reason(after: &str, is_named: bool) -> bool {
    let reasons = [
        "bad ",
        "unauthorized",
        "forbidden",
        "not ",
        "internal",
        "service",
        "gateway",
        "too many",
        "conflict",
    ];
    is_named || reasons.iter().any(|reason| after.trim_start_matches([' ', ':', '-']).starts_with(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(text: &str) -> Option<String> {
        let fields: Option<Fields<'_>> = serde_json::from_str(text).ok();
        of(text, &[], fields.as_ref())
    }

    #[test]
    fn what_begins_as_errors_do_is_doubtful() {
        for text in [
            "Error: no API key",
            "**Error** while searching",
            "❌ nothing there",
            "Error executing tool add: boom",
            "MCP error -32602: Invalid arguments",
            "ValueError: x",
            "java.io.IOException: closed",
            "ENOENT: no such file or directory",
            "Search failed: quota",
            "Traceback (most recent call last):\n  File",
            "404 Not Found",
            "HTTP 503: try later",
            "Request failed with status code 401",
            "Entity 'x' not found",
            "Unable to read it",
            "I'm sorry, there is no such page",
            "Unfortunately the server is busy",
            "\"Error: quoted\"",
            "[{\"error\": \"x\"}]",
            "{\"result\": \"Error: x\"}",
            "{\"result\": {\"success\": false}}",
            "{\"error\": {\"code\": 1}}",
            "{\"success\": false, \"data\": null}",
            "{\"ok\": false}",
            "{\"status\": \"Failed\"}",
            "{\"status\": 404}",
            "{\"statusCode\": \"500\"}",
            "{\"code\": -32602, \"message\": \"x\"}",
            "",
            " \n",
            "null",
            "None",
            "undefined",
        ] {
            assert!(doubt(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_is_none() {
        for text in [
            "fine",
            "Errors are a part of life, and so on",
            "12 files",
            "404 files were copied",
            "No matches",
            "Nonetheless",
            "Invalidated 3 entries",
            "The key is C major: the error of the estimate is 0.1",
            "{\"error\": null, \"ok\": true}",
            "{\"errors\": [], \"status\": \"ok\"}",
            "{\"status\": 200}",
            "{\"code\": 0, \"message\": \"x\"}",
            "[]",
            "{}",
            "2026-11-24T12:00:00Z",
        ] {
            assert_eq!(doubt(text), None, "{text:?}");
        }
    }

    #[test]
    fn all_texts_are_looked_at_and_what_was_found_is_quoted() {
        let rest = ["{\"success\": false}".to_owned()];
        assert_eq!(of("done", &rest, None).unwrap(), "the answer says 'success': false");
        assert_eq!(doubt("Error:\n no").unwrap(), "the answer reads 'Error: no'");
        assert_eq!(of("", &["image".to_owned()], None), None);
    }
}
