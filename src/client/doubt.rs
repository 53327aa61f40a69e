//! Answers that end well by the protocol and read like failures. Of a tool without rules only its user knows which they
//! are.

use std::borrow::Cow;

use serde_json::Value;

use super::answer::{Fields, Json};
use super::expect::one_line;
use super::failure_text::{is_http_error, reads_like_failure};

/// How a field says whether a call failed, by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Telling {
    /// It failed if there is something in it.
    Filled,
    /// It failed if this is not true.
    Success,
    /// It failed if this is.
    Failure,
    /// A word or a number of HTTP's.
    Status,
}

/// Fields with a text for people.
const MESSAGES: [&str; 4] = ["message", "detail", "msg", "reason"];
/// How much of an answer is quoted, in characters.
const QUOTED: usize = 120;
/// A failure is told in fewer bytes than this; what is longer is an answer.
const LONGEST: usize = 16 * 1024;
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
        b'[' => serde_json::from_str::<Vec<Fields<'_>>>(text).ok()?.first().and_then(of_telling),
        b'"' => {
            let inner: Cow<'_, str> = serde_json::from_str(text).ok()?;
            reads_like_failure(&inner).then(|| quoted(&inner))
        }
        _ => reads_like_failure(text).then(|| quoted(text)),
    }
}

fn quoted(text: &str) -> String {
    let line: String = one_line(text).chars().take(QUOTED).collect();
    format!("the answer reads '{line}'")
}

fn of_fields(fields: &Fields<'_>) -> Option<String> {
    if let Some(inner) = fields.get("result").filter(|_| fields.len() == 1) {
        return of_text(inner.get());
    }
    of_telling(fields).or_else(|| of_message(fields))
}

/// By the fields that say it, the plainest first.
fn of_telling(fields: &Fields<'_>) -> Option<String> {
    let telling = fields.iter().filter_map(|(name, raw)| Some((telling(name)?, name, raw)));
    let bad = telling.filter(|(telling, _, raw)| is_bad(*telling, *raw));
    let Some((_, name, raw)) = bad.min_by_key(|(telling, ..)| *telling) else { return of_code(fields) };
    let value: String = one_line(raw.get()).chars().take(QUOTED).collect();
    Some(format!("the answer says '{name}': {value}"))
}

/// By a text for people, where the answer is hardly more than that and no field says how the call went.
fn of_message(fields: &Fields<'_>) -> Option<String> {
    if fields.len() > 3 || fields.iter().any(|(name, _)| telling(name).is_some()) {
        return None;
    }
    MESSAGES.into_iter().find_map(|name| of_text(fields.get(name)?.get()))
}

/// JSON-RPC's own error object, handed on, or HTTP's.
fn of_code(fields: &Fields<'_>) -> Option<String> {
    let code: i64 = fields.get("code")?.get().parse().ok()?;
    let is_error = code < 0 || u64::try_from(code).is_ok_and(is_http_error);
    (is_error && fields.get("message").is_some()).then(|| format!("the answer says 'code': {code}"))
}

fn telling(name: &str) -> Option<Telling> {
    if name.len() > 16 {
        return None;
    }
    let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    Some(match word.to_ascii_lowercase().as_str() {
        "error" | "errors" | "err" | "exception" | "errorcode" | "errormessage" | "errormsg" => {
            Telling::Filled
        }
        "success" | "successful" | "succeeded" | "ok" => Telling::Success,
        "iserror" | "haserror" | "failed" => Telling::Failure,
        "status" | "statuscode" | "httpstatus" | "state" => Telling::Status,
        _ => return None,
    })
}

fn is_bad(telling: Telling, raw: Json<'_>) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(raw.get()) else { return false };
    match telling {
        Telling::Filled => match value {
            Value::Null | Value::Bool(false) => false,
            Value::Bool(true) => true,
            Value::String(text) => !text.is_empty() && text != "none" && text != "None",
            Value::Number(number) => number.as_i64() != Some(0),
            Value::Array(list) => !list.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        },
        Telling::Success => value == Value::Bool(false) || value == "false",
        Telling::Failure => value == Value::Bool(true),
        Telling::Status => match &value {
            Value::String(text) => {
                let word = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
                BAD_STATUS.contains(&word.as_str()) || word.parse().is_ok_and(is_http_error)
            }
            Value::Number(number) => number.as_u64().is_some_and(is_http_error),
            _ => false,
        },
    }
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
            "{\"code\": 500, \"message\": \"x\"}",
            "{\"errorMessage\": \"x\"}",
            "{\"error_code\": 17}",
            "{\"detail\": \"Not Found\"}",
            "{\"message\": \"Not Found\", \"documentation_url\": \"x\"}",
            "<html><head><title>502 Bad Gateway</title></head></html>",
            "<error>x</error>",
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
            "{\"ok\": true, \"message\": \"Cannot be better\"}",
            "{\"message\": \"2 files\"}",
            "[{\"message\": \"Failed login\"}]",
            "{\"id\": 1, \"author\": \"x\", \"date\": 2, \"message\": \"Fail early\"}",
            "<html><title>Error handling, a guide</title></html>",
            "<note>fine</note>",
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
