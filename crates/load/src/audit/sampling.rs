//! What a profile of this process costs: the same work with and without it, in turn, by CPU time, of which waiting
//! for other programs is no part.

use std::hint::black_box;
use std::time::Duration;

use music21_mcp_bench::profile::OwnProfile;
use music21_mcp_proc::own_cpu;

use super::{Finding, Length};
use crate::measure::stats::median;

/// What the project promises.
const MOST: f64 = 1.03;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let pairs = length.of(3, 11);
    let mut ratios = Vec::new();
    for _ in 0..pairs {
        let profile = OwnProfile::start()?;
        let with = used();
        drop(profile);
        ratios.push(with.div_duration_f64(used()));
    }
    let middle = median(&ratios).unwrap_or(f64::NAN);
    let what = format!("CPU time with a profile ÷ without, median of {pairs} pairs");
    Ok(vec![Finding::new(what, format!("<= {MOST}"), format!("{middle:.4}"), middle <= MOST)])
}

/// CPU time of a second's work on two threads.
fn used() -> Duration {
    let before = own_cpu();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..400_000_000_u64).fold(1, |sum: u64, i| black_box(sum.wrapping_mul(31) ^ i)));
        }
    });
    own_cpu() - before
}
