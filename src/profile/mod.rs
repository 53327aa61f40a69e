//! Where this process spends its time: sampling profiles by pprof, drawn as flamegraphs.

pub mod change;
mod client_share;
pub mod flame;
mod own;
mod paint;
pub mod stack;

pub use client_share::ClientShare;
pub use own::{FREQUENCY, OwnProfile, OwnSamples};
