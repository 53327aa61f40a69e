//! Where the time goes: sampling profiles of this process and of a server, as flamegraphs.

mod flame;
mod own;
mod stack;

pub use own::{FREQUENCY, OwnProfile, OwnSamples};
