//! `run`: load scenarios against a server.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::process::{enough_descriptors, raise_descriptor_limit, watch_signals};
use super::shape::Shape;
use super::{Exit, report};
use crate::profile::Profiling;
use crate::record::{Machine, Tool, Watch, utc};
use crate::scenario::{
    Check, Context, Definition, Host, Options, QUICK, RunFile, SCENARIOS, SCHEMA_VERSION, ScenarioResult,
    Verdict, find, run, summary,
};

/// Run load scenarios and write what they measured to DIR/result.json.
///
/// Exits with 0 if all passed, 1 if a check failed, 2 on a wrong command line, 3 if a run was INVALID or
/// could not be decided, 4 if the server failed, 130 after Ctrl-C. Ctrl-C once ends the calls under way and
/// writes what there is; twice stops at once.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenarios by name (see `list`), `quick`, `all`, or TOML files; `quick` if none is given.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// A command line (stdio), an http:// URL, or `embedded` (in this process). Without it the embedded server
    /// is started as a process of its own and reached over HTTP.
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Where result.json is written.
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    #[command(flatten)]
    shape: Shape,
    /// Decides arrivals and the choice of calls.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's process, where it is not the one that listens on the URL's port.
    #[arg(long)]
    pid: Option<u32>,
    /// Most sessions that are server processes.
    #[arg(long, value_name = "N", default_value_t = 16)]
    max_processes: usize,
    /// Write flamegraphs of this process and of the server into DIR/flamegraphs; the figures then include
    /// what sampling costs.
    #[arg(long)]
    profile: bool,
    /// Print the result as JSON instead of a summary.
    #[arg(long)]
    json: bool,
}

/// A scenario, from the table or from a file.
struct Chosen {
    define: Box<dyn Fn(&Options) -> Definition>,
    judge: fn(&ScenarioResult) -> Vec<Check>,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let chosen = match self.choose() {
            Ok(chosen) => chosen,
            Err(problem) => {
                // Nothing is left to tell if stderr is gone.
                let _ = writeln!(std::io::stderr(), "music21-mcp-bench: {problem}");
                return Ok(Exit::Usage);
            }
        };
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("failed to create '{}'", self.out.display()))?;
        raise_descriptor_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let exit = runtime.block_on(self.measure(chosen));
        runtime.shutdown_background();
        exit
    }

    fn choose(&self) -> Result<Vec<Chosen>, String> {
        let names: Vec<&str> = match self.scenarios.as_slice() {
            [] => QUICK.to_vec(),
            given => given.iter().flat_map(|name| expand(name)).collect(),
        };
        names.into_iter().map(choose_one).collect()
    }

    async fn measure(&self, chosen: Vec<Chosen>) -> anyhow::Result<Exit> {
        let interrupt = CancellationToken::new();
        watch_signals(&interrupt)?;
        let blank = Options::default();
        let in_file = chosen.iter().find_map(|one| (one.define)(&blank).server);
        let server = self.server.clone().or(in_file);
        let host = tokio::select! {
            host = Host::start(server.as_deref(), self.pid) => Arc::new(host?),
            () = interrupt.cancelled() => return Ok(Exit::Interrupted),
        };
        let all_quick = self.scenarios.iter().all(|name| name == "quick");
        let options = self.shape.options(&host, all_quick);
        let profiling = self.profile.then(|| Profiling::into(self.out.join("flamegraphs"))).transpose()?;
        let most = chosen.iter().map(|one| (one.define)(&options).most_clients()).max();
        enough_descriptors(most.unwrap_or(0))?;
        let watch = Watch::start();
        let mut file = self.file(&host);
        let path = self.out.join("result.json");
        write(&file, &path)?;
        let context = Context {
            host: &host,
            seed: self.seed,
            run_id: run_id(),
            interrupt: &interrupt,
            is_shown: std::io::stderr().is_terminal(),
            max_processes: self.max_processes.max(1),
            profiling: profiling.as_ref(),
        };
        let mut failed_to_write = None;
        for one in chosen {
            let mut save = |partial: &ScenarioResult| {
                let mut so_far = file.clone();
                so_far.scenarios.push(partial.clone());
                // A full disk must not end the run: the summary is still to come.
                failed_to_write = write(&so_far, &path).err();
            };
            let result = run((one.define)(&options), one.judge, &context, &mut save).await;
            self.show(&result)?;
            let is_over = matches!(result.verdict, Verdict::Interrupted | Verdict::ServerFailed);
            file.scenarios.push(result);
            if is_over {
                break;
            }
        }
        file.complete = !interrupt.is_cancelled();
        file.conditions = Some(watch.stop());
        host.stop().await;
        if self.json {
            serde_json::to_writer_pretty(std::io::stdout(), &file)?;
        }
        write(&file, &path)?;
        Ok(exit(&file.scenarios))
    }

    fn file(&self, host: &Host) -> RunFile {
        RunFile {
            schema_version: SCHEMA_VERSION,
            complete: false,
            created_utc: utc(SystemTime::now()),
            command_line: std::env::args().collect(),
            seed: self.seed,
            tool: Tool::here(),
            machine: Machine::here(),
            conditions: None,
            server: host.facts.clone(),
            scenarios: Vec::new(),
        }
    }

    fn show(&self, result: &ScenarioResult) -> anyhow::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut stdout = std::io::stdout();
        let colour =
            stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        writeln!(stdout, "{}", summary(result, colour)).context("failed to print the summary")
    }
}

fn expand(name: &str) -> Vec<&str> {
    match name {
        "quick" => QUICK.to_vec(),
        "all" => SCENARIOS.iter().map(|scenario| scenario.name).collect(),
        other => vec![other],
    }
}

fn choose_one(name: &str) -> Result<Chosen, String> {
    if let Some(scenario) = find(name) {
        return Ok(Chosen { define: Box::new(scenario.define), judge: scenario.judge });
    }
    if Path::new(name).extension().is_none_or(|end| end != "toml") {
        let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        return Err(format!(
            "unknown scenario '{name}'; use one of {}, quick, all, or a .toml file",
            known.join(", ")
        ));
    }
    let text = std::fs::read_to_string(name).map_err(|error| format!("cannot read '{name}': {error}"))?;
    let definition = Definition::from_toml(&text).map_err(|error| format!("'{name}': {error}"))?;
    let define = move |options: &Options| overridden(definition.clone(), options);
    Ok(Chosen { define: Box::new(define), judge: |_| Vec::new() })
}

/// A file's definition with what the command line says instead.
fn overridden(mut definition: Definition, options: &Options) -> Definition {
    for stage in &mut definition.stages {
        stage.clients = options.clients.unwrap_or(stage.clients);
        stage.duration_s = options.duration_s.or(stage.duration_s);
        stage.deadline_s = options.deadline_s.unwrap_or(stage.deadline_s);
        stage.rate_per_s = stage.rate_per_s.map(|rate| options.rate_per_s.unwrap_or(rate));
    }
    definition
}

/// The worst that happened.
fn exit(scenarios: &[ScenarioResult]) -> Exit {
    let any = |wanted: &[Verdict]| scenarios.iter().any(|scenario| wanted.contains(&scenario.verdict));
    match () {
        () if any(&[Verdict::Interrupted]) => Exit::Interrupted,
        () if any(&[Verdict::ServerFailed]) => Exit::Environment,
        () if any(&[Verdict::Fail]) => Exit::Regression,
        () if any(&[Verdict::Invalid, Verdict::Inconclusive]) => Exit::Inconclusive,
        () => Exit::Ok,
    }
}

fn write(file: &RunFile, path: &Path) -> anyhow::Result<()> {
    file.write(path).with_context(|| format!("failed to write '{}'", path.display()))?;
    report::write_beside(file, path)
}

/// No other run against the same server has the same.
fn run_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}{:x}", since.as_millis(), std::process::id())
}
