//! `report`: a run, however it ended, as a page to read.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::Exit;
use super::support::{files, profiles};
use crate::compare::LimitTable;
use crate::compare::figures::Figures;
use crate::compare::records::compare;
use crate::profile::FOLDED;
use crate::record::{Record, Runs, Store};
use crate::report::formats;
use crate::report::html::{Baseline, Compared, Extras, Flamegraph, page};
use crate::report::screen::Screen;
use crate::result::RunFile;

/// What a report beside a result is called.
const NAME: &str = "report.html";
/// Where `run` leaves flamegraphs, beside the result.
pub(super) const FLAMEGRAPHS: &str = "flamegraphs";

/// Write a run as one HTML file that needs no network. `run` writes it beside its result by itself.
///
/// Exits with 2 if there is no such run and with 3 if its result is damaged. The same holds for the baseline, and for one
/// that is not comparable; the page is still written then, and says why.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// The directory that `run --out` wrote, or its result.json.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Where to write it; beside the result if not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Compare it with another run's directory, or with a record by its name or path.
    #[arg(long, value_name = "RUN|RECORD")]
    baseline: Option<String>,
    /// The directory of flamegraphs (SVG); `flamegraphs` beside the result if not given.
    #[arg(long, value_name = "DIR")]
    flamegraphs: Option<PathBuf>,
    /// The directory of the records.
    #[arg(long, value_name = "DIR", default_value = "baselines")]
    dir: PathBuf,
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let result = result_of(&self.run);
        let file = RunFile::read(&result)?;
        let graphs = self.flamegraphs.clone().unwrap_or_else(|| result.with_file_name(FLAMEGRAPHS));
        let mut exit = Exit::Ok;
        let baseline = self.baseline.as_ref().map(|name| {
            let compared = self.compared(name, &result).map_err(|error| {
                exit = Exit::of_error(&error, Exit::Inconclusive);
                let why = format!("{error:#}");
                // There is nobody to say it to if stderr is gone; the page says it too.
                let _ = writeln!(std::io::stderr(), "music21-mcp-bench: not compared with '{name}': {why}");
                why
            });
            let profiles = profiles::compared(&file, &graphs, name);
            Baseline { name: name.clone(), compared, profiles }
        });
        let extras = Extras { baseline, flamegraphs: flamegraphs(&graphs)? };
        let out = self.out.unwrap_or_else(|| result.with_file_name(NAME));
        write(&file, &extras, &out)?;
        writeln!(std::io::stdout(), "{}", out.display())?;
        Ok(exit)
    }

    fn compared(&self, name: &str, result: &Path) -> anyhow::Result<Compared> {
        let path = Path::new(name);
        let (candidate, mut left_out) = Runs::load(&[result.to_owned()])?.record(None)?;
        let baseline = if path.is_dir() || path.ends_with("result.json") {
            let (record, too) = Runs::load(&[path.to_owned()])?.record(None)?;
            left_out.extend(too);
            record
        } else {
            Record::load(&Store::at(&self.dir).path(name))?
        };
        let comparison = compare(&baseline, &candidate, &LimitTable::default())?;
        let both = candidate.entries.iter().filter_map(|(name, after)| {
            let sides = [baseline.entries.get(name)?, after].map(Figures::of);
            Some((name.clone(), sides))
        });
        Ok(Compared { figures: both.collect(), comparison, left_out })
    }
}

/// Writes a result, and beside it the report and the files for programs.
///
/// # Errors
///
/// Where one cannot be written, or flamegraphs there cannot be read.
pub(super) fn write_all(file: &RunFile, result: &Path) -> anyhow::Result<()> {
    file.write(result).with_context(|| format!("failed to write '{}'", result.display()))?;
    let extras =
        Extras { flamegraphs: flamegraphs(&result.with_file_name(FLAMEGRAPHS))?, ..Extras::default() };
    write(file, &extras, &result.with_file_name(NAME))?;
    formats::write(file, result.parent().unwrap_or(Path::new(".")))
}

/// Says where the report of a result is.
///
/// # Errors
///
/// Where stdout is gone.
pub(super) fn name_beside(result: &Path) -> anyhow::Result<()> {
    let report = result.with_file_name(NAME);
    writeln!(std::io::stdout(), "report: {}", report.display()).context("failed to print")
}

/// Prints what standard output shows.
///
/// # Errors
///
/// Where stdout is gone.
pub(super) fn print(text: impl FnOnce(Screen) -> String) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", text(Screen::stdout())).context("failed to print the summary")
}

fn write(file: &RunFile, extras: &Extras, out: &Path) -> anyhow::Result<()> {
    files::write(out, page(file, extras))
}

/// Every SVG of a directory in the order of their names; none if there is no such directory.
fn flamegraphs(directory: &Path) -> anyhow::Result<Vec<Flamegraph>> {
    let read = |path: &PathBuf| {
        let svg = files::read(path)?;
        let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Flamegraph { name, svg })
    };
    flamegraph_paths(directory).iter().map(read).collect()
}

fn flamegraph_paths(directory: &Path) -> Vec<PathBuf> {
    paths(directory, "svg")
}

fn paths(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|its| its == ending));
    paths.sort();
    paths
}

/// Removes the flamegraphs and stacks beside a result that is about to be replaced: they would be shown with the new one.
///
/// # Errors
///
/// Where one cannot be removed.
pub(super) fn forget_flamegraphs(result: &Path) -> anyhow::Result<()> {
    let directory = result.with_file_name(FLAMEGRAPHS);
    for path in [paths(&directory, "svg"), paths(&directory, FOLDED)].concat() {
        std::fs::remove_file(&path).with_context(|| format!("failed to remove '{}'", path.display()))?;
    }
    Ok(())
}

/// The result in a directory that `run --out` wrote, or the file itself.
pub(super) fn result_of(run: &Path) -> PathBuf {
    if run.is_dir() { run.join("result.json") } else { run.to_owned() }
}
