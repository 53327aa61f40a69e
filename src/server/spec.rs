//! What to measure, as a user writes it: nothing, `embedded`, a URL, or a command line.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use crate::client::ServerCommand;

/// The variable that names the server for benches.
const SERVER_VARIABLE: &str = "MUSIC21_MCP_SERVER";

/// Which server is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerSpec {
    /// The embedded server, in this process.
    Embedded,
    /// A command that serves stdio; each session is a process of its own.
    Command(ServerCommand),
    /// A streamable HTTP server that runs already.
    Url(String),
}

/// A server specification that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A quote is opened and never closed.
    #[error("the command line '{0}' has an unclosed quote; close it or escape it with a backslash")]
    UnclosedQuote(String),
    /// Only `NAME=value` words.
    #[error("the command line '{0}' sets variables and runs nothing; add the command")]
    NoProgram(String),
    /// A URL of a scheme this tool does not speak.
    #[error(
        "'{0}' cannot be reached: only http:// is supported; use the server's plain port or a local proxy"
    )]
    Scheme(String),
}

impl ServerSpec {
    /// The server named by `MUSIC21_MCP_SERVER`; the embedded one where it is not set.
    ///
    /// # Errors
    ///
    /// Where the variable's text is no specification.
    pub fn from_environment() -> Result<Self, SpecError> {
        std::env::var(SERVER_VARIABLE).unwrap_or_default().parse()
    }

    /// What the user named, on one line; `None` for the embedded server.
    #[must_use]
    pub fn named(&self) -> Option<String> {
        (*self != Self::Embedded).then(|| self.to_string())
    }

    /// How its sessions travel, in one word for records.
    #[must_use]
    pub const fn transport(&self) -> &'static str {
        match self {
            Self::Embedded => "in-process",
            Self::Command(_) => "stdio",
            Self::Url(_) => "http",
        }
    }
}

impl FromStr for ServerSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        if text.is_empty() || text == "embedded" {
            return Ok(Self::Embedded);
        }
        if text.starts_with("http://") {
            return Ok(Self::Url(text.to_owned()));
        }
        if text.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))
        {
            return Err(SpecError::Scheme(text.to_owned()));
        }
        let mut words =
            split_words(text).ok_or_else(|| SpecError::UnclosedQuote(text.to_owned()))?.into_iter();
        let mut env = Vec::new();
        for word in words.by_ref() {
            match assignment(&word) {
                Some((name, value)) => env.push((name.into(), value.into())),
                None => {
                    let args = words.map(OsString::from).collect();
                    return Ok(Self::Command(ServerCommand {
                        program: word.into(),
                        args,
                        env,
                        directory: None,
                    }));
                }
            }
        }
        Err(SpecError::NoProgram(text.to_owned()))
    }
}

impl fmt::Display for ServerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("the embedded server"),
            Self::Url(url) => f.write_str(url),
            Self::Command(ServerCommand { program, args, .. }) => {
                write!(f, "{}", program.display())?;
                args.iter().try_for_each(|arg| write!(f, " {}", arg.display()))
            }
        }
    }
}

/// `NAME=value`, as a shell takes it before a command.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let named = !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(plain);
    named.then_some((name, value))
}

/// Splits as a shell does, with quotes and backslashes and nothing else: no variables, no globs.
/// `None` where a quote stays open.
fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(characters.next()?),
            '\'' | '"' => quoted(character, &mut characters, word.get_or_insert_default())?,
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Some(words)
}

/// Takes what stands up to the closing quote; between double quotes a backslash escapes a quote or itself.
fn quoted(quote: char, characters: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            end if end == quote => return Some(()),
            '\\' if quote == '"' => match characters.next()? {
                escaped @ ('"' | '\\') => word.push(escaped),
                plain => word.extend(['\\', plain]),
            },
            plain => word.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match text.parse() {
            Ok(ServerSpec::Command(ServerCommand { program, args, env, .. })) => {
                format!("{env:?} {program:?} {args:?}")
            }
            Ok(other) => other.to_string(),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_specification_is_nothing_embedded_a_url_or_a_command_line() {
        check("  ", "the embedded server");
        check("embedded", "the embedded server");
        check("./embedded", r#"[] "./embedded" []"#);
        check("http://localhost:8000/mcp", "http://localhost:8000/mcp");
        check("python -m server", r#"[] "python" ["-m", "server"]"#);
        check("A=1 B='x y' run --k=v C=3", r#"[("A", "1"), ("B", "x y")] "run" ["--k=v", "C=3"]"#);
        check(
            r#"'my server' "a \"b\" \n" c\ d '' x"y"'z'"#,
            r#"[] "my server" ["a \"b\" \\n", "c d", "", "xyz"]"#,
        );
        check("run http://x", r#"[] "run" ["http://x"]"#);
    }

    #[test]
    fn what_cannot_be_understood_says_what_to_do() {
        check(
            "run 'x",
            "error: the command line 'run 'x' has an unclosed quote; close it or escape it with a backslash",
        );
        check("A=1", "error: the command line 'A=1' sets variables and runs nothing; add the command");
        let hint = "only http:// is supported; use the server's plain port or a local proxy";
        check("https://x/mcp", &format!("error: 'https://x/mcp' cannot be reached: {hint}"));
    }
}
