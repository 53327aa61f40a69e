//! Reads what the server's processes use, once a second, while a stage runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::host::Host;
use super::observer::Observer;
use super::result::ResourceAt;
use crate::target::{ProcessTree, ResourceSample, TargetSpec};

const INTERVAL: Duration = Duration::from_secs(1);
/// Finding who listens on a port reads every process's descriptors, so it is done seldom.
const LOOK_AGAIN: u32 = 10;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Readings(Vec<(Instant, u64, ResourceSample)>);

/// Reads until told to stop. Cancels `server_gone` when our own server has ended, since nobody will
/// start it again.
pub(super) async fn sample(
    host: Arc<Host>,
    observer: Arc<Mutex<Observer>>,
    stop: CancellationToken,
    server_gone: CancellationToken,
) -> Readings {
    let mut readings = Readings::default();
    let mut watch = Watch::new(&host).await;
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => break,
        }
        if host.obituary().is_some() {
            server_gone.cancel();
        }
        if let Some(sample) = watch.sample(&host).await {
            let calls = observer.lock().unwrap_or_else(PoisonError::into_inner).calls;
            readings.0.push((Instant::now(), calls, sample));
        }
    }
    readings
}

impl Readings {
    /// With times from the stage's start; what was read before it is left out.
    pub(super) fn since(self, start: Instant) -> Vec<ResourceAt> {
        let at = |(moment, calls, sample): (Instant, u64, ResourceSample)| {
            let at_ns = moment.checked_duration_since(start)?.as_nanos() as u64;
            Some(ResourceAt { at_ns, calls, sample })
        };
        self.0.into_iter().filter_map(at).collect()
    }
}

/// The server's process tree, looked for again as sessions come and go.
pub(super) struct Watch {
    roots: Vec<u32>,
    tree: ProcessTree,
    samples: u32,
}

impl Watch {
    pub(super) async fn new(host: &Host) -> Self {
        let roots = host.pids().await;
        Self { tree: ProcessTree::new(roots.iter().copied()), roots, samples: 0 }
    }

    pub(super) async fn sample(&mut self, host: &Host) -> Option<ResourceSample> {
        self.samples += 1;
        let is_cheap = !matches!(host.target.spec(), TargetSpec::Url(_));
        if is_cheap || self.samples.is_multiple_of(LOOK_AGAIN) {
            let roots = host.pids().await;
            if roots != self.roots {
                self.tree = ProcessTree::new(roots.iter().copied());
                self.roots = roots;
            }
        }
        self.tree.sample()
    }
}
