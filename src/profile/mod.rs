//! Where this process spends its time: sampling profiles by pprof, drawn as flamegraphs.

pub mod change;
pub mod flame;
mod own;
mod paint;
pub mod stack;

pub use own::{FREQUENCY, OwnProfile, OwnSamples};
