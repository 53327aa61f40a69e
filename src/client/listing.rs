//! `tools/list`: all its pages, and each tool in it however odd another is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{PaginatedRequestParams, Tool};
use serde::Deserialize;
use serde_json::Value;

use super::mirror::{Mirrored, can_be_mirrored};
use super::session::Session;
use super::wire::{Failure, Wire};
use crate::client::Outcome;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    tools: Option<Vec<Value>>,
    next_cursor: Option<String>,
}

/// A tool of which not everything can be read is there all the same, with its name; one without a name is not.
pub(super) fn lenient(listed: &Value) -> Option<Tool> {
    let of_parts = |listed: &Value| {
        let text = |field: &str| listed.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let schema = listed.get("inputSchema").and_then(Value::as_object).cloned().unwrap_or_default();
        Some(text("name"))
            .filter(|name| !name.is_empty())
            .map(|name| Tool::new(name, text("description"), schema))
    };
    serde_json::from_value(listed.clone()).ok().or_else(|| of_parts(listed))
}

impl Session {
    /// The tools that the server lists, as it wrote them. It takes no longer than the caller lets it.
    pub(super) async fn listed_tools(&self) -> Result<Vec<Value>, Failure> {
        let mut tools = Vec::new();
        let mut seen = BTreeSet::new();
        let mut cursor = None;
        loop {
            let params = PaginatedRequestParams::default().with_cursor(cursor.take());
            let page: Page = self.ask("tools/list", params, Duration::MAX).await?;
            tools.extend(page.tools.unwrap_or_default());
            match page.next_cursor {
                None => break,
                // Older servers end the list so; the newest protocol makes it a cursor like any other.
                Some(end) if end.is_empty() && !self.is_without_handshake() => break,
                Some(next) if !seen.insert(next.clone()) => {
                    let message = format!("tools/list has no end: the cursor '{next}' came twice");
                    return Err(Failure::new(Outcome::ProtocolError, message));
                }
                Some(next) => cursor = Some(next),
            }
        }
        if self.is_without_handshake() && matches!(self.wire, Wire::Http(_)) {
            let schema = |tool: &Value| tool.get("inputSchema").and_then(Value::as_object).cloned();
            tools.retain(|tool| schema(tool).is_none_or(|schema| can_be_mirrored(&schema)));
        }
        if self.is_without_handshake() {
            self.set_mirrored(Arc::new(Mirrored::of(tools.iter().filter_map(lenient))));
        }
        Ok(tools)
    }
}
