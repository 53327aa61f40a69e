//! Samples in, figures out. Nothing here reads a clock, a file or the network.

pub mod accounting;
pub mod histogram;
pub(crate) mod little;
pub mod quantile;
pub mod rating;
pub mod recovery;
mod sample;
pub(crate) mod stats;
pub mod steady;
pub mod summary;
pub mod token_bucket;
pub mod trend;
pub mod validity;

pub use sample::Latency;
pub(crate) use sample::Sample;

pub(crate) mod rng;
