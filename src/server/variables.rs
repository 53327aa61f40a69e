//! Variables before a server's command line, and values in the query of its URL: they may be secrets, and may stay in the
//! environment.

use std::convert::Infallible;

use super::SpecError;
use super::spec::scheme_and_rest;
use crate::client::{with_query_values, without_secrets};

/// A value that names where it is found.
const FROM_ENVIRONMENT: &str = "env:";
/// Parts of the names that secrets usually have.
const SECRET: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "KEY"];

/// `NAME=value`, as a shell takes it before a command.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let named = !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(plain);
    named.then_some((name, value))
}

/// A value, or what stands in the variable of the environment that it names.
///
/// # Errors
///
/// Where that is not set.
pub(super) fn found(name: &str, value: &str) -> Result<String, SpecError> {
    let Some(variable) = value.strip_prefix(FROM_ENVIRONMENT) else { return Ok(value.to_owned()) };
    std::env::var(variable).map_err(|_| {
        SpecError(format!("the variable '{variable}', which {name} takes its value from, is not set"))
    })
}

/// A command line without the values of its variables, however it is quoted.
pub(super) fn masked(text: &str) -> String {
    let shown = |word: &str| match assignment(word) {
        Some((name, _)) => format!("{name}=…"),
        None if word.contains("://") => without_secrets(word),
        None => word.to_owned(),
    };
    text.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

/// The variable of the environment that a value which may be a secret by its name is left in; `None` for any other value.
fn variable_for(name: &str, value: &str) -> Option<String> {
    let as_variable = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let variable: String = name.chars().map(as_variable).collect();
    let is_secret = !value.starts_with(FROM_ENVIRONMENT) && SECRET.iter().any(|part| variable.contains(part));
    is_secret.then_some(variable)
}

fn url_with_references(url: &str) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let Ok(text) = with_query_values(url, |name, value| {
        let Some(variable) = variable_for(name, value) else { return Ok::<_, Infallible>(value.to_owned()) };
        names.push(variable.clone());
        Ok(format!("{FROM_ENVIRONMENT}{variable}"))
    });
    (text, names)
}

/// A server for a file that is kept, as a user writes it: a value that may be a secret by its name is looked up in the
/// environment when the file is used. The names of these variables come with it.
#[must_use]
pub fn with_references(text: &str) -> (String, Vec<String>) {
    if scheme_and_rest(text).is_some() {
        return url_with_references(text);
    }
    let mut names = Vec::new();
    let Some(words) = shlex::split(text) else { return (text.to_owned(), names) };
    let begins = words.iter().position(|word| assignment(word).is_none()).unwrap_or(words.len());
    let mut kept: Vec<String> = words[..begins].to_vec();
    for word in &mut kept {
        let Some((name, value)) = assignment(word) else { continue };
        if variable_for(name, value).is_some() {
            names.push(name.to_owned());
            *word = format!("{name}={FROM_ENVIRONMENT}{name}");
        }
    }
    if names.is_empty() {
        return (text.to_owned(), names);
    }
    kept.extend_from_slice(&words[begins..]);
    let quoted = kept.iter().map(|word| {
        // OK because no word of a command line holds a NUL. What is before the sign of an assignment needs no quotes.
        let quote = |part: &str| {
            shlex::try_quote(part).map_or_else(|_| part.to_owned(), std::borrow::Cow::into_owned)
        };
        match assignment(word) {
            Some((name, value)) => format!("{name}={}", quote(value)),
            None => quote(word),
        }
    });
    (quoted.collect::<Vec<_>>().join(" "), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stays_in_the_environment_and_other_values_in_the_file() {
        let (text, names) = with_references("PYTHONPATH='a b' API_TOKEN=s3cret run --x 'y z'");
        assert_eq!(text, "PYTHONPATH='a b' API_TOKEN=env:API_TOKEN run --x 'y z'");
        assert_eq!(names, ["API_TOKEN"]);
        for same in ["run  it", "A=1 run", "TOKEN=env:T run", "run 'x", "http://x/mcp?a=1&key=env:K"] {
            assert_eq!(with_references(same), (same.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn a_key_in_a_url_stays_in_the_environment() {
        let (text, names) = with_references("HTTP://x/mcp?a=1&api-key=s3cret&flag");
        assert_eq!(text, "HTTP://x/mcp?a=1&api-key=env:API_KEY&flag");
        assert_eq!(names, ["API_KEY"]);
    }

    #[test]
    fn a_value_may_stand_in_the_environment() {
        assert_eq!(found("A", "env").unwrap(), "env");
        assert_eq!(found("A", "env:PATH").unwrap(), std::env::var("PATH").unwrap());
        let error = found("A", "env:NO_SUCH_VARIABLE").unwrap_err().to_string();
        assert_eq!(error, "the variable 'NO_SUCH_VARIABLE', which A takes its value from, is not set");
    }

    #[test]
    fn what_cannot_be_split_is_masked_too() {
        assert_eq!(masked("KEY=s3cret run 'x"), "KEY=… run 'x");
    }
}
