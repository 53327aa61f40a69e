//! A profile of this process by CPU-time samples (pprof over `SIGPROF`).
//!
//! What it cannot see: a sample whose innermost frame is in libc, libgcc or the vDSO is dropped, since unwinding
//! from there has crashed this program. Code that reads and writes sockets spends most of its time there, so
//! every flamegraph says how many of the expected samples it has; `perf record -g` on the same command sees
//! the rest. The kernel's tick caps the rate near 250 Hz.
//!
//! What it costs: about 1 % more CPU time; `music21-mcp-bench audit sampling` measures it, and docs/audits.md has the
//! figure.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use music21_mcp_proc::own_cpu;
use pprof::protos::Message as _;
use pprof::{ProfilerGuard, ProfilerGuardBuilder};

use super::{flame, stack};

/// Samples for each second of CPU time.
pub const FREQUENCY: u32 = 250;
/// A signal that interrupts one of these is not followed down the stack.
const BLOCKED: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// Samples this process until finished. There can be one at a time.
pub struct OwnProfile {
    guard: ProfilerGuard<'static>,
    cpu_before: Duration,
}

/// What was sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnSamples {
    /// `thread;outer;…;inner count`, without the runtime's own frames, sorted.
    pub folded: Vec<String>,
    /// The same in pprof's format, `profile.proto`.
    pub protobuf: Vec<u8>,
    /// Samples that were kept.
    pub kept: u64,
    /// Samples that the CPU time used should have given.
    pub expected: u64,
}

impl OwnProfile {
    /// Begins to sample all threads.
    ///
    /// # Errors
    ///
    /// If another profile is under way.
    pub fn start() -> anyhow::Result<Self> {
        let guard = ProfilerGuardBuilder::default().frequency(FREQUENCY as i32).blocklist(&BLOCKED).build();
        Ok(Self { guard: guard.context("failed to start profiling")?, cpu_before: own_cpu() })
    }

    /// Ends sampling and names the functions.
    ///
    /// # Errors
    ///
    /// If the samples cannot be read back.
    pub fn finish(self) -> anyhow::Result<OwnSamples> {
        let used = own_cpu().saturating_sub(self.cpu_before);
        let report = self.guard.report().frames_post_processor(stack::clean).build();
        let report = report.context("failed to read the samples")?;
        let mut folded: Vec<String> =
            report.data.iter().map(|(frames, count)| stack::fold(frames, *count)).collect();
        folded.sort();
        Ok(OwnSamples {
            folded,
            protobuf: report.pprof().context("failed to name the functions")?.encode_to_vec(),
            kept: report.data.values().map(|count| count.unsigned_abs() as u64).sum(),
            expected: (used.as_secs_f64() * f64::from(FREQUENCY)).round() as u64,
        })
    }
}

impl OwnSamples {
    /// Writes `NAME.svg` and the protobuf beside it, and tells in a line what they show.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written.
    pub fn write(&self, title: &str, svg: &Path, protobuf: &Path) -> anyhow::Result<String> {
        let share = self.share();
        let failed = |path: &Path| format!("failed to write '{}'", path.display());
        let Some(drawn) = flame::draw(&self.folded, title, &share, "samples")? else {
            return Ok(format!("{title}: {share}; no flamegraph"));
        };
        fs::write(svg, drawn).with_context(|| failed(svg))?;
        fs::write(protobuf, &self.protobuf).with_context(|| failed(protobuf))?;
        Ok(format!("{title}: {share}: {}", svg.display()))
    }

    fn share(&self) -> String {
        format!("{} of about {} samples; those inside libc are missing", self.kept, self.expected)
    }
}
