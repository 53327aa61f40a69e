//! `report`: a finished, interrupted or damaged-looking run as a page to read.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::Exit;
use crate::report::html::page;
use crate::scenario::{RunFile, SCHEMA_VERSION};

/// What a report beside a result is called.
const NAME: &str = "report.html";

/// Write a run as one HTML file that needs no network. `run` writes it beside its result by itself.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// The directory that `run --out` wrote, or its result.json.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Where to write it; beside the result if not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let result = result_of(&self.run);
        let file = load(&result)?;
        let out = self.out.unwrap_or_else(|| result.with_file_name(NAME));
        write(&file, &out)?;
        writeln!(std::io::stdout(), "{}", out.display())?;
        Ok(Exit::Ok)
    }
}

/// Writes the report of a result into its directory.
///
/// # Errors
///
/// Where that cannot be written.
pub(super) fn write_beside(file: &RunFile, result: &Path) -> anyhow::Result<()> {
    write(file, &result.with_file_name(NAME))
}

fn write(file: &RunFile, out: &Path) -> anyhow::Result<()> {
    std::fs::write(out, page(file)).with_context(|| format!("failed to write '{}'", out.display()))
}

/// The result in a directory that `run --out` wrote, or the file itself.
pub(super) fn result_of(run: &Path) -> PathBuf {
    if run.is_dir() { run.join("result.json") } else { run.to_owned() }
}

pub(super) fn load(path: &Path) -> anyhow::Result<RunFile> {
    let text = std::fs::read(path).with_context(|| format!("failed to read '{}'", path.display()))?;
    let file: RunFile = serde_json::from_slice(&text)
        .with_context(|| format!("'{}' is no result of this program's 'run'", path.display()))?;
    anyhow::ensure!(
        file.schema_version == SCHEMA_VERSION,
        "'{}' has schema version {}, this program reads {SCHEMA_VERSION}",
        path.display(),
        file.schema_version
    );
    Ok(file)
}
