//! `ab`: two servers, measured in turn and judged.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_score::{OrchestraSpec, write_generated};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::compare::Judging;
use super::support::connection::{ConnectionArgs, named_server};
use super::support::files::{writable, write};
use super::support::process::watch_signals;
use super::{Exit, Usage};
use crate::ab::{
    BothSides, Build, Fixed, Judge, Measured, OPERATIONS, Operation, Settings, Side, Workload, measure,
    profile,
};
use crate::compare::Comparison;
use crate::compare::gate::INTERIM_ANALYSES;
use crate::compare::limit::NOTICED;
use crate::compare::outcome::SUITE;
use crate::compare::profile::ProfileChange;
use crate::duration;
use crate::report::screen::fitted;
use crate::runtime::block_on;

/// The differential flamegraph.
const DIFFERENTIAL: &str = "differential.svg";

/// Compare two servers: both measured in turn, fresh processes each round, until the noise of this
/// machine allows a verdict (10, 20 or 40 rounds). Exits with 1 if the candidate is slower.
///
/// A server is a command line, an http:// URL, `embedded`, or `git:REV`, which builds a revision of
/// this repository and takes its embedded server. Unlike in `run`, each of them is a process of its own, reached over
/// stdio.
#[derive(Debug, Args)]
pub(super) struct Ab {
    /// What the candidate is compared with.
    #[arg(long, value_name = "SERVER", value_parser = named_server, default_value = "embedded")]
    baseline_server: String,
    /// The candidate, which is judged.
    #[arg(long, value_name = "SERVER", value_parser = named_server)]
    server: String,
    #[command(flatten)]
    work: WorkArgs,
    /// The most rounds to measure. The error probabilities are shared among the interim analyses after 10, 20 and 40.
    #[arg(long, default_value_t = INTERIM_ANALYSES[2] as u32, value_parser = clap::value_parser!(u32).range(2..=INTERIM_ANALYSES[2] as i64))]
    rounds: u32,
    /// Measure every entry in every round, even after its verdict is clear.
    #[arg(long)]
    all_rounds: bool,
    /// After the verdicts, sample both servers in two rounds more and show which functions changed, with a differential
    /// flamegraph. What sampling costs is in no verdict.
    #[arg(long)]
    profile: bool,
    /// Where `--profile` writes differential.svg.
    #[arg(long, value_name = "DIR", default_value = "flamegraphs", requires = "profile")]
    flamegraphs: PathBuf,
    /// Write the time of every slot to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    judging: Judging,
}

/// What two servers are asked to do.
#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// Entries to measure; all of them if none is named.
    #[arg(long = "entry", value_name = "ENTRY", value_delimiter = ',', value_parser = OPERATIONS.map(|work| work.name))]
    entries: Vec<String>,
    /// The score to work on, as MusicXML; a generated one of 4 parts and 32 measures by default.
    #[arg(long, value_name = "FILE")]
    score: Option<PathBuf>,
    /// The shortest time slot, such as 50ms; calls are repeated until it is full.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = duration::with_unit)]
    slot: Duration,
    /// How long a call may take: seconds, or a time such as 2m.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::option)]
    deadline: Duration,
    /// Decides the random order of entries and servers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl WorkArgs {
    pub(super) fn settings(&self, baseline: &str, candidate: &str) -> anyhow::Result<Settings> {
        let build = Build { repository: ".".into(), directory: "target/ab".into() };
        let side = |server: &str| {
            Side::parse(server, &build)
                .with_context(|| format!("cannot use server '{}'", ServerSpec::without_values(server)))
        };
        Ok(Settings {
            baseline: side(baseline)?,
            candidate: side(candidate)?,
            workload: self.workload()?,
            blocks: 3,
            slot: self.slot,
            deadline: self.deadline,
            seed: self.seed,
            client: self.connection.options(&[]).map_err(Usage)?,
        })
    }

    fn named(&self, work: &Operation) -> bool {
        self.entries.is_empty() || self.entries.iter().any(|entry| entry == work.name)
    }

    fn workload(&self) -> anyhow::Result<Workload> {
        let operations = OPERATIONS.into_iter().filter(|work| self.named(work)).collect();
        let score = match &self.score {
            Some(path) => {
                std::fs::read(path).with_context(|| format!("failed to read score '{}'", path.display()))?
            }
            None => {
                let mut score = Vec::new();
                write_generated(&OrchestraSpec::new(4, 32, 1)?, &mut score, |_| {})?;
                score
            }
        };
        Ok(Workload { operations, score })
    }
}

impl Ab {
    /// What would be found wrong only after minutes of measuring.
    fn refuse_in_vain(&self) -> anyhow::Result<()> {
        let operations = OPERATIONS.iter().filter(|work| self.work.named(work)).map(|work| work.name);
        self.judging.refuse_idle_limits(operations.chain([SUITE]))?;
        self.judging.refuse_unwritable()?;
        if self.profile {
            std::fs::create_dir_all(&self.flamegraphs)
                .with_context(|| format!("failed to create '{}'", self.flamegraphs.display()))?;
            writable(&self.flamegraphs.join(DIFFERENTIAL))?;
        }
        self.trace.as_deref().map_or(Ok(()), writable)
    }

    pub(super) fn run(self) -> anyhow::Result<Exit> {
        self.refuse_in_vain()?;
        let settings = self.work.settings(&self.baseline_server, &self.server)?;
        let limits = self.judging.table(NOTICED);
        let (mut tell, mut silent) = (progress(), |_| {});
        let operations = &settings.workload.operations;
        let mut judge = Judge::new(
            operations,
            &limits,
            self.rounds,
            if self.all_rounds { &mut silent } else { &mut tell },
        );
        let measured = if self.all_rounds {
            run(&settings, &mut Fixed { operations, rounds: self.rounds, tell: &mut progress() })?
        } else {
            run(&settings, &mut judge)?
        };
        if let Some(path) = &self.trace {
            let file = std::fs::File::create(path)
                .with_context(|| format!("failed to create '{}'", path.display()))?;
            serde_json::to_writer(file, &measured)?;
        }
        let mut comparison = judge.conclude(&measured);
        let mut interrupted = measured.interrupted;
        if self.profile && !interrupted {
            interrupted = !self.profile(&settings, &mut comparison)?;
        }
        let exit = self.judging.finish(&comparison)?;
        Ok(if interrupted { Exit::Interrupted } else { exit })
    }

    /// Adds what changed in the profile, or why there is none; `false` if a signal came.
    fn profile(&self, settings: &Settings, comparison: &mut Comparison) -> anyhow::Result<bool> {
        let sampled = block_on(&mut Builder::new_current_thread(), async {
            let stop = CancellationToken::new();
            watch_signals(&stop)?;
            let mut tell = progress();
            Ok(tokio::select! {
                sampled = profile(settings, &mut tell) => Some(sampled),
                () = stop.cancelled() => None,
            })
        })?;
        let BothSides { sampler, notes, sides: [baseline, candidate] } = match sampled {
            Some(Ok(sampled)) => sampled,
            Some(Err(why)) => {
                comparison.notes.push(format!("not profiled: {why}"));
                return Ok(true);
            }
            None => return Ok(false),
        };
        let sides = [&settings.baseline.name, &settings.candidate.name].map(|name| fitted(name, Some(56)));
        let title = sides.join(" → ");
        comparison.notes.extend(notes);
        let (mut change, svg) = ProfileChange::of(sampler, [&baseline, &candidate], &title)?;
        if let Some(svg) = svg {
            let path = self.flamegraphs.join(DIFFERENTIAL);
            write(&path, svg)?;
            change.flamegraph = Some(path.display().to_string());
        }
        comparison.profile = Some(change);
        Ok(true)
    }
}

/// Measures until it is decided or a signal comes; the round in which it comes is dropped. A second signal ends the
/// process.
pub(super) fn run(settings: &Settings, rounds: &mut impl crate::ab::Rounds) -> anyhow::Result<Measured> {
    block_on(&mut Builder::new_current_thread(), async {
        let stop = CancellationToken::new();
        watch_signals(&stop)?;
        measure(settings, rounds, &stop).await
    })
}

/// Progress on stderr: one line that changes on a terminal, else one line for each round.
pub(super) fn progress() -> impl FnMut(String) {
    let end = if std::io::stderr().is_terminal() { "\x1b[K\r" } else { "\n" };
    move |text| {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(std::io::stderr(), "{text}{end}");
    }
}
