//! Reads what the server's processes and our own use, once a second, while a stage runs.

use std::fs::DirEntry;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use music21_mcp_bench::server::ServerSpec;
use music21_mcp_proc::{ProcessTree, ResourceSample};
use tokio_util::sync::CancellationToken;

use super::observer::Observer;
use super::session_pool::Host;
use crate::lock::lock;
use crate::result::ResourceAt;

const INTERVAL: Duration = Duration::from_secs(1);
/// The first readings follow each other faster, each after twice as long as the one before: a stage may be shorter than the
/// interval, and the very first reading come before its start.
const FIRST: Duration = Duration::from_millis(100);
/// Finding who listens on a port reads every process's descriptors, and files may be many, so both are done
/// seldom.
const LOOK_AGAIN: u32 = 10;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Readings {
    server: Vec<Reading>,
    own: Vec<Reading>,
}

/// The moment, and all that is known at it but how long that is after the stage's start.
type Reading = (Instant, ResourceAt);

/// Reads until `stop` is cancelled. Cancels `server_gone` when our own server has ended, since nobody will
/// start it again.
pub(super) async fn sample(
    host: Arc<Host>,
    observer: Arc<Mutex<Observer>>,
    readings: Arc<Mutex<Readings>>,
    stop: CancellationToken,
    server_gone: CancellationToken,
) {
    let mut watch = Watch::new(&host).await;
    let (mut next, mut wait) = (tokio::time::Instant::now(), FIRST);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = stop.cancelled() => break,
        }
        // One that is late, on a machine that was suspended, is not made up for.
        next = tokio::time::Instant::now().max(next + wait);
        wait = (wait * 2).min(INTERVAL);
        if host.exit_report().is_some() {
            server_gone.cancel();
        }
        let server = watch.sample(&host).await;
        let temp = watch.temp(&host).await;
        let calls = {
            let mut observer = lock(&observer);
            observer.resources = server.or(observer.resources);
            observer.calls
        };
        let moment = Instant::now();
        let restarts = watch.restarts;
        let (temp_bytes, temp_files) = temp.unzip();
        let reading =
            |sample| (moment, ResourceAt { at_ns: 0, calls, restarts, sample, temp_bytes, temp_files });
        let mut readings = lock(&readings);
        readings.server.extend(server.map(reading));
        readings.own.extend(ResourceSample::of_own_process().map(reading));
    }
}

impl Readings {
    /// The server's, with times from the stage's start.
    pub(super) fn server(&self, start: Instant) -> Vec<ResourceAt> {
        since(&self.server, start)
    }

    /// Our own, with times from the stage's start.
    pub(super) fn own(&self, start: Instant) -> Vec<ResourceAt> {
        since(&self.own, start)
    }
}

/// What was read before the start is left out.
fn since(readings: &[Reading], start: Instant) -> Vec<ResourceAt> {
    let at = |&(moment, reading): &Reading| {
        let at_ns = moment.checked_duration_since(start)?.as_nanos() as u64;
        Some(ResourceAt { at_ns, ..reading })
    };
    readings.iter().filter_map(at).collect()
}

/// The server's process tree, looked for again as sessions come and go.
pub(super) struct Watch {
    roots: Vec<u32>,
    tree: ProcessTree,
    samples: u32,
    /// How many times a process was no longer there.
    restarts: u32,
}

impl Watch {
    pub(super) async fn new(host: &Host) -> Self {
        let roots = host.pids().await;
        Self { tree: ProcessTree::new(roots.iter().copied()), roots, samples: 0, restarts: 0 }
    }

    pub(super) async fn sample(&mut self, host: &Host) -> Option<ResourceSample> {
        self.samples += 1;
        let is_cheap = host.is_ours() || !matches!(host.target.spec(), ServerSpec::Url(_));
        if is_cheap || self.samples.is_multiple_of(LOOK_AGAIN) {
            let roots = host.pids().await;
            if roots != self.roots {
                // New ones alone are sessions that open.
                self.restarts += u32::from(self.roots.iter().any(|pid| !roots.contains(pid)));
                self.tree = ProcessTree::new(roots.iter().copied());
                self.roots = roots;
            }
        }
        self.tree.sample()
    }

    /// Bytes and number of the files in the server's temporary directory, at every tenth sample: there may be thousands.
    async fn temp(&self, host: &Host) -> Option<(u64, u64)> {
        let directory = host.servers_directory().filter(|_| self.samples % LOOK_AGAIN == 1)?.to_owned();
        tokio::task::spawn_blocking(move || files_below(&directory)).await.ok()
    }
}

/// Bytes and number of all files below a directory. What disappears meanwhile is not counted.
fn files_below(directory: &Path) -> (u64, u64) {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let files = |entry: DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => files_below(&entry.path()),
        Ok(data) => (data.len(), 1),
        Err(_) => (0, 0),
    };
    entries.map(files).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}
