//! Typed calls to a music21 MCP server over any transport, each ending in exactly one class.
//!
//! rmcp supplies the protocol's types; the transports are this crate's own. Its service layer costs a call
//! about as much as a fast server does, sends `notifications/cancelled` for every call given up (which ends
//! some servers), and drops long lines without a word.

mod answer;
mod child;
mod connection;
mod endpoint;
mod expect;
mod frame;
mod http;
mod http_reply;
mod line;
mod lines;
mod music21;
mod nonce;
mod outcome;
mod reply;
mod session;
mod sse;
mod tool;
mod wire;

pub use answer::KEY_PROFILES;
pub use child::{Child, ServerCommand};
pub use endpoint::addresses;
pub use expect::{Expectation, ScoreCounts};
pub use music21::{ConnectError, Music21Client};
pub use nonce::Nonce;
pub use outcome::Outcome;
pub use reply::Reply;
pub use session::ServerInfo;
pub use tool::Tool;
pub use wire::{ClientOptions, ProtocolViolations};
