//! Benchmarks and load tests for the music21 MCP server.
//!
//! Rooms and the direction of their dependencies are drawn in ARCHITECTURE.md.

pub mod ab;
mod audit;
pub mod cli;
mod compare;
mod driver;
mod duration;
mod init;
mod lock;
pub mod measure;
pub mod merge;
mod patience;
pub mod profile;
pub mod record;
pub mod report;
pub mod result;
mod run;
mod runtime;
pub mod scenario;
mod shell;
mod transcript;
mod wrap;
