//! The two resources: all scores, and one score's information.

use std::time::Instant;

use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde::Serialize;

use super::reply::pretty;
use super::store::Store;
use super::tools;

const SCORES: &str = "music21://scores";

#[derive(Serialize)]
struct Contents {
    contents: Vec<Content>,
}

#[derive(Serialize)]
struct Content {
    uri: String,
    name: String,
    #[serde(rename = "mimeType")]
    mime_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Content {
    fn new(id: &str, text: Option<String>) -> Self {
        Self { uri: format!("{SCORES}/{id}"), name: id.to_owned(), mime_type: "application/json", text }
    }
}

pub(super) fn scores() -> Resource {
    Resource::new(SCORES, "list_scores_resource")
        .with_description("List all scores as an MCP resource")
        .with_mime_type("text/plain")
}

pub(super) fn score() -> ResourceTemplate {
    ResourceTemplate::new(format!("{SCORES}/{{score_id}}"), "get_score_resource")
        .with_description("Get score information as an MCP resource")
        .with_mime_type("text/plain")
}

/// The real server's list is always empty, and its text is a Python `dict`; here the scores are
/// listed and the text is JSON.
pub(super) fn read(store: &Store, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let contents = match uri.strip_prefix(SCORES) {
        Some("") => store.all(Instant::now()).iter().map(|stored| Content::new(&stored.id, None)).collect(),
        Some(path) if path.starts_with('/') => {
            let id = &path[1..];
            let info = tools::find(store, id).and_then(|stored| tools::info::run(&stored));
            vec![Content::new(id, Some(info.unwrap_or_else(|failure| failure.text())))]
        }
        _ => return Err(ErrorData::resource_not_found(format!("Unknown resource: {uri}"), None)),
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(pretty(&Contents { contents }), uri)]))
}
