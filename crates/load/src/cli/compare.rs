//! `compare`: two records in, one verdict for each entry out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use super::support::files::{writable, write};
use super::support::rounds::Rounds;
use super::{Exit, Usage};
use crate::compare::limit::EntryLimit;
use crate::compare::outcome::Counts;
use crate::compare::records::{compare, newest_comparable};
use crate::compare::{Comparison, LimitTable};
use crate::duration;
use crate::record::{Record, Store};
use crate::report::comparison::{Format, render};
use crate::report::screen::Screen;

/// Say what changed between two records: by default between the newest comparable one and the last
/// `cargo bench`. Exits with 1 if something regressed, and with 3 if the result is inconclusive or the records are
/// not comparable.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// A record's name or path.
    baseline: Option<String>,
    /// A record's name or path; if not given, what `--from` names, or the last `cargo bench`.
    #[arg(conflicts_with_all = ["rounds", "from", "target"])]
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
    /// `ENTRY=+10%` for entries whose names begin with ENTRY. Half of it is a warning. Default: +10%.
    #[arg(long = "limit", value_name = "LIMIT")]
    limits: Vec<EntryLimit>,
    /// A difference below this is none, whatever its share: 20us by default in `ab`, since no caller of a tool notices
    /// less, and 0 in `compare`. Of CPU time, half of it.
    #[arg(long, value_name = "TIME", value_parser = time)]
    floor: Option<Duration>,
    /// Exit with 1 for a warning, too.
    #[arg(long)]
    strict: bool,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Also write the result to this file: as Markdown (.md), JSON (.json) or JUnit (.xml); else as a table.
    #[arg(long = "out", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Compare {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self.comparison() {
            Ok(comparison) => {
                let exit = self.judging.finish(&comparison)?;
                let entries = comparison.entries().into_iter().map(|(entry, _)| entry);
                self.judging.refuse_idle_limits(entries)?;
                Ok(exit)
            }
            Err(error) if Exit::of_error(&error, Exit::Inconclusive) == Exit::Inconclusive => {
                writeln!(std::io::stderr(), "not comparable: {error:#}")?;
                Ok(Exit::Inconclusive)
            }
            Err(error) => Err(error),
        }
    }

    fn comparison(&self) -> anyhow::Result<Comparison> {
        let store = Store::at(&self.dir);
        let load = |name: &String| Record::load(&store.path(name));
        let candidate = match &self.candidate {
            Some(name) => load(name)?,
            None => self.rounds.record()?,
        };
        let baseline = match &self.baseline {
            Some(name) => load(name)?,
            None => {
                let usable: Vec<_> = store
                    .all()
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|found| found.record.ok())
                    .collect();
                let newest = newest_comparable(&usable, &candidate).cloned();
                newest.ok_or_else(|| nothing(&self.dir, usable.len(), &candidate))?
            }
        };
        Ok(compare(&baseline, &candidate, &self.judging.table(Duration::ZERO))?)
    }
}

fn nothing(dir: &Path, usable: usize, candidate: &Record) -> anyhow::Error {
    let target = &candidate.server.target;
    anyhow!(
        "none of the {usable} usable records in '{}' is comparable with a {} record of '{target}'; \
         name one to see why, or make one with 'baseline save'",
        dir.display(),
        candidate.kind.name()
    )
}

fn time(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text).ok_or("no time such as 20us or 1.5ms")
}

impl Judging {
    pub(super) fn table(&self, default: Duration) -> LimitTable {
        LimitTable::new(self.limits.clone(), self.floor.unwrap_or(default))
    }

    /// Refuses limits that no entry has use for: their names are mistyped.
    pub(super) fn refuse_idle_limits<'a>(
        &self,
        entries: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<()> {
        let entries: Vec<&str> = entries.collect();
        let table = self.table(Duration::ZERO);
        let idle = table.idle(&entries);
        if idle.is_empty() {
            return Ok(());
        }
        let idle: Vec<String> = idle.into_iter().map(|prefix| format!("'{prefix}'")).collect();
        let (idle, entries) = (idle.join(", "), entries.join(", "));
        Err(Usage(format!("--limit: no entry begins with {idle}; there are {entries}")).into())
    }

    /// Refuses files that could not be written once there is a result.
    pub(super) fn refuse_unwritable(&self) -> anyhow::Result<()> {
        self.files.iter().try_for_each(|path| writable(path))
    }

    /// Writes the result and chooses the exit code.
    pub(super) fn finish(&self, comparison: &Comparison) -> anyhow::Result<Exit> {
        write!(std::io::stdout(), "{}", render(comparison, self.format, Screen::stdout())?)?;
        for path in &self.files {
            let format = match path.extension().and_then(|ending| ending.to_str()) {
                Some("md") => Format::Markdown,
                Some("json") => Format::Json,
                Some("xml") => Format::Junit,
                _ => Format::Table,
            };
            write(path, render(comparison, format, Screen::NONE)?)?;
        }
        let Counts { failed, warned, unknown, .. } = comparison.counts();
        Ok(if failed > 0 || (self.strict && warned > 0) {
            Exit::Regression
        } else if unknown > 0 {
            Exit::Inconclusive
        } else {
            Exit::Ok
        })
    }
}
