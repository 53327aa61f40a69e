//! Headers that a user adds to every request over HTTP: logins, tenants.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Words of a value that name where it is to be found, so that no secret stands in a command line or a file.
const FROM_ENVIRONMENT: &str = "env:";
const FROM_FILE: &str = "file:";

/// Why a header cannot be sent: one line that does not quote its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HeaderError(String);

/// Reads headers as a user writes them, `Name: value`. A word `env:NAME` of a value stands for that variable of the
/// environment, `file:PATH` for what is in that file, without the white space around it. Of one name the last counts.
///
/// ```
/// # use music21_mcp_bench::client::headers;
/// let headers = headers(["X-Tenant: tests"])?;
/// assert_eq!(headers["x-tenant"], "tests");
/// # Ok::<(), music21_mcp_bench::client::HeaderError>(())
/// ```
///
/// # Errors
///
/// Where one is no header, belongs to the protocol, or names what is not there.
pub fn headers<'a>(written: impl IntoIterator<Item = &'a str>) -> Result<HeaderMap, HeaderError> {
    let mut all = HeaderMap::new();
    for text in written {
        let (name, value) = one(text)?;
        all.insert(name, value);
    }
    Ok(all)
}

/// A header as it may be shown: where its value does not say where it is found, it may be a secret.
#[must_use]
pub fn without_value(text: &str) -> String {
    let Some((name, value)) = text.split_once(':') else { return "…".to_owned() };
    let is_reference = |word: &str| word.starts_with(FROM_ENVIRONMENT) || word.starts_with(FROM_FILE);
    if value.split_whitespace().any(is_reference) { text.to_owned() } else { format!("{}: …", name.trim()) }
}

fn one(text: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
    let no_header = || {
        HeaderError("a header is written 'Name: value', such as 'Authorization: Bearer env:TOKEN'".to_owned())
    };
    let (name, value) = text.split_once(':').ok_or_else(no_header)?;
    let shown = name.trim();
    let fail = |why: &str| HeaderError(format!("the header '{shown}' {why}"));
    let name: HeaderName = shown.parse().map_err(|_| fail("has a name that HTTP does not allow"))?;
    if belongs_to_the_protocol(&name) {
        return Err(fail("is set by the client itself; leave it out"));
    }
    let words: Result<Vec<String>, HeaderError> =
        value.split_whitespace().map(|word| found(word, shown)).collect();
    let mut value =
        HeaderValue::from_str(&words?.join(" ")).map_err(|_| fail("has a value that HTTP does not allow"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn belongs_to_the_protocol(name: &HeaderName) -> bool {
    let of_http = [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::ACCEPT,
        header::ACCEPT_ENCODING,
    ];
    of_http.contains(name) || name.as_str().starts_with("mcp-")
}

/// A word of a value, or what it stands for.
fn found(word: &str, header: &str) -> Result<String, HeaderError> {
    if let Some(variable) = word.strip_prefix(FROM_ENVIRONMENT) {
        let missing =
            |_| HeaderError(format!("the variable '{variable}' of the header '{header}' is not set"));
        return std::env::var(variable).map_err(missing);
    }
    let Some(path) = word.strip_prefix(FROM_FILE) else { return Ok(word.to_owned()) };
    let text = std::fs::read_to_string(Path::new(path));
    let unread = |error| HeaderError(format!("failed to read '{path}' of the header '{header}': {error}"));
    text.map(|text| text.trim().to_owned()).map_err(unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_from_the_command_line_the_environment_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let written = format!("Authorization: Bearer file:{}", file.path().display());
        let found = headers([written.as_str(), "x-home:env:HOME", "X-A: 1", "x-a: b  c"]).unwrap();
        assert_eq!(found["authorization"], "Bearer s3cret");
        assert_eq!(found["x-home"], std::env::var("HOME").unwrap().as_str());
        assert_eq!(found["x-a"], "b c");
        assert!(!format!("{found:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_no_header_says_why_without_its_value() {
        for (text, expected) in [
            ("Bearer s3cret", "a header is written 'Name: value', such as 'Authorization: Bearer env:TOKEN'"),
            ("my name: s3cret", "the header 'my name' has a name that HTTP does not allow"),
            ("X: s3cret\u{7}", "the header 'X' has a value that HTTP does not allow"),
            (
                "Mcp-Session-Id: s3cret",
                "the header 'Mcp-Session-Id' is set by the client itself; leave it out",
            ),
            (
                "Accept-Encoding: gzip",
                "the header 'Accept-Encoding' is set by the client itself; leave it out",
            ),
            ("X: env:NO_SUCH_VARIABLE", "the variable 'NO_SUCH_VARIABLE' of the header 'X' is not set"),
        ] {
            assert_eq!(headers([text]).unwrap_err().to_string(), expected);
        }
        let missing = headers(["X: file:no-such-file"]).unwrap_err().to_string();
        assert!(missing.starts_with("failed to read 'no-such-file' of the header 'X'"), "{missing}");
    }

    #[test]
    fn values_that_may_be_secrets_are_not_shown() {
        assert_eq!(without_value("Authorization: Bearer s3cret"), "Authorization: …");
        assert_eq!(without_value("Authorization: Bearer env:TOKEN"), "Authorization: Bearer env:TOKEN");
        assert_eq!(without_value("s3cret"), "…");
    }
}
