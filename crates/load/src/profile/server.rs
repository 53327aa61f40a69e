//! Samples a server's process from outside while a stage runs: Python by py-spy; where that cannot, by the sampling profiler
//! that Python has itself from 3.15 on; where there is none, by perf if Python tells it its functions. Anything else by perf.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use music21_mcp_proc::ProcessTree;
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::calls::Seen;
use super::{own_sampler, perf, py_spy};

/// What of a stage is sampled at most: a trace of it takes 20 MB.
pub(super) const LONGEST: Duration = Duration::from_secs(120);
/// How long a sampler may take to write down what it has.
const WRITING: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampler {
    PySpy,
    /// Python's own.
    Own,
    Perf,
}

/// A sampler at work. It ends when dropped.
pub(crate) struct ServerProfile {
    sampler: Sampler,
    fallback: Option<String>,
    pid: Option<u32>,
    directory: TempDir,
    stop: DropGuard,
    ended: JoinHandle<io::Result<Ended>>,
}

/// How a sampler ended.
struct Ended {
    /// When it was told to; `None` if it did by itself.
    told: Option<Instant>,
    stderr: String,
}

impl ServerProfile {
    /// Starts to sample one process of the trees below `roots`: the first that is Python, else the first.
    ///
    /// # Errors
    ///
    /// A line that says why it cannot be.
    pub(crate) async fn start(roots: &[u32]) -> Result<Self, String> {
        let pids = ProcessTree::new(roots.iter().copied()).pids();
        let python = pids.iter().find(|&&pid| is_python(pid));
        let pid = *python.or(pids.first()).ok_or("its process is not on this machine")?;
        let (sampler, program, fallback) = choose(pid, python.is_some()).await?;
        let directory = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
        let (pid, out) = (pid.to_string(), directory.path().join("samples"));
        let arguments = match sampler {
            Sampler::PySpy => py_spy::arguments(&pid, &out),
            Sampler::Own => own_sampler::arguments(&pid, &out),
            Sampler::Perf => perf::arguments(&pid, &out),
        };
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C is ours to pass on.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| sampler.not_started(&error))?;
        let (stop, pid) = (CancellationToken::new(), child.id());
        let ended = tokio::spawn(watch(child, stop.clone()));
        Ok(Self { sampler, fallback, pid, directory, stop: stop.drop_guard(), ended })
    }

    /// Ends sampling. What was seen is on the clock that began at `started`.
    ///
    /// # Errors
    ///
    /// A line that says why there are none.
    pub(crate) async fn finish(self, started: Instant) -> Result<Seen, String> {
        drop(self.stop);
        let program = self.sampler.program();
        let ended = match self.ended.await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => return Err(format!("{program}: {error}")),
            Err(_) => return Err(format!("{program} was not waited for")),
        };
        let path = self.directory.path().join("samples");
        let Some(told) = ended.told.filter(|_| path.exists()) else {
            return Err(format!("{program} gave up: {}", reason(&ended.stderr)));
        };
        let end_ns = told.saturating_duration_since(started).as_nanos() as u64;
        match self.sampler {
            Sampler::PySpy | Sampler::Own => {
                let trace = fs::read(&path).map_err(|error| format!("{program}: {error}"))?;
                let seen = match self.sampler {
                    Sampler::PySpy => py_spy::seen(&trace, end_ns),
                    _ => own_sampler::seen(&trace, monotonic_ns(started), end_ns),
                };
                seen.map_err(|error| format!("{program}'s trace: {error}"))
            }
            Sampler::Perf => {
                let printed = printed(&path).await?;
                Ok(perf::seen(&printed, monotonic_ns(started), end_ns))
            }
        }
    }

    /// The sampler's process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Why it is not the first choice, and what that means.
    pub(crate) fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    pub(crate) fn program(&self) -> &'static str {
        self.sampler.program()
    }
}

impl Sampler {
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::PySpy => "py-spy",
            Self::Own => own_sampler::NAME,
            Self::Perf => "perf",
        }
    }

    pub(super) fn not_started(self, error: &io::Error) -> String {
        let hint = match self {
            Self::PySpy => "install it with `pip install py-spy`",
            Self::Own => "it comes with Python 3.15",
            Self::Perf => "install your distribution's perf or linux-perf",
        };
        match error.kind() {
            io::ErrorKind::NotFound => format!("{} is not on PATH; {hint}", self.program()),
            _ => format!("{}: {error}", self.program()),
        }
    }
}

/// What samples a process, by which program, and why it is not the first choice.
///
/// # Errors
///
/// A line that says why nothing can.
async fn choose(pid: u32, is_python: bool) -> Result<(Sampler, PathBuf, Option<String>), String> {
    if !is_python {
        return Ok((Sampler::Perf, Sampler::Perf.program().into(), None));
    }
    let Some(why) = py_spy::refuses(pid).await else {
        return Ok((Sampler::PySpy, Sampler::PySpy.program().into(), None));
    };
    match own_sampler::python(pid).await {
        Ok(python) => {
            let instead = format!("{why}; sampled by {}, which its Python has itself", own_sampler::NAME);
            Ok((Sampler::Own, python, Some(instead)))
        }
        Err(own) => {
            let instead = perf::instead(pid, &format!("{why}; {own}"))?;
            Ok((Sampler::Perf, Sampler::Perf.program().into(), Some(instead)))
        }
    }
}

/// Interrupts the sampler when told to, or when there is enough, and waits until it has written.
async fn watch(child: Child, stop: CancellationToken) -> io::Result<Ended> {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let mut output = Box::pin(child.wait_with_output());
    let stderr = |output: Output| String::from_utf8_lossy(&output.stderr).into_owned();
    tokio::select! {
        output = &mut output => return Ok(Ended { told: None, stderr: stderr(output?) }),
        () = stop.cancelled() => {}
        () = tokio::time::sleep(LONGEST) => {}
    }
    let told = Some(Instant::now());
    if let Some(pid) = pid {
        kill_process(pid, Signal::INT)?;
    }
    // One that takes too long is killed when dropped.
    let written = tokio::time::timeout(WRITING, output).await;
    Ok(Ended { told, stderr: written.ok().transpose()?.map_or_else(String::new, stderr) })
}

async fn printed(recorded: &Path) -> Result<String, String> {
    let mut command = Command::new("perf");
    command.args(perf::script(recorded)).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(WRITING, command.output()).await {
        Err(_) => Err(format!("perf script took more than {} s", WRITING.as_secs())),
        Ok(Err(error)) => Err(format!("perf script: {error}")),
        Ok(Ok(output)) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

/// The clock of perf's samples at a moment.
fn monotonic_ns(moment: Instant) -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32);
    now.saturating_sub(moment.elapsed()).as_nanos() as u64
}

pub(super) fn is_python(pid: u32) -> bool {
    let program = music21_mcp_proc::executable(pid);
    let name = program.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("python"))
}

/// The last line that says something: where Python ends with an error, what it is.
pub(super) fn last_line(stderr: &str) -> &str {
    stderr.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing")
}

/// The first line that says something.
pub(super) fn reason(stderr: &str) -> &str {
    let says = |line: &&str| !line.is_empty() && !line.starts_with("py-spy> Sampling");
    stderr.lines().map(str::trim).find(says).unwrap_or("it says nothing")
}
