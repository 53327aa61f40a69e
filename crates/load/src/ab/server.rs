//! A side of the comparison, as a user writes it: `embedded`, a command, a URL, or `git:REV`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use music21_mcp_bench::client::ServerCommand;
use music21_mcp_bench::server::{EMBEDDED, ServerSpec, own_command};
use tempfile::TempDir;

use crate::record::InputError;

/// How a program of this repository is started; its sessions are processes of their own.
const SERVE: [&str; 3] = ["serve", "--stdio", "--quiet"];

/// What is started each round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    /// What the user wrote, variables without their values.
    pub name: String,
    /// What tells it from other servers: its name, and where that is not the whole, its digest.
    pub identity: String,
    /// SHA-256 of how it is started.
    pub launch_sha256: String,
    spec: ServerSpec,
}

/// Builds revisions of this repository.
#[derive(Debug)]
pub(crate) struct Build {
    /// Any directory of the repository.
    pub repository: PathBuf,
    /// Builds are kept below it, by commit.
    pub directory: PathBuf,
}

impl Side {
    /// Understands what the user wrote; `git:REV` is built, which takes minutes the first time.
    ///
    /// # Errors
    ///
    /// Where it is no server, or the revision cannot be built.
    pub(crate) fn parse(text: &str, build: &Build) -> anyhow::Result<Self> {
        let spec = match text.strip_prefix("git:") {
            Some(revision) => ServerSpec::Command(ServerCommand::new(build.build(revision)?, &SERVE)),
            None => text.parse()?,
        };
        Self::new(text, spec)
    }

    /// The embedded server becomes a process of its own: only then is its CPU time known.
    fn new(text: &str, spec: ServerSpec) -> anyhow::Result<Self> {
        let text = if text.is_empty() { EMBEDDED } else { text };
        let (name, launch_sha256) = (ServerSpec::without_values(text), spec.digest());
        let identity = if name == text { name.clone() } else { format!("{name} {launch_sha256}") };
        let spec = match spec {
            ServerSpec::InProcess => ServerSpec::Command(own_command(&SERVE)?),
            other => other,
        };
        Ok(Self { name, identity, launch_sha256, spec })
    }

    /// A directory of ours that the server may read.
    pub(super) fn new_directory(&self) -> std::io::Result<TempDir> {
        self.spec.new_directory("pair-")
    }

    /// What is started, with `directory` as the temporary directory of processes of our own.
    pub(crate) fn spec(&self, directory: &Path) -> ServerSpec {
        self.spec.clone().with_temporary_directory(directory)
    }

    /// How its sessions travel.
    pub(crate) fn transport(&self) -> &'static str {
        self.spec.transport()
    }
}

impl Build {
    /// The program as of `revision`, built with optimisation in a checkout of its own.
    fn build(&self, revision: &str) -> anyhow::Result<PathBuf> {
        let git =
            |arguments: &[&str]| run(Command::new("git").arg("-C").arg(&self.repository).args(arguments));
        // Where this goes well, the next can only fail for the revision.
        git(&["rev-parse", "--git-dir"])?;
        let commit = format!("{revision}^{{commit}}");
        let commit =
            git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|_| {
                InputError::unknown(format!(
                    "'{revision}' is no revision of the repository in '{}'; 'git log' shows them",
                    self.repository.display()
                ))
            })?;
        let target = self.directory.join(commit.trim());
        let program = target.join("release/music21-mcp-bench");
        if program.is_file() {
            return Ok(program);
        }
        let checkout = tempfile::tempdir().context("no temporary directory")?;
        let path = checkout.path().join("source");
        let path_text = path.to_str().context("the temporary directory's name is no UTF-8")?;
        git(&["worktree", "add", "--detach", path_text, commit.trim()])?;
        let built = run(Command::new("cargo")
            .args(["build", "--release", "--locked", "--bin", "music21-mcp-bench", "--target-dir"])
            .arg(std::path::absolute(&target)?)
            .current_dir(&path));
        // The build is what counts; a checkout that stays is in git's own list of worktrees.
        let _ = git(&["worktree", "remove", "--force", path_text]);
        built.with_context(|| format!("revision '{revision}' does not build"))?;
        Ok(std::path::absolute(program)?)
    }
}

/// A command's output, or its last words.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("'{program}' does not start"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = stderr.lines().filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(3)..].join("; ");
        bail!("{program} ended with {}: {last}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Side> {
        let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Side::parse(text, &Build { repository, directory: "target/ab".into() })
    }

    #[test]
    fn a_side_is_the_embedded_server_a_command_or_a_url() {
        for (text, transport) in [
            ("embedded", "stdio"),
            ("", "stdio"),
            ("python -m server", "stdio"),
            ("http://127.0.0.1:8000/mcp", "http"),
        ] {
            assert_eq!(parse(text).unwrap().transport(), transport, "{text}");
        }
        assert_eq!(parse("").unwrap().name, "embedded");
    }

    #[test]
    fn a_revision_that_does_not_exist_is_named() {
        let error = format!("{:#}", parse("git:no-such-revision").unwrap_err());
        assert!(error.starts_with("'no-such-revision' is no revision of the repository in '"), "{error}");
        assert!(error.ends_with("'git log' shows them"), "{error}");
        assert!(parse("git:--help").is_err());
    }
}
