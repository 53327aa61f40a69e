//! `baseline`: committed records, saved, listed, shown, verified and restored for Criterion.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use music21_mcp_bench::baseline::criterion::Home;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::Watch;

use super::Exit;
use super::ab::WorkArgs;
use super::support::connection::named_server;
use super::support::rounds::Rounds;
use crate::ab::{Fixed, record};
use crate::compare::figures::describe;
use crate::record::{Found, InputError, Record, Store, this_tool};
use crate::report::screen::Screen;
use crate::result::Tool;

/// Keep measurements to compare with later: records in `baselines/`, one file each.
#[derive(Debug, Args)]
pub(super) struct Baseline {
    #[command(subcommand)]
    verb: Verb,
    /// The directory of the records.
    #[arg(long, value_name = "DIR", default_value = "baselines", global = true)]
    dir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Save(Save),
    Measure(Box<Measure>),
    /// List the records, oldest first.
    List,
    /// Show one record: where it was made, and its figures.
    Show {
        /// Its name or path.
        name: String,
    },
    /// Check that records can be read and were not changed.
    Verify {
        /// Names or paths; all records if none is named.
        names: Vec<String>,
    },
    /// Restore the samples into Criterion's directory, so that `cargo bench -- --baseline NAME` compares with a record.
    Restore {
        /// Names or paths; all records if none is named.
        names: Vec<String>,
    },
}

/// Save the last `cargo bench`, or runs of load scenarios, as a new record.
#[derive(Debug, Args)]
struct Save {
    /// The record's name. It must be new.
    name: String,
    #[command(flatten)]
    rounds: Rounds,
    /// Save even if tracked files have uncommitted changes. Nothing can be compared with such a record.
    #[arg(long)]
    allow_dirty: bool,
}

/// Measure a server now, in turn with a reference server on the same path, and save a new record. Such records can be
/// compared across machines and on noisy ones, because what slows down both servers cancels out.
#[derive(Debug, Args)]
struct Measure {
    /// The record's name. It must be new.
    name: String,
    /// A command line, an http:// URL, `embedded` (a process of its own, as in `ab`) or `git:REV`.
    #[arg(long, value_name = "SERVER", value_parser = named_server, default_value = "embedded")]
    server: String,
    /// The server by whose figures those of `--server` are divided.
    #[arg(long, value_name = "SERVER", value_parser = named_server, default_value = "embedded")]
    reference_server: String,
    /// The name of what is measured; by default what `--server` says.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    #[command(flatten)]
    work: WorkArgs,
    /// Rounds, each with fresh processes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(5..))]
    rounds: u32,
    /// Save even if tracked files have uncommitted changes. Nothing can be compared with such a record.
    #[arg(long)]
    allow_dirty: bool,
}

impl Baseline {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let store = Store::at(&self.dir);
        match self.verb {
            Verb::Save(save) => save.run(&store),
            Verb::Measure(measure) => measure.run(&store),
            Verb::List => list(&store),
            Verb::Show { name } => show(&store, &name),
            Verb::Verify { names } => verify(&store, &names),
            Verb::Restore { names } => restore(&store, &names),
        }
    }
}

impl Save {
    fn run(&self, store: &Store) -> anyhow::Result<Exit> {
        let record = self.rounds.record()?;
        refuse_dirty(&record.tool, self.allow_dirty)?;
        save(&record, store, &self.name)
    }
}

impl Measure {
    fn run(self, store: &Store) -> anyhow::Result<Exit> {
        refuse_dirty(&this_tool(), self.allow_dirty)?;
        Record::can_save(&store.path(&self.name))?;
        let settings = self.work.settings(&self.reference_server, &self.server)?;
        let watch = Watch::start();
        let operations = &settings.workload.operations;
        let mut rounds = Fixed { operations, rounds: self.rounds, tell: &mut super::ab::progress() };
        let measured = super::ab::run(&settings, &mut rounds)?;
        if measured.interrupted {
            return Ok(Exit::Interrupted);
        }
        let target = self.target.unwrap_or_else(|| settings.candidate.name.clone());
        let record = record(&measured, &settings, target, watch.stop());
        let (gaps, is_without_times) = measured.gaps();
        for note in gaps.into_iter().chain(measured.remarks()) {
            writeln!(std::io::stderr(), "note: {note}")?;
        }
        let exit = save(&record, store, &self.name)?;
        Ok(if is_without_times { exit.worst(Exit::Inconclusive) } else { exit })
    }
}

fn refuse_dirty(tool: &Tool, allow: bool) -> anyhow::Result<()> {
    if tool.dirty == Some(true) && !allow {
        anyhow::bail!(
            "tracked files have changes, so that nobody can rebuild this baseline; commit them first"
        );
    }
    Ok(())
}

fn save(record: &Record, store: &Store, name: &str) -> anyhow::Result<Exit> {
    let path = store.path(name);
    record.save(&path)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "saved {} entries in {}", record.entries.len(), path.display())?;
    if record.tool.git_rev.is_none() {
        let unknown = "the revision of this program is known only in its own repository; the record does not say \
                       how to rebuild what was measured";
        writeln!(std::io::stderr(), "note: {unknown}")?;
    }
    let Some(reason) = &record.invalid else { return Ok(Exit::Ok) };
    writeln!(out, "it is marked invalid and nothing will be compared with it: {reason}")?;
    Ok(Exit::Inconclusive)
}

const NO_RECORDS: &str = "no records; 'baseline save NAME' makes the first";

fn list(store: &Store) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    // A directory that is not there holds none.
    let found = store.all().unwrap_or_default();
    if found.is_empty() {
        writeln!(out, "{NO_RECORDS}")?;
    }
    let mut rows = Vec::new();
    let mut unusable = String::new();
    for found in found {
        match found.record {
            Ok(record) => {
                let cpu = record.machine.cpu_model.as_deref().unwrap_or("unknown processor");
                rows.push([
                    found.name,
                    record.created_utc,
                    record.kind.name().to_owned(),
                    record.server.target,
                    format!("{} entries", record.entries.len()),
                    format!("{} cores, {cpu}", record.machine.cores),
                ]);
            }
            Err(error) => unusable += &format!("{}  unusable: {error}\n", found.name),
        }
    }
    write!(out, "{}{unusable}", Screen::stdout().columns(&rows))?;
    Ok(Exit::Ok)
}

fn show(store: &Store, name: &str) -> anyhow::Result<Exit> {
    let record = Record::load(&store.path(name))?;
    let mut out = std::io::stdout().lock();
    let mut body = serde_json::to_value(&record)?;
    // The figures follow as a table.
    body.as_object_mut().context("a record is an object")?.remove("entries");
    writeln!(out, "{body:#}")?;
    let rows: Vec<_> = record.entries.iter().map(|(name, entry)| [name.clone(), describe(entry)]).collect();
    write!(out, "{}", Screen::stdout().columns(&rows))?;
    Ok(Exit::Ok)
}

fn verify(store: &Store, names: &[String]) -> anyhow::Result<Exit> {
    each(store, names, |name, record| Ok(format!("{name}: ok, {} entries", record.entries.len())))
}

fn restore(store: &Store, names: &[String]) -> anyhow::Result<Exit> {
    let home = Home::of(&ServerSpec::from_environment()?);
    each(store, names, |name, record| {
        let samples = record.entries.values().filter_map(|entry| entry.criterion.as_ref());
        let restored = home.restore(name, samples).context("failed to write Criterion's directory")?;
        Ok(format!("{name}: {} benchmarks restored, {} kept", restored.written, restored.kept))
    })
}

/// Prints a line about each of the records named, or of all; one that cannot be used keeps no other from its turn.
fn each(
    store: &Store,
    names: &[String],
    line: impl Fn(&str, &Record) -> anyhow::Result<String>,
) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    let named = named(store, names)?;
    if named.is_empty() {
        writeln!(out, "{NO_RECORDS}")?;
    }
    let mut exit = Exit::Ok;
    for Found { name, record } in named {
        match record {
            Ok(record) => writeln!(out, "{}", line(&name, &record)?)?,
            Err(error) => {
                writeln!(out, "{name}: {error}")?;
                exit = exit.worst(Exit::of_input(&error));
            }
        }
    }
    Ok(exit)
}

/// The records named, or all.
fn named(store: &Store, names: &[String]) -> Result<Vec<Found>, InputError> {
    if names.is_empty() {
        return store.all();
    }
    let load = |name: &String| {
        let path = store.path(name);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Found { name: stem, record: Record::load(&path) }
    };
    Ok(names.iter().map(load).collect())
}
