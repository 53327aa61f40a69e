//! What a tool answers: one JSON object as text, success and failure alike, as the real server does.

use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;

/// A finished answer: the JSON text of a success, or why there is none.
pub(crate) type Reply = Result<String, Failure>;

/// A domain failure. It travels with `isError: false`; only a wrong argument sets that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The tool refused.
    Refused(String),
    /// The tool broke: the real server's adapter caught an exception and names the tool.
    Broke {
        /// The tool's name.
        tool: &'static str,
        /// What the exception said, with the adapter's prefix.
        error: String,
    },
}

impl Failure {
    /// Refused, with a message.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    /// The error object as JSON text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Refused(message) => pretty(&Refused { status: "error", message }),
            Self::Broke { tool, error } => {
                pretty(&Broke { status: "error", tool, error, message: &format!("{tool} failed") })
            }
        }
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    status: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Broke<'a> {
    status: &'a str,
    tool: &'a str,
    error: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Success<'a, T> {
    status: &'a str,
    message: &'a str,
    #[serde(flatten)]
    fields: T,
}

/// The message of tools that say nothing else.
pub(crate) const COMPLETED: &str = "Operation completed successfully";

/// A success with the tool's own fields after `status` and `message`.
pub(crate) fn success(message: &str, fields: impl Serialize) -> String {
    pretty(&Success { status: "success", message, fields })
}

/// JSON as FastMCP writes it: indented by two spaces.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    // OK because our reply types have string keys and no failing serializer.
    serde_json::to_string_pretty(value).expect("a reply is JSON")
}

/// The protocol's form of a reply.
pub(crate) fn result(reply: Reply) -> CallToolResult {
    let text = reply.unwrap_or_else(|failure| failure.text());
    CallToolResult::success(vec![ContentBlock::text(text)])
}
