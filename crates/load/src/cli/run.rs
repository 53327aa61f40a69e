//! `run`: load scenarios against a server.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use clap::Args;
use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::{Machine, Watch};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::repeat::repeat;
use super::support::connection::{ConnectionArgs, named_server};
use super::support::masked::{command_line, shown};
use super::support::metrics;
use super::support::process::{claim, enough_descriptors, raise_descriptor_limit, watch_signals};
use super::support::profile::ProfileArgs;
use super::support::scenario_options::{DURATION, ScenarioOptions};
use super::support::select::{Selected, lacking, select};
use super::{Exit, Usage, report};
use crate::profile::Profiling;
use crate::record::{this_tool, unix_time, utc};
use crate::report::live_line::LiveLine;
use crate::report::terminal;
use crate::result::{Definition, RunFile, SCHEMA_VERSION, ScenarioResult, ServerFacts, Shard, Verdict};
use crate::run::{Context, Epoch, Host, Judges, Live, PROBED, run};
use crate::runtime::block_on;
use crate::scenario::{Options, advise, conclude, served};

/// Run load scenarios and write what they measured to DIR/result.json.
///
/// Exits with 0 if all passed, 1 if a check failed, 2 on a wrong command line, 3 if a run was INVALID or
/// could not be decided, 4 if the server failed, 130 after Ctrl-C. The first Ctrl-C ends the calls under way and writes
/// what was measured; the second stops at once.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenarios by name (see `list`), `quick`, `all`, or TOML files; `quick` if none is given.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// A command line (stdio), an http:// URL, `embedded` (a process of its own, reached over HTTP) or `in-process`.
    /// Without it the one that a file names, else `embedded`.
    #[arg(long, value_name = "SERVER", value_parser = named_server)]
    server: Option<String>,
    /// Where result.json is written.
    #[arg(long, visible_alias = "output-dir", value_name = "DIR", default_value = "results")]
    pub(super) out: PathBuf,
    /// Run it N times, each into a directory of its own (DIR/1, DIR/2, …), and show by how much the runs differ.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1000), conflicts_with_all = ["json", "shard", "metrics"])]
    repeat: Option<u32>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    options: ScenarioOptions,
    /// Decides arrivals and the choice of calls.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The id of the server's process, if it is not the process that listens on the URL's port.
    #[arg(long)]
    pid: Option<u32>,
    /// The most sessions over stdio, each of which is a server process.
    #[arg(long, value_name = "N", default_value_t = 16)]
    max_processes: usize,
    #[command(flatten)]
    profile: ProfileArgs,
    /// Take the I-th of N shares of the clients and rates; `auto` reads the variables of a Slurm job array, or of a
    /// Kubernetes Indexed Job and MUSIC21_SHARDS. See `merge`.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Serve the figures of the stage under way for Prometheus at http://ADDRESS/metrics.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Say nothing of how the run goes: no line on a terminal, and none every 15 s without one.
    #[arg(long, short)]
    quiet: bool,
    /// Print the result as JSON instead of a summary.
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let (_, scenarios) = self.profile.split(&self.scenarios).map_err(Usage)?;
        let selected = select(&scenarios).map_err(Usage)?;
        let options = self.options.of(&selected).map_err(Usage)?;
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("failed to create '{}'", self.out.display()))?;
        let _claim = claim(&self.out)?;
        raise_descriptor_limit();
        block_on(Builder::new_multi_thread().worker_threads(2), async move {
            let interrupt = CancellationToken::new();
            watch_signals(&interrupt)?;
            match self.repeat {
                Some(times) => repeat(self, times, &selected, &options, &interrupt).await,
                None => self.once(&selected, options, &interrupt).await,
            }
        })
    }

    /// One run, on a server of its own where none is named by its URL.
    pub(super) async fn once(
        &self,
        selected: &[Selected],
        mut options: Options,
        interrupt: &CancellationToken,
    ) -> anyhow::Result<Exit> {
        let server = match &self.server {
            Some(server) => Some(server.clone()),
            None => server_in_files(selected, &options).map_err(Usage)?,
        };
        let most = selected.iter().map(|one| one.definition(&options).most_clients()).max();
        let of_files: Vec<String> =
            selected.iter().flat_map(|one| one.definition(&options).headers).collect();
        let client = self.connection.options(&of_files).map_err(Usage)?;
        let require = required_tools(selected, &options);
        let host = tokio::select! {
            host = Host::start(server.as_deref(), client, self.pid, most.unwrap_or(1), require) => Arc::new(host?),
            () = interrupt.cancelled() => return self.ended_before_a_call(selected, &options),
        };
        if let Some(line) = lacking(selected, &options, &host.facts.tools) {
            host.stop().await;
            return Err(Usage(line).into());
        }
        options.all_sizes |= host.is_embedded();
        options.process_per_session = host.has_process_per_session();
        let exit = self.measure_on(&host, selected, &options, interrupt).await;
        host.stop().await;
        exit
    }

    /// The server had not started yet: what was to be run is on file, and that nothing was.
    fn ended_before_a_call(&self, selected: &[Selected], options: &Options) -> anyhow::Result<Exit> {
        let spec = ServerSpec::without_values(self.server.as_deref().unwrap_or(""));
        let begun = selected.iter().take(1).map(|one| ScenarioResult::begun(shown(one.definition(options))));
        let facts = ServerFacts { spec, ..ServerFacts::default() };
        let file = RunFile { scenarios: begun.collect(), ..self.file(facts) };
        let path = report::result_of(&self.out);
        report::forget_flamegraphs(&path)?;
        self.tell(&file, &path)
    }

    async fn measure_on(
        &self,
        host: &Arc<Host>,
        selected: &[Selected],
        options: &Options,
        interrupt: &CancellationToken,
    ) -> anyhow::Result<Exit> {
        let whole: Vec<Definition> = selected.iter().map(|one| shown(one.definition(options))).collect();
        let shares = match self.shard {
            Some(shard) => whole.iter().cloned().map(|one| shard.take(one)).collect(),
            None => Ok(whole.clone()),
        };
        let definitions: Vec<Definition> = shares.map_err(Usage)?;
        let most = definitions.iter().map(Definition::most_sessions).max();
        enough_descriptors(most.unwrap_or(0))?;
        let (kinds, _) = self.profile.split(&self.scenarios).map_err(Usage)?;
        let into = |kinds| Profiling::into(self.out.join("flamegraphs"), kinds);
        let profiling = kinds.map(into).transpose()?;
        let watch = Watch::start();
        let mut file = self.file(host.facts.clone());
        file.shard = self.shard.map(|shard| shard.facts(&whole, self.seed));
        let live = Live::default();
        let line = (!self.quiet).then(|| {
            let live = live.clone();
            LiveLine::start(move || live.snapshot())
        });
        if let Some(address) = self.metrics {
            metrics::serve(address, live.clone(), host.facts.clone()).await?;
        }
        let path = report::result_of(&self.out);
        report::forget_flamegraphs(&path)?;
        report::write_all(&file, &path)?;
        let context = Context {
            host,
            epoch: Epoch { instant: Instant::now(), unix: unix_time() },
            seed: self.seed,
            run_id: run_id(self.shard),
            shard: self.shard,
            live,
            interrupt,
            max_processes: self.max_processes.max(1),
            profiling: profiling.as_ref(),
        };
        for (one, definition) in selected.iter().zip(definitions) {
            let mut save = |partial: &ScenarioResult| {
                file.scenarios.push(partial.clone());
                // A full disk must not end the run: the summary is still to come, and the last write tells.
                let _ = file.write(&path);
                file.scenarios.pop();
            };
            let conclude = |result: &mut ScenarioResult, interrupted| {
                conclude(result, Some(one.judge), interrupted);
                advise(result, &host.facts);
            };
            let judges = Judges { served, conclude: &conclude };
            let result = run(definition, &judges, &context, &mut save).await;
            if !self.json {
                let print = || report::print(|screen| terminal::scenario(&result, screen));
                line.as_ref().map_or_else(print, |line| line.suspend(print))?;
            }
            let is_over = matches!(result.verdict, Verdict::Interrupted | Verdict::ServerFailed);
            file.scenarios.push(result);
            if is_over {
                break;
            }
        }
        drop(line);
        file.complete = file.scenarios.len() == selected.len() && !interrupt.is_cancelled();
        file.conditions = Some(watch.stop());
        self.tell(&file, &path)
    }

    /// Writes the result and says what it is.
    fn tell(&self, file: &RunFile, path: &Path) -> anyhow::Result<Exit> {
        report::write_all(file, path)?;
        if self.json {
            serde_json::to_writer_pretty(std::io::stdout(), file)?;
        } else {
            report::print(|screen| terminal::overview(file, screen))?;
            report::name_beside(path)?;
        }
        Ok(Exit::of_run(&file.scenarios))
    }

    fn file(&self, server: ServerFacts) -> RunFile {
        RunFile {
            schema_version: SCHEMA_VERSION,
            complete: false,
            created_utc: utc(SystemTime::now()),
            command_line: command_line(std::env::args(), std::env::var(DURATION).ok()),
            seed: self.seed,
            tool: this_tool(),
            machine: Machine::here(),
            conditions: None,
            shard: None,
            server,
            scenarios: Vec::new(),
        }
    }
}

/// The server that the files name: a run has one.
fn server_in_files(selected: &[Selected], options: &Options) -> Result<Option<String>, String> {
    let mut named: Vec<String> = selected.iter().filter_map(|one| one.definition(options).server).collect();
    named.sort();
    named.dedup();
    match named.len() {
        0 | 1 => Ok(named.pop()),
        _ => Err(format!(
            "the files name several servers ({}); run them apart, or give --server",
            named.join("; ")
        )),
    }
}

/// Tools without which a shipped scenario shows nothing. A file may name one that a server does not list.
fn required_tools(selected: &[Selected], options: &Options) -> Vec<String> {
    let mut tools = BTreeSet::new();
    for definition in selected.iter().filter(|one| !one.is_file).map(|one| one.definition(options)) {
        let calls = definition.steps().filter(|step| step.request.is_none());
        tools.extend(calls.map(|step| step.tool.clone()));
        tools.extend(definition.probe.map(|_| PROBED.to_owned()));
    }
    tools.into_iter().collect()
}

/// No other run against the same server has the same.
fn run_id(shard: Option<Shard>) -> String {
    // Two machines may have the same process id at the same time.
    let share = shard.map_or(0, |shard| shard.index);
    format!("{:x}{:x}{share:x}", unix_time().as_millis(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_name_several_servers_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, server: &str| {
            let path = directory.path().join(name);
            let rest = "probe = { capacity = 1, per_second = 1 }";
            std::fs::write(&path, format!("name = '{server}'\nserver = '{server}'\n{rest}\n")).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (a, b) = (file("a.toml", "one"), file("b.toml", "two"));
        let server = |words: &[&String]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            server_in_files(&select(&words).unwrap(), &Options::default())
        };
        assert_eq!(server(&[&a]), Ok(Some("one".to_owned())));
        assert_eq!(server(&[&"quick".to_owned(), &b]), Ok(Some("two".to_owned())));
        assert!(server(&[&a, &b]).unwrap_err().contains("(one; two)"));
    }
}
