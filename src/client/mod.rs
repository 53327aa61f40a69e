//! Typed calls to a music21 MCP server over any transport, each ending in exactly one class.
//!
//! rmcp supplies the protocol's types; the transports are this crate's own. Its service layer costs a call
//! about as much as a fast server does, sends `notifications/cancelled` for every call given up (which ends
//! some servers), and drops long lines without a word.
//!
//! What a call expects beyond its tool's own rules is said with it, and decides the class as well:
//!
//! ```
//! # use std::time::Duration;
//! # use music21_mcp_bench::client::{ClientOptions, Expectation, Music21Client, Outcome, Tool};
//! # use music21_mcp_bench::embedded::{Config, Server};
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! let server = Server::new(Config::default());
//! let client = Music21Client::in_process(server.handler(), &ClientOptions::default()).await.unwrap();
//! let expect = Expectation { text: Some("no such text".to_owned()), ..Expectation::default() };
//! let tool = Tool::ListScores;
//! let reply = client.call_expecting(tool.name(), tool.arguments(""), expect, Duration::from_secs(30)).await;
//! assert_eq!(reply.outcome, Outcome::WrongAnswer);
//! # });
//! ```

mod answer;
mod child;
mod connect_error;
mod connection;
mod doubt;
mod elided;
mod endpoint;
mod expect;
mod failure_text;
mod frame;
mod handshake;
mod headers;
mod http;
mod http_reply;
mod in_process;
mod line;
mod lines;
mod listen;
mod listing;
mod mirror;
mod music21;
mod nonce;
mod outcome;
mod probe;
mod reply;
mod request;
mod rest;
mod session;
mod session_headers;
mod sse;
mod stream;
mod text;
#[cfg(feature = "tls")]
mod tls;
mod tool;
mod tool_result;
mod trace;
mod violations;
mod waiting;
mod wire;

pub use child::{Child, ServerCommand};
pub use connect_error::ConnectError;
pub(crate) use endpoint::{WITHOUT_TLS, addresses, with_query_values, without_secrets};
pub use expect::{Expectation, ScoreCounts};
pub use headers::{HeaderError, headers, without_value};
pub(crate) use mirror::Mirrored;
pub use music21::Music21Client;
pub use nonce::Nonce;
pub use outcome::Outcome;
pub use reply::Reply;
pub use request::Request;
pub use session::ServerInfo;
pub use tool::Tool;
pub(crate) use violations::Counters;
pub use violations::ProtocolViolations;
pub use wire::ClientOptions;
