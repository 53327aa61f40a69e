//! The default server: the music21 MCP server's tools, answered by this crate's own analysis.
//!
//! Tools, arguments, schemas and reply shapes are the real server's, so a client cannot tell the two
//! apart by shape; what it does not do (voice leading, counterpoint, …) it does not offer.

pub mod analysis;
mod arguments;
mod catalog;
mod config;
mod export;
mod faults;
mod null;
pub mod rate_limit;
mod reply;
mod resources;
mod serve;
mod server;
mod shared;
mod source;
mod store;
mod tools;

pub use config::{Config, Limits};
pub use faults::{Delay, Fault, FaultError, FaultKind};
pub use null::NullServer;
pub use rate_limit::{LimiterKind, RateLimit, RateLimitError};
pub use serve::serve_stdio;
pub use serve::{HttpOptions, HttpServer};
pub use server::{Handler, Server};
pub use shared::{CALLS_META, HANDLING_META};
pub use source::corpus::bundled;

/// What `initialize` and `health_check` call the server.
pub const SERVER_NAME: &str = "music21-mcp-bench embedded server";
