//! The default server: the music21 MCP server's tools, answered by this crate's own analysis.

pub mod analysis;
