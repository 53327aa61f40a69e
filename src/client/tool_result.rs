//! The result of a tool as it came, read in the same pass as its frame: an answer of megabytes is gone through once.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::expect::one_line;
use super::text::{Text, unescaped};

/// What is looked at of it, in the frame's own bytes.
#[derive(Debug)]
pub(super) struct ToolResult {
    /// `None` where there is none, or `null`.
    pub content: Option<Vec<Content>>,
    pub is_error: bool,
    /// JSON, as the next two are.
    pub structured: Option<Bytes>,
    pub meta: Option<Bytes>,
    kind: Option<Bytes>,
    has_task: bool,
}

/// One block of an answer.
#[derive(Debug)]
pub(super) struct Content {
    is_text: bool,
    /// Its text, or that of the resource which it holds: a JSON string without its quotes.
    text: Option<Bytes>,
}

/// The same where a frame is read.
#[derive(Deserialize)]
pub(super) struct Read<'a> {
    // Servers write `null` for what is not there.
    #[serde(borrow)]
    content: Option<Vec<ReadContent<'a>>>,
    #[serde(rename = "isError")]
    is_error: Option<bool>,
    #[serde(borrow, rename = "structuredContent")]
    structured: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, rename = "resultType")]
    kind: Option<&'a RawValue>,
    task: Option<IgnoredAny>,
}

#[derive(Clone, Copy, Deserialize)]
struct ReadContent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
}

/// A resource within an answer.
#[derive(Clone, Copy, Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

impl Read<'_> {
    /// It is kept as slices of its frame, which `slice` finds.
    pub(super) fn within(self, slice: impl Fn(&str) -> Bytes) -> ToolResult {
        let json = |raw: &RawValue| slice(raw.get());
        let block = |content: &ReadContent<'_>| {
            let text = content.text.or_else(|| content.resource?.text);
            let is_text = content.kind.is_some_and(|kind| kind.escaped() == "text");
            Content { is_text, text: text.map(|text| slice(text.escaped())) }
        };
        ToolResult {
            // Not `into_iter`: it would use the list that was read again and shrink it, which takes longer than a new one.
            content: self.content.map(|blocks| blocks.iter().map(block).collect()),
            is_error: self.is_error.unwrap_or(false),
            structured: self.structured.map(json),
            meta: self.meta.map(json),
            kind: self.kind.map(json),
            has_task: self.task.is_some(),
        }
    }
}

impl ToolResult {
    /// Why it is not the answer, where a server wants something first or answers later.
    pub(super) fn not_yet(&mut self) -> Option<String> {
        let kind = self.kind.take().unwrap_or_default();
        let kind = text_of(&kind);
        let kind = kind.trim_matches('"');
        // Protocol 2025-11-25 says it by the field alone.
        let is_task = kind.is_empty() && self.has_task && self.content.is_none();
        match kind {
            "complete" => None,
            "" if !is_task => None,
            "input_required" => Some("the tool asks for input, which this client does not give".to_owned()),
            "" | "task" => {
                Some("the tool answered with a task handle, which this client does not follow".to_owned())
            }
            other => Some(format!("the tool answered with a result of type '{}'", one_line(other))),
        }
    }
}

impl Content {
    /// A text without one; an image, say, is something.
    pub(super) fn is_nothing(&self) -> bool {
        self.text.is_none() && self.is_text
    }

    pub(super) fn into_text(self) -> Option<String> {
        self.text.map(unescaped)
    }
}

/// A part of a frame that was read as JSON, which is text. To check that is much faster than to look for what is none.
pub(super) fn text_of(json: &Bytes) -> Cow<'_, str> {
    std::str::from_utf8(json).map_or_else(|_| String::from_utf8_lossy(json), Cow::Borrowed)
}
