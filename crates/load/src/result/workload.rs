//! What is called: a mix of flows, each a sequence of calls that one session makes in order.

use std::collections::BTreeSet;

use music21_mcp_bench::client::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::result::Think;

/// What sessions do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Calls each session makes once before the run, outside of its figures.
    #[serde(default)]
    pub setup: Vec<Step>,
    /// The mix; each iteration of a session runs one of them, chosen by weight.
    // A file in which all of them are comments can be read, so that it can be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<Flow>,
    /// Calls each session makes once after the run, outside of its figures.
    #[serde(default)]
    pub teardown: Vec<Step>,
    /// What becomes of a session when an iteration ends.
    #[serde(default, skip_serializing_if = "SessionEnd::is_kept")]
    pub sessions: SessionEnd,
    /// Each session holds a stream open (GET), on which the server may ask the client for something; over HTTP only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub listen: bool,
}

/// What becomes of a session when an iteration ends. One that is not kept is followed by a new one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The next iteration uses it.
    #[default]
    Kept,
    /// It is ended as the protocol wants it.
    Ended,
    /// It is dropped without a word, as by a client that crashes.
    Abandoned,
    /// It stays open, unused, and is ended when the stage is over.
    Held,
}

impl SessionEnd {
    /// Whether the next iteration uses it.
    pub(crate) fn is_kept(&self) -> bool {
        *self == Self::Kept
    }
}

/// What a call takes errors for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Errors {
    /// Failures.
    #[default]
    Fail,
    /// Good answers: to such a call the tool may refuse. A rate limiter's refusal never is one.
    Allowed,
}

impl Errors {
    /// Whether they are failures.
    pub(crate) fn fail(&self) -> bool {
        *self == Self::Fail
    }
}

/// A request other than the call of a tool. Lists are asked for their first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Whether it is there.
    Ping,
    /// Its tools.
    ListTools,
    /// Its resources.
    ListResources,
    /// Its prompts.
    ListPrompts,
    /// The resource whose `uri` is among the arguments.
    Read,
    /// A GET over HTTP outside of every session, as health checks make it; any answer but a server's error is a good one.
    ProbeGet,
    /// The same with a POST that begins no session.
    ProbePost,
}

impl Asked {
    /// Whether it never becomes a session's.
    pub(crate) fn is_probe(self) -> bool {
        matches!(self, Self::ProbeGet | Self::ProbePost)
    }
}

impl From<Asked> for Request {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Ping => Self::Ping,
            Asked::ListTools => Self::ListTools,
            Asked::ListResources => Self::ListResources,
            Asked::ListPrompts => Self::ListPrompts,
            Asked::Read => Self::Read,
            Asked::ProbeGet => Self::ProbeGet,
            Asked::ProbePost => Self::ProbePost,
        }
    }
}

/// A sequence of calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// How often it is chosen, relative to the other flows.
    #[serde(default = "one")]
    pub weight: f64,
    /// Its calls in order. A call that does not end well ends the iteration, but for the steps
    /// marked `always`.
    pub steps: Vec<Step>,
}

/// One call of a flow.
///
/// In every string of the arguments, in `expect` and in `expect_not`, `{{client}}` stands for the number of the
/// session, `{{iteration}}` for the count of iterations it has begun, `{{nonce}}` for a text that is the
/// same within one iteration and no other, in this run or any other, and `{{by-client:A|B|C}}` for one of
/// the texts, the next for each session, and `{{open}}` for two braces that begin no placeholder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The tool; of another request nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tool: String,
    /// What is asked of the server, where it is not the call of a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Asked>,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// A text that the answer must hold; else it is a wrong answer.
    #[serde(default)]
    pub expect: Option<String>,
    /// A text that the answer must not hold; else it is a wrong answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_not: Option<String>,
    /// What becomes of errors. An answer of a tool of which nothing is known, and which reads like a failure, leaves the
    /// verdict open until this, `expect` or `expect_not` tells what it is.
    #[serde(default, skip_serializing_if = "Errors::fail")]
    pub errors: Errors,
    /// The answer must hold this iteration's nonce; one that holds another's is misrouted.
    #[serde(default, alias = "own_nonce")]
    pub must_echo_nonce: bool,
    /// Milliseconds to think afterwards, or how they are spread: `{ kind = "exponential", mean }`, `{ kind = "uniform",
    /// from, to }` or `{ kind = "lognormal", median, p95 }`; an open loop, whose arrivals are due on schedule, does not.
    #[serde(default)]
    pub think_ms: Think,
    /// The deadline of this call in milliseconds, where it is not the run's.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// It is made even if an earlier call of the iteration failed: it cleans up.
    #[serde(default)]
    pub always: bool,
}

fn one() -> f64 {
    1.0
}

impl Workload {
    /// A workload of one flow.
    pub(crate) fn of(steps: Vec<Step>) -> Self {
        Self { flows: vec![Flow { weight: 1.0, steps }], ..Self::default() }
    }

    /// Whether its calls are probes, which are no session's.
    pub(crate) fn probes(&self) -> bool {
        let mut steps = self.flows.iter().flat_map(|flow| &flow.steps);
        !self.flows.is_empty() && steps.all(|step| step.request.is_some_and(Asked::is_probe))
    }

    /// How many tools, or other requests, its flows call.
    pub(crate) fn tools(&self) -> usize {
        self.flows.iter().flat_map(|flow| &flow.steps).map(Step::name).collect::<BTreeSet<_>>().len()
    }

    /// Whether every iteration makes at least one call; a driver needs that.
    pub(crate) fn is_runnable(&self) -> bool {
        let weights_are_sound = self.flows.iter().all(|flow| flow.weight.is_finite() && flow.weight >= 0.0);
        let total: f64 = self.flows.iter().map(|flow| flow.weight).sum();
        weights_are_sound && total > 0.0 && self.flows.iter().all(|flow| !flow.steps.is_empty())
    }
}

impl Step {
    /// A call without ornaments. Arguments that are no object are none.
    pub(crate) fn call(tool: impl AsRef<str>, arguments: Value) -> Self {
        let arguments = match arguments {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Self { tool: tool.as_ref().to_owned(), arguments, ..Self::default() }
    }

    /// Another request than the call of a tool.
    pub(crate) fn asking(request: Asked) -> Self {
        Self { request: Some(request), ..Self::default() }
    }

    /// What it is called in figures.
    pub(crate) fn name(&self) -> &str {
        self.request.map_or(&self.tool, |asked| Request::from(asked).method())
    }

    /// The same call, made even after a failure.
    pub(crate) fn always(self) -> Self {
        Self { always: true, ..self }
    }
}
