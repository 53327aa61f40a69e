//! What to measure, as a user writes it: nothing, `in-process`, a URL, or a command line.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use http::HeaderMap;
use tempfile::TempDir;

use crate::client::{ServerCommand, WITHOUT_TLS, headers, with_query_values, without_secrets};
use crate::digest::sha256_hex;

use super::variables::{assignment, found, masked};

/// The variable that names the server for benches.
const SERVER_VARIABLE: &str = "MUSIC21_MCP_SERVER";
/// The variable that holds headers for benches.
const HEADERS_VARIABLE: &str = "MUSIC21_MCP_HEADERS";

/// The variable that names a process's temporary directory.
pub(super) const TMPDIR: &str = "TMPDIR";
/// How the directories begin that a run makes for what it hands over.
pub const RUN_DIRECTORY: &str = "music21-mcp-bench-";
/// The embedded server in this process, as a user writes it.
const IN_PROCESS: &str = "in-process";
/// The same for whom it is not a process of its own: programs that can start it as one look at this word first.
pub const EMBEDDED: &str = "embedded";

/// Which server is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerSpec {
    /// The embedded server, in this process.
    InProcess,
    /// A command that serves stdio; each session is a process of its own.
    Command(ServerCommand),
    /// A streamable HTTP server that runs already; `https://` needs the `tls` feature.
    Url(String),
}

/// Why a server specification cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub(super) String);

impl ServerSpec {
    /// The server named by `MUSIC21_MCP_SERVER`; the embedded one where it is not set.
    ///
    /// # Errors
    ///
    /// Where the variable's text is no specification.
    pub fn from_environment() -> Result<Self, SpecError> {
        std::env::var(SERVER_VARIABLE).unwrap_or_default().parse()
    }

    /// The headers named by `MUSIC21_MCP_HEADERS`, one a line, for a server behind a login; none where it is not set.
    ///
    /// # Errors
    ///
    /// Where one cannot be sent.
    pub fn headers_from_environment() -> Result<HeaderMap, SpecError> {
        let written = std::env::var(HEADERS_VARIABLE).unwrap_or_default();
        let lines = written.lines().filter(|line| !line.trim().is_empty());
        headers(lines).map_err(|error| SpecError(format!("{HEADERS_VARIABLE}: {error}")))
    }

    /// What the user named, on one line; `None` for the embedded server.
    #[must_use]
    pub fn named(&self) -> Option<String> {
        (*self != Self::InProcess).then(|| self.to_string())
    }

    /// What a user wrote, fit for files and pages: without the values of a command line's variables and of a URL's query, nor
    /// a login in it, all of which may be secrets.
    #[must_use]
    pub fn without_values(text: &str) -> String {
        match text.parse() {
            Ok(Self::Command(command)) if !command.env.is_empty() => Self::Command(command).to_string(),
            Ok(url @ Self::Url(_)) => url.to_string(),
            // An error tells what is wrong with it when it is used.
            Err(_) => masked(text),
            Ok(_) => text.to_owned(),
        }
    }

    /// A new directory for what the server is handed: below the temporary directory that the user named in the command
    /// line, else below our own. A music21 server reads files nowhere else.
    ///
    /// # Errors
    ///
    /// Where none can be made there.
    pub fn new_directory(&self, prefix: &str) -> io::Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        match self.temporary_directory() {
            Some(theirs) => builder.tempdir_in(theirs),
            None => builder.tempdir(),
        }
    }

    /// The temporary directory of the processes that are started, where it is not the one that they inherit.
    #[must_use]
    pub fn temporary_directory(&self) -> Option<&Path> {
        let Self::Command(command) = self else { return None };
        let last = command.env.iter().rfind(|(name, _)| name == TMPDIR);
        last.map(|(_, directory)| Path::new(directory))
    }

    /// The same with a temporary directory for the processes that are started; one that the user named in the command
    /// line wins.
    #[must_use]
    pub fn with_temporary_directory(mut self, directory: &Path) -> Self {
        if let Self::Command(command) = &mut self {
            // First: of two values of one variable the later one counts.
            command.env.insert(0, (TMPDIR.into(), directory.into()));
        }
        self
    }

    /// SHA-256 of all that tells it from another server, the values of its variables included; hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256_hex(self.launch().as_bytes())
    }

    /// Holds the values of variables, which may be secrets: for the digest alone.
    fn launch(&self) -> String {
        match self {
            Self::InProcess => EMBEDDED.to_owned(),
            Self::Command(command) => command_line(command, str::to_owned),
            Self::Url(url) => url.clone(),
        }
    }

    /// How its sessions travel, in one word for records.
    #[must_use]
    pub const fn transport(&self) -> &'static str {
        match self {
            Self::InProcess => IN_PROCESS,
            Self::Command(_) => "stdio",
            Self::Url(_) => "http",
        }
    }
}

/// The two parts of a URL; `None` for a command line, in which one may be an argument.
pub(super) fn scheme_and_rest(text: &str) -> Option<(&str, &str)> {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))
}

impl FromStr for ServerSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        if text.is_empty() || text == IN_PROCESS || text == EMBEDDED {
            return Ok(Self::InProcess);
        }
        if let Some((scheme, rest)) = scheme_and_rest(text) {
            let shown = without_secrets(text);
            return match scheme.to_ascii_lowercase().as_str() {
                "https" if !cfg!(feature = "tls") => {
                    Err(SpecError(format!("cannot use '{shown}': {WITHOUT_TLS}")))
                }
                scheme @ ("http" | "https") => {
                    with_query_values(&format!("{scheme}://{rest}"), found).map(Self::Url)
                }
                _ => Err(SpecError(format!(
                    "'{shown}' cannot be reached: only http:// and https:// are spoken"
                ))),
            };
        }
        // As a shell splits, with quotes and backslashes and nothing else: no variables, no globs.
        let unclosed = || {
            SpecError(format!(
                "the command line '{}' has an unclosed quote; close it or escape it with a backslash",
                masked(text)
            ))
        };
        let mut words = shlex::split(text).ok_or_else(unclosed)?.into_iter();
        let mut env = Vec::new();
        for word in words.by_ref() {
            match assignment(&word) {
                Some((name, value)) => env.push((name.into(), found(name, value)?.into())),
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
        let text = masked(text);
        Err(SpecError(format!("the command line '{text}' sets variables and runs nothing; add the command")))
    }
}

impl fmt::Display for ServerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("the embedded server"),
            Self::Url(url) => f.write_str(&without_secrets(url)),
            Self::Command(command) => {
                let env = command.env.iter().filter(|variable| !is_ours(variable)).cloned().collect();
                f.write_str(&command_line(&ServerCommand { env, ..command.clone() }, |_| "…".to_owned()))
            }
        }
    }
}

/// A directory that is made for each run, and that the user did not name.
fn is_ours((name, value): &(OsString, OsString)) -> bool {
    let directory = Path::new(value).file_name().unwrap_or_default().to_string_lossy();
    name == TMPDIR && directory.starts_with(RUN_DIRECTORY)
}

/// The command as a shell takes it, the variables before it with the values that `shown` makes of theirs.
fn command_line(command: &ServerCommand, shown: impl Fn(&str) -> String) -> String {
    let quoted = |word: &OsString| {
        let word = word.to_string_lossy();
        // OK because no word of a command line holds a NUL.
        shlex::try_quote(&word).map_or_else(|_| word.to_string(), std::borrow::Cow::into_owned)
    };
    let variable = |(name, value): &(OsString, OsString)| {
        format!("{}={}", name.to_string_lossy(), shown(&quoted(value)))
    };
    let words = command.env.iter().map(variable);
    words.chain([&command.program].into_iter().chain(&command.args).map(quoted)).collect::<Vec<_>>().join(" ")
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
        let path = std::env::var("PATH").unwrap();
        let with_key: ServerSpec = "http://x/mcp?key=env:PATH".parse().unwrap();
        assert_eq!(with_key, ServerSpec::Url(format!("http://x/mcp?key={path}")));
        check("HTTP://localhost:8000/MCP", "http://localhost:8000/MCP");
        check("python -m server", r#"[] "python" ["-m", "server"]"#);
        check("A=1 B='x y' run --k=v C=3", r#"[("A", "1"), ("B", "x y")] "run" ["--k=v", "C=3"]"#);
        check(
            r#"'my server' "a \"b\" \n" c\ d '' x"y"'z'"#,
            r#"[] "my server" ["a \"b\" \\n", "c d", "", "xyz"]"#,
        );
        check("run http://x", r#"[] "run" ["http://x"]"#);
    }

    #[test]
    fn a_temporary_directory_of_the_users_own_wins() {
        let check = |text: &str, expected: &str| {
            let spec = text.parse::<ServerSpec>().unwrap().with_temporary_directory(Path::new("/ours"));
            assert_eq!(spec.temporary_directory(), Some(Path::new(expected)), "{text}");
        };
        check("run", "/ours");
        check("TMPDIR=/theirs run", "/theirs");
    }

    #[test]
    fn what_a_server_is_handed_is_below_its_own_temporary_directory() {
        let theirs = tempfile::tempdir().unwrap();
        let spec: ServerSpec = format!("TMPDIR='{}' run", theirs.path().display()).parse().unwrap();
        assert_eq!(spec.new_directory("x").unwrap().path().parent(), Some(theirs.path()));
        let elsewhere = ServerSpec::InProcess.new_directory("x").unwrap();
        assert_eq!(elsewhere.path().parent(), Some(&*std::env::temp_dir()));
    }

    #[test]
    fn a_digest_tells_servers_apart_by_their_variables_and_not_by_their_quotes() {
        let digest = |text: &str| text.parse::<ServerSpec>().unwrap().digest();
        assert_eq!(digest("A=1 run"), digest("A='1'  run"));
        assert_ne!(digest("A=1 run"), digest("A=2 run"));
        assert_ne!(digest("run 'a b'"), digest("run a b"));
    }

    #[test]
    fn what_a_user_wrote_is_shown_without_the_values_of_variables() {
        for (text, expected) in [
            ("KEY=secret run --flag", "KEY=… run --flag"),
            ("run  --flag", "run  --flag"),
            ("http://localhost:8000/mcp", "http://localhost:8000/mcp"),
            ("http://localhost:8000/mcp?key=secret", "http://localhost:8000/mcp?key=…"),
            ("git:HEAD", "git:HEAD"),
            ("run 'x", "run 'x"),
            ("KEY=secret run 'x", "KEY=… run 'x"),
        ] {
            assert_eq!(ServerSpec::without_values(text), expected);
        }
    }

    #[test]
    fn a_specification_is_printed_as_a_shell_takes_it_without_the_values_of_its_variables() {
        let spec: ServerSpec = "KEY='a b' run 'x y' z".parse().unwrap();
        assert_eq!(spec.to_string(), "KEY=… run 'x y' z");
        assert_eq!(spec.launch(), "KEY='a b' run 'x y' z");
        assert_eq!(spec.launch().parse::<ServerSpec>().unwrap(), spec);
    }

    #[test]
    fn what_cannot_be_understood_says_what_to_do() {
        if !cfg!(feature = "tls") {
            check("https://x/mcp?key=k", &format!("error: cannot use 'https://x/mcp?key=…': {WITHOUT_TLS}"));
        }
        check(
            "run 'x",
            "error: the command line 'run 'x' has an unclosed quote; close it or escape it with a backslash",
        );
        check("A=1", "error: the command line 'A=…' sets variables and runs nothing; add the command");
        check(
            "http://x/mcp?key=env:NO_SUCH_VARIABLE",
            "error: the variable 'NO_SUCH_VARIABLE', which key takes its value from, is not set",
        );
        let hint = "only http:// and https:// are spoken";
        check("ws://x/mcp", &format!("error: 'ws://x/mcp' cannot be reached: {hint}"));
    }
}
