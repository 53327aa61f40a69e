//! What audits of `run` itself share: `run` in a process of its own, and what it wrote.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use music21_mcp_bench::server::own_program;
use tokio::process::Command;

use super::harness;
use crate::result::{RunFile, StageResult};

/// `run`, yet to be started, with so many sessions of the cheapest call for so many seconds; it writes into `directory`
/// and is killed when dropped.
pub(super) fn run(directory: &Path, url: &str, sessions: usize, duration_s: u64) -> anyhow::Result<Command> {
    let definition = format!(
        "name = \"null\"\n[[stages]]\nname = \"null\"\nclients = {sessions}\nduration_s = {duration_s}\n\
         [[stages.workload.flows]]\nsteps = [{{ tool = \"{}\" }}]\n",
        harness::CHEAP
    );
    let file = directory.join("null.toml");
    std::fs::write(&file, definition).with_context(|| format!("failed to write '{}'", file.display()))?;
    let mut command = Command::new(own_program()?);
    command.arg("run").arg(&file).args(["--server", url, "--out"]).arg(directory);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

/// What it wrote.
pub(super) fn read(directory: &Path) -> anyhow::Result<RunFile> {
    Ok(RunFile::read(&directory.join("result.json"))?)
}

/// The one stage that it measured.
pub(super) fn stage(file: RunFile) -> anyhow::Result<StageResult> {
    let scenario = file.scenarios.into_iter().next().context("'run' ran nothing")?;
    match scenario.stages.into_iter().next() {
        Some(stage) => Ok(stage),
        None => bail!("'run' measured nothing: {}", scenario.error.unwrap_or_default()),
    }
}
