//! What the benches of the music21 MCP server are made of: a client, the server under test, and generated scores.

pub mod baseline;
pub mod client;
pub mod profile;
pub mod server;

pub use music21_mcp_embedded as embedded;
pub use music21_mcp_score as score;
