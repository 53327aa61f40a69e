//! The server over stdio and over streamable HTTP.

mod gate;
mod http;
mod stdio;

pub use http::{HttpOptions, HttpServer};
pub use stdio::serve_stdio;
