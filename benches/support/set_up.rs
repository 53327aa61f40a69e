//! What benches that start no server share: Criterion with committed baselines and our profiler.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use music21_mcp_bench::baseline::criterion::{Home, forget_unmeasured, restore_committed};
use music21_mcp_bench::server::ServerSpec;

#[path = "profiler.rs"]
mod profiler;

/// Criterion with these settings; those of the command line win.
pub(crate) fn criterion(samples: usize, warm_up: Duration, measurement: Duration) -> Criterion {
    for line in restore_committed(&Home::of(&ServerSpec::InProcess)) {
        eprintln!("{line}");
    }
    Criterion::default()
        .with_profiler(profiler::Sampling::new(None))
        .sample_size(samples)
        .warm_up_time(warm_up)
        .measurement_time(measurement)
        .configure_from_args()
}

/// Ends a group of that name, of which a filter may have left something out.
pub(crate) fn finish(group: BenchmarkGroup<'_, WallTime>, name: &str) {
    forget_unmeasured(&Home::of(&ServerSpec::InProcess), name);
    group.finish();
}

/// Whether anything is measured: `--test` and `--list` measure nothing.
pub(crate) fn is_measured() -> bool {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    has("--bench") && !has("--test") && !has("--list")
}
