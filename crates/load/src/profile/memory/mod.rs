//! What a server's process allocates between the warm-up and the end of a stage and does not free: of Python by memray or
//! tracemalloc, of anything else by jemalloc itself or heaptrack.

mod heaptrack;
mod jemalloc;
mod script;
mod site;

use std::path::Path;
use std::time::Instant;

use music21_mcp_proc::ProcessTree;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::heaptrack::Heaptrack;
use self::jemalloc::Jemalloc;
use self::script::Script;
use self::site::Record;
use super::calls::CallSpan;
use super::server::is_python;
use crate::result::{HEAPTRACK, JEMALLOC, KeptMemory};

/// Memory that is being followed, or will be once the warm-up is over. It ends when dropped.
pub(super) struct MemoryProfile {
    processes: usize,
    by: &'static str,
    stop: DropGuard,
    followed: JoinHandle<Result<Followed, Refused>>,
}

/// What can be let into a server's process.
#[derive(Debug, Clone)]
pub(in crate::profile) enum Ready {
    Python(Script),
    /// It does so by itself.
    Jemalloc(Jemalloc),
    Heaptrack,
}

/// Why there is nothing to be shown.
pub(super) struct Refused {
    pub(super) why: String,
    /// The server was stopped for a moment all the same.
    pub(super) touched: bool,
}

impl Refused {
    fn before(why: impl Into<String>) -> Self {
        Self { why: why.into(), touched: false }
    }

    fn after(why: impl Into<String>) -> Self {
        Self { why: why.into(), touched: true }
    }
}

/// What was seen, and from when until when.
struct Followed {
    from: Instant,
    until: Instant,
    records: Vec<Record>,
}

/// A server's kept memory as a reader of the run has it.
pub(super) struct Kept {
    pub(super) memory: KeptMemory,
    /// Stacks with their bytes.
    pub(super) folded: Vec<String>,
}

impl Ready {
    /// Looks for what can be let into a process such as the servers' below `roots`.
    ///
    /// # Errors
    ///
    /// A line that says why there is nothing, and what to do.
    pub(super) async fn find(roots: &[u32]) -> Result<Self, String> {
        match processes(roots)? {
            (true, pids) => Ok(Self::Python(Script::find(pids[0], directory()?.path()).await?)),
            (false, pids) => {
                if let Some(jemalloc) = Jemalloc::of(pids[0]).await {
                    return Ok(Self::Jemalloc(jemalloc));
                }
                let found = heaptrack::find(directory()?.path()).await;
                found.map(|()| Self::Heaptrack).map_err(|why| native(pids[0], &why))
            }
        }
    }

    /// What a reader must know if it is not the first choice.
    pub(super) fn instead(&self) -> Option<String> {
        match self {
            Self::Python(script) => script.instead(),
            Self::Jemalloc(_) | Self::Heaptrack => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Python(script) => script.tool.name(),
            Self::Jemalloc(_) => JEMALLOC,
            Self::Heaptrack => HEAPTRACK,
        }
    }
}

/// Whether the trees below `roots` are Python's, and those of their processes that are, else all: at least one.
fn processes(roots: &[u32]) -> Result<(bool, Vec<u32>), String> {
    let pids = ProcessTree::new(roots.iter().copied()).pids();
    let pythons: Vec<u32> = pids.iter().copied().filter(|&pid| is_python(pid)).collect();
    match (pids.is_empty(), pythons.is_empty()) {
        (true, _) => Err("it has no process of its own on this machine".to_owned()),
        (false, true) => Ok((false, pids)),
        (false, false) => Ok((true, pythons)),
    }
}

fn native(pid: u32, why: &str) -> String {
    let program = music21_mcp_proc::executable(pid);
    let program = program.as_deref().map_or("it".to_owned(), |path| path.display().to_string());
    format!("'{program}' is no Python; {why}")
}

fn directory() -> Result<TempDir, String> {
    tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))
}

impl MemoryProfile {
    /// Lets it into the first Python process of the trees below `roots`, else the first of all, once `warmed_up`.
    ///
    /// # Errors
    ///
    /// A line that says why it cannot be.
    pub(super) fn start(
        roots: &[u32],
        ready: Ready,
        warmed_up: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, String> {
        let (_, pids) = processes(roots)?;
        let directory = directory()?;
        let stop = CancellationToken::new();
        let by = ready.name();
        let followed = tokio::spawn(follow(pids[0], directory, ready, warmed_up, stop.clone()));
        Ok(Self { processes: pids.len(), by, stop: stop.drop_guard(), followed })
    }

    /// Ends it; `calls` are on the clock that began at `started`.
    ///
    /// # Errors
    ///
    /// A line that says why there is nothing.
    pub(super) async fn finish(self, started: Instant, calls: &[CallSpan]) -> Result<Kept, Refused> {
        drop(self.stop);
        let by = self.by;
        let ended = self.followed.await.map_err(|_| Refused::after(format!("{by} was not waited for")))?;
        let Followed { from, until, mut records } = ended?;
        records.retain(|record| !record.is_of_the_profiler());
        let [from_ns, until_ns] =
            [from, until].map(|at| at.saturating_duration_since(started).as_nanos() as u64);
        let meanwhile = calls.iter().filter(|call| (from_ns..=until_ns).contains(&call.done_ns)).count();
        if meanwhile == 0 {
            return Err(Refused::after(format!("no call ended while {by} followed; run it longer")));
        }
        let calls_of_process = meanwhile as f64 / self.processes as f64;
        let bytes = records.iter().map(|record| record.bytes).sum();
        let memory = KeptMemory {
            by: by.to_owned(),
            seconds: until.saturating_duration_since(from).as_secs_f64(),
            calls: meanwhile as u64,
            processes: self.processes as u64,
            bytes,
            bytes_per_call: bytes as f64 / calls_of_process,
            allocations: records.iter().filter_map(|record| record.allocations).reduce(|a, b| a + b),
            sites: site::most(&records, calls_of_process),
        };
        Ok(Kept { memory, folded: site::folded(&records) })
    }
}

async fn follow(
    pid: u32,
    directory: TempDir,
    ready: Ready,
    warmed_up: impl Future<Output = ()>,
    stop: CancellationToken,
) -> Result<Followed, Refused> {
    tokio::select! {
        () = warmed_up => {}
        () = stop.cancelled() => {
            return Err(Refused::before("a stage was over before its warm-up was; run it longer"));
        }
    }
    let file = directory.path().join("memory");
    let attached = match ready {
        Ready::Jemalloc(jemalloc) => return jemalloc.follow(&stop).await.map_err(Refused::before),
        Ready::Python(script) => script.attach(pid, &file).await.map(|()| Attached::Python(script)),
        Ready::Heaptrack => {
            Heaptrack::attach(pid, &file).await.map(|held| Attached::Heaptrack(Box::new(held)))
        }
    };
    let attached = attached.map_err(Refused::after)?;
    let from = Instant::now();
    stop.cancelled().await;
    let until = Instant::now();
    let records = attached.finish(pid, &file).await.map_err(Refused::after)?;
    Ok(Followed { from, until, records })
}

/// What has been let in.
enum Attached {
    Python(Script),
    Heaptrack(Box<Heaptrack>),
}

impl Attached {
    /// Lets it go, and reads what it saw.
    async fn finish(self, pid: u32, file: &Path) -> Result<Vec<Record>, String> {
        match self {
            Self::Python(script) => {
                script.detach(pid, file).await?;
                script.read(file).await
            }
            Self::Heaptrack(heaptrack) => {
                heaptrack.detach(pid).await?;
                heaptrack::read(file).await
            }
        }
    }
}
