//! `merge`: the results of all shards as the result of the whole.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::support::process::claim;
use super::{Exit, report};
use crate::merge::merge;
use crate::report::terminal;
use crate::result::RunFile;
use crate::scenario::conclude_by_name;

/// Merge the results of all shards of a run. Counts add up, and quantiles are those of all calls together.
///
/// The whole is judged anew. Exits as `run` does, and with 3 if these are not all shards of one run.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// The directories that `run --shard` wrote, or their result.json.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Where the result and what is made of it are written.
    #[arg(long, visible_alias = "output-dir", value_name = "DIR")]
    out: PathBuf,
}

impl Merge {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut files = Vec::new();
        for run in &self.runs {
            files.push((run.display().to_string(), RunFile::read(&report::result_of(run))?));
        }
        let merged = match merge(&files, &conclude_by_name) {
            Ok(merged) => merged,
            Err(error) => {
                // There is nobody to say it to if stderr is gone.
                let _ = writeln!(std::io::stderr(), "music21-mcp-bench: {error}");
                return Ok(Exit::Inconclusive);
            }
        };
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("failed to create '{}'", self.out.display()))?;
        let _claim = claim(&self.out)?;
        let path = report::result_of(&self.out);
        report::forget_flamegraphs(&path)?;
        report::write_all(&merged, &path)?;
        report::print(|screen| terminal::overview(&merged, screen))?;
        report::name_beside(&path)?;
        Ok(Exit::of_run(&merged.scenarios))
    }
}
