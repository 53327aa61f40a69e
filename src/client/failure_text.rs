//! Texts that read like failures, by the words of those who write servers.

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
/// Whether people would take a text for the report of a failure: by how it begins or, where it is short, by what it says.
pub(super) fn reads_like_failure(text: &str) -> bool {
    let text = text.trim();
    if let Some(title) = title(text) {
        return begins_with_status(&title.to_lowercase());
    }
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

/// The title of a page of HTML, which may be about errors.
fn title(text: &str) -> Option<&str> {
    let (_, rest) = text.strip_prefix('<')?.split_once("<title>")?;
    Some(rest.split_once('<')?.0.trim())
}

/// Whether it is a status of HTTP that says so.
pub(super) fn is_http_error(status: u64) -> bool {
    (400..600).contains(&status)
}
