//! What `--profile-time` writes: `flamegraph.svg` and `profile.pb` beside each bench's report.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::profiler::Profiler;
use music21_mcp_bench::profile::{ClientShare, OwnProfile};

/// Of each bench of the embedded server, which shares this process, how much of its figure is the client's own work.
pub(crate) type Shares = Rc<RefCell<Vec<(String, ClientShare)>>>;

/// Calls that were timed, by all benches together.
pub(crate) static CALLS: AtomicU64 = AtomicU64::new(0);

/// Samples this process while Criterion profiles a bench.
pub(crate) struct Sampling {
    under_way: Option<OwnProfile>,
    calls_before: u64,
    shares: Option<Shares>,
}

impl Sampling {
    /// Shares go to `shares`, if there are any to be had.
    pub(crate) fn new(shares: Option<Shares>) -> Self {
        Self { under_way: None, calls_before: 0, shares }
    }
}

impl Profiler for Sampling {
    fn start_profiling(&mut self, id: &str, _directory: &Path) {
        // A bench that was cut unwound past Criterion's stop.
        self.under_way = None;
        self.calls_before = CALLS.load(Ordering::Relaxed);
        match OwnProfile::start() {
            Ok(profile) => self.under_way = Some(profile),
            Err(error) => eprintln!("{id}: not profiled: {error:#}"),
        }
    }

    fn stop_profiling(&mut self, id: &str, directory: &Path) {
        let Some(profile) = self.under_way.take() else { return };
        let calls = CALLS.load(Ordering::Relaxed) - self.calls_before;
        match finish(profile, id, directory, calls) {
            Ok((line, share)) => {
                eprintln!("{line}");
                if let Some(shares) = &self.shares {
                    eprintln!("{id}: {share}");
                    shares.borrow_mut().push((id.to_owned(), share));
                }
            }
            Err(error) => eprintln!("{id}: not profiled: {error:#}"),
        }
    }
}

fn finish(
    profile: OwnProfile,
    id: &str,
    directory: &Path,
    calls: u64,
) -> anyhow::Result<(String, ClientShare)> {
    let samples = profile.finish()?;
    std::fs::create_dir_all(directory)?;
    let line = samples.write(id, &directory.join("flamegraph.svg"), &directory.join("profile.pb"))?;
    Ok((line, ClientShare::of(&samples.folded, calls)))
}
