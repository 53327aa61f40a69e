//! Benchmarks and load tests for the music21 MCP server.
//!
//! Rooms and the direction of their dependencies are drawn in the README.

mod audit;
pub mod cli;
pub mod client;
mod compare;
pub mod embedded;
pub mod load;
pub mod measure;
pub mod merge;
pub mod pair;
pub mod profile;
pub mod record;
pub mod report;
pub mod scenario;
pub mod score;
pub mod target;
