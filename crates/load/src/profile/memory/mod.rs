//! What a Python server's process allocates between the warm-up and the end of a stage and does not free, by memray.

mod memray;
mod site;

use std::time::Instant;

use music21_mcp_proc::ProcessTree;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::memray::Memray;
use self::site::Record;
use super::calls::CallSpan;
use super::server::is_python;
use crate::result::KeptMemory;

/// Memory that is being followed, or will be once the warm-up is over. It ends when dropped.
pub(super) struct MemoryProfile {
    processes: usize,
    stop: DropGuard,
    followed: JoinHandle<Result<Followed, Refused>>,
}

/// What can be let into a server's process.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    memray: Memray,
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
    /// Looks for a memray that can be let into a process such as the servers' below `roots`.
    ///
    /// # Errors
    ///
    /// A line that says why there is none, and what to do.
    pub(super) async fn find(roots: &[u32]) -> Result<Self, String> {
        let pid = pythons(roots)?[0];
        Ok(Self { memray: Memray::find(pid, directory()?.path()).await? })
    }
}

/// The Python processes of the trees below `roots`, of which there is at least one.
fn pythons(roots: &[u32]) -> Result<Vec<u32>, String> {
    let pids = ProcessTree::new(roots.iter().copied()).pids();
    let first = *pids.first().ok_or("it has no process of its own on this machine")?;
    let pythons: Vec<u32> = pids.into_iter().filter(|&pid| is_python(pid)).collect();
    if pythons.is_empty() { Err(native(first)) } else { Ok(pythons) }
}

fn directory() -> Result<TempDir, String> {
    tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))
}

impl MemoryProfile {
    /// Lets memray into the first Python process of the trees below `roots`, once `warmed_up`.
    ///
    /// # Errors
    ///
    /// A line that says why it cannot be.
    pub(super) fn start(
        roots: &[u32],
        ready: Ready,
        warmed_up: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, String> {
        let pythons = pythons(roots)?;
        let directory = directory()?;
        let stop = CancellationToken::new();
        let followed = tokio::spawn(follow(pythons[0], directory, ready.memray, warmed_up, stop.clone()));
        Ok(Self { processes: pythons.len(), stop: stop.drop_guard(), followed })
    }

    /// Ends it; `calls` are on the clock that began at `started`.
    ///
    /// # Errors
    ///
    /// A line that says why there is nothing.
    pub(super) async fn finish(self, started: Instant, calls: &[CallSpan]) -> Result<Kept, Refused> {
        drop(self.stop);
        let ended = self.followed.await.map_err(|_| Refused::after("memray was not waited for"))?;
        let Followed { from, until, mut records } = ended?;
        records.retain(|record| !record.is_of_the_profiler());
        let [from_ns, until_ns] =
            [from, until].map(|at| at.saturating_duration_since(started).as_nanos() as u64);
        let meanwhile = calls.iter().filter(|call| (from_ns..=until_ns).contains(&call.done_ns)).count();
        if meanwhile == 0 {
            return Err(Refused::after("no call ended while memray followed; run it longer"));
        }
        let calls_of_process = meanwhile as f64 / self.processes as f64;
        let bytes = records.iter().map(|record| record.bytes).sum();
        let memory = KeptMemory {
            seconds: until.saturating_duration_since(from).as_secs_f64(),
            calls: meanwhile as u64,
            processes: self.processes as u64,
            bytes,
            bytes_per_call: bytes as f64 / calls_of_process,
            allocations: records.iter().map(|record| record.allocations).sum(),
            sites: site::most(&records, calls_of_process),
        };
        Ok(Kept { memory, folded: site::folded(&records) })
    }
}

async fn follow(
    pid: u32,
    directory: TempDir,
    memray: Memray,
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
    memray.attach(pid, &file).await.map_err(Refused::after)?;
    let from = Instant::now();
    stop.cancelled().await;
    let until = Instant::now();
    memray.detach(pid).await.map_err(Refused::after)?;
    let records = memray.read(&file).await.map_err(Refused::after)?;
    Ok(Followed { from, until, records })
}

/// Native servers' heaps are not followed yet: what would, by name.
fn native(pid: u32) -> String {
    let program = music21_mcp_proc::executable(pid);
    let program = program.as_deref().map_or("it".to_owned(), |path| path.display().to_string());
    format!(
        "'{program}' is no Python; start a native server below heaptrack, or with jemalloc's profile (MALLOC_CONF=prof:true), \
         to see what it keeps"
    )
}
