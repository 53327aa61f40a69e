//! `compare`: two records in, one verdict for each entry out.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::Exit;
use super::support::rounds::Rounds;
use crate::compare::limit::EntryLimit;
use crate::compare::outcome::Counts;
use crate::compare::records::{compare, newest_comparable};
use crate::compare::render::{Format, render};
use crate::compare::{Comparison, LimitTable};
use crate::record::{Record, Store};

/// Say what changed between two records: by default between the newest comparable one and the last
/// `cargo bench`. Exits with 1 if something regressed and with 3 if that cannot be told.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// A record's name or path.
    baseline: Option<String>,
    /// A record's name or path; if not given, what `--from` names, or the last `cargo bench`.
    candidate: Option<String>,
    #[command(flatten)]
    rounds: Rounds,
    /// The directory of the records.
    #[arg(long, value_name = "DIR", default_value = "baselines")]
    dir: PathBuf,
    #[command(flatten)]
    judging: Judging,
}

/// How verdicts are made and shown; the same for every verb that makes some.
#[derive(Debug, Args)]
pub(super) struct Judging {
    /// By how much an entry may get worse, like `+10%`, `+5ms`, `+2pp` (of the success rate), or
    /// `ENTRY=+10%` for entries that begin so. It warns from half of that on. Default: +10%.
    #[arg(long = "limit", value_name = "LIMIT")]
    limits: Vec<EntryLimit>,
    /// Exit with 1 for a warning too.
    #[arg(long)]
    strict: bool,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write the result here as well, in the format its ending names: .md, .json or .xml.
    #[arg(long = "out", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Compare {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self.comparison()? {
            Ok(comparison) => self.judging.finish(&comparison),
            Err(reason) => {
                writeln!(std::io::stderr(), "not comparable: {reason}")?;
                Ok(Exit::Inconclusive)
            }
        }
    }

    /// The inner error is why the records say nothing about each other.
    fn comparison(&self) -> anyhow::Result<Result<Comparison, String>> {
        let store = Store::at(&self.dir);
        let load = |name: &String| Record::load(&store.path(name)).map_err(|error| error.to_string());
        let candidate = match &self.candidate {
            Some(name) => load(name),
            None => self.rounds.record().map_err(|error| format!("{error:#}")),
        };
        let baseline = self.baseline.as_ref().map(load).transpose();
        let (candidate, baseline) = match (candidate, baseline) {
            (Ok(candidate), Ok(baseline)) => (candidate, baseline),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Err(reason)),
        };
        let baseline = match baseline {
            Some(baseline) => baseline,
            None => {
                let usable: Vec<_> = store.list().into_iter().filter_map(|found| found.record.ok()).collect();
                match newest_comparable(&usable, &candidate) {
                    Some(baseline) => baseline.clone(),
                    None => return Ok(Err(nothing(&self.dir, usable.len(), &candidate))),
                }
            }
        };
        Ok(compare(&baseline, &candidate, &self.judging.table()).map_err(|error| error.to_string()))
    }
}

fn nothing(dir: &std::path::Path, usable: usize, candidate: &Record) -> String {
    let target = &candidate.server.target;
    format!(
        "none of the {usable} usable records in '{}' is comparable with a {} record of '{target}'; \
         name one to see why, or make one with 'baseline save'",
        dir.display(),
        candidate.kind.name()
    )
}

impl Judging {
    pub(super) fn table(&self) -> LimitTable {
        LimitTable::new(self.limits.clone())
    }

    /// Writes the result and chooses the exit code.
    pub(super) fn finish(&self, comparison: &Comparison) -> anyhow::Result<Exit> {
        write!(std::io::stdout(), "{}", render(comparison, self.format))?;
        for path in &self.files {
            let format = match path.extension().and_then(|ending| ending.to_str()) {
                Some("md") => Format::Markdown,
                Some("json") => Format::Json,
                Some("xml") => Format::Junit,
                _ => Format::Table,
            };
            std::fs::write(path, render(comparison, format))
                .with_context(|| format!("failed to write '{}'", path.display()))?;
        }
        let Counts { failed, warned, unknown, .. } = comparison.counts();
        Ok(match () {
            () if failed > 0 || (self.strict && warned > 0) => Exit::Regression,
            () if unknown > 0 => Exit::Inconclusive,
            () => Exit::Ok,
        })
    }
}
