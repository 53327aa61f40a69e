//! Where this process spends its time: sampling profiles by pprof, drawn as flamegraphs.

pub mod flame;
mod own;
pub mod stack;

pub use own::{FREQUENCY, OwnProfile, OwnSamples};
