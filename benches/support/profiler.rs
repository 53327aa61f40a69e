//! What `--profile-time` writes: `flamegraph.svg` and `profile.pb` beside each bench's report.

use std::path::Path;

use criterion::profiler::Profiler;
use music21_mcp_bench::profile::OwnProfile;

/// Samples this process while Criterion profiles a bench.
#[derive(Default)]
pub(crate) struct Sampling {
    under_way: Option<OwnProfile>,
}

impl Profiler for Sampling {
    fn start_profiling(&mut self, id: &str, _directory: &Path) {
        // A bench that was cut unwound past Criterion's stop.
        self.under_way = None;
        match OwnProfile::start() {
            Ok(profile) => self.under_way = Some(profile),
            Err(error) => eprintln!("{id}: not profiled: {error:#}"),
        }
    }

    fn stop_profiling(&mut self, id: &str, directory: &Path) {
        let Some(profile) = self.under_way.take() else { return };
        match finish(profile, id, directory) {
            Ok(line) => eprintln!("{line}"),
            Err(error) => eprintln!("{id}: not profiled: {error:#}"),
        }
    }
}

fn finish(profile: OwnProfile, id: &str, directory: &Path) -> anyhow::Result<String> {
    let samples = profile.finish()?;
    std::fs::create_dir_all(directory)?;
    samples.write(id, &directory.join("flamegraph.svg"), &directory.join("profile.pb"))
}
