//! Calls that the agent saw fail: the scenario's may fail as well, or are not made.

use music21_mcp_bench::client::{Expectation, Outcome, Reply};
use serde_json::Value;

use super::Seen;
use crate::result::{Errors, Step};

/// Letters of an answer that a note quotes.
const QUOTED: usize = 80;

/// How a call failed, in the server's words.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The tool said so, or its answer reads like that.
    Tool(String),
    /// The request itself was: no such tool, wrong parameters. No scenario takes that for a good answer.
    Request(String),
}

impl Refusal {
    /// That of a call, by the frame which answers it. `None` where it went well.
    pub(super) fn of(call: &Seen, answer: &Value) -> Option<Self> {
        if let Some(error) = answer.get("error") {
            let message = error.get("message").and_then(Value::as_str);
            return Some(Self::Request(message.map_or_else(|| error.to_string(), str::to_owned)));
        }
        let result = answer.get("result").filter(|_| call.request.is_none())?;
        let text = result.pointer("/content/0/text").and_then(Value::as_str);
        if result.get("isError") == Some(&Value::Bool(true)) {
            return Some(Self::Tool(text.unwrap_or_default().to_owned()));
        }
        // An image, say, reads like no failure.
        let judged = Reply::answered(&call.tool, &call.arguments, &Expectation::default(), text?.to_owned());
        let refused = judged.message.filter(|_| judged.outcome == Outcome::ToolError);
        refused.or(judged.doubt).map(Self::Tool)
    }
}

/// Lets a step fail as its call did. What a reader must know of that, and whether the step stays.
pub(super) fn allow(step: &mut Step, call: &Seen, number: usize) -> (Option<String>, bool) {
    let place = format!("step {number} ({})", step.name());
    match &call.refusal {
        None => (None, true),
        Some(Refusal::Tool(words)) => {
            step.errors = Errors::Allowed;
            (Some(format!("{place}: the tool refused ({}), and may do so again", quoted(words))), true)
        }
        Some(Refusal::Request(words)) => {
            (Some(format!("{place} is left out: the server refused the request ({})", quoted(words))), false)
        }
    }
}

fn quoted(words: &str) -> String {
    let line: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(QUOTED).collect();
    format!("'{line}'")
}
