//! Samples in, figures out. Nothing here reads a clock, a file or the network.

mod outcome;

pub use outcome::Outcome;
