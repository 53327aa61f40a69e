//! This program as a server in a process of its own, so that generator and server do not share one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::spec::TMPDIR;
use crate::client::ServerCommand;

/// Long enough for a start on a machine that is busy.
const START: Duration = Duration::from_secs(30);
/// Where a server of our own leaves its last words, in its directory.
pub const STDERR: &str = "server.stderr";

/// The file of this program.
///
/// # Errors
///
/// Where it was removed meanwhile.
pub fn own_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program's own file is gone")
}

/// This program with `arguments`, which must make it serve stdio.
///
/// # Errors
///
/// As [`own_program`].
pub fn own_command(arguments: &[&str]) -> anyhow::Result<ServerCommand> {
    Ok(ServerCommand::new(own_program()?, arguments))
}

/// Starts this program with `arguments`, which must make it print its URL, and returns that. `directory` is
/// its temporary directory. It leads a process group, so that a terminal's Ctrl-C reaches it through us only.
///
/// # Errors
///
/// Where it does not start, or prints no URL in time.
pub async fn spawn_own(directory: &Path, arguments: &[&str]) -> anyhow::Result<(Child, String)> {
    let program = own_program()?;
    let stderr = File::create(directory.join(STDERR)).context("failed to create a file for stderr")?;
    let mut child = Command::new(&program)
        .args(arguments)
        // The pipe is never written to; it closes with us.
        .arg("--ends-with-stdin")
        .env(TMPDIR, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start '{} {}'", program.display(), arguments.join(" ")))?;
    // OK because it was piped above.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    match tokio::time::timeout(START, lines.next_line()).await {
        Ok(Ok(Some(url))) => Ok((child, url)),
        _ => bail!("'{}' did not print its URL within {} s", arguments.join(" "), START.as_secs()),
    }
}
