//! The two ends of the driver: what is called, and who sees the calls end.

use std::sync::Arc;
use std::time::Duration;

use music21_mcp_bench::client::{Expectation, Outcome, Reply, Request};
use serde_json::{Map, Value};

use crate::measure::Sample;

/// One call, ready to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// The tool, or the method of another request.
    pub tool: Arc<str>,
    /// That request.
    pub request: Option<Request>,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// What its answer must hold besides what its tool always says.
    pub expect: Expectation,
}

/// A server, or whatever stands for one: it opens sessions.
pub(crate) trait Connect: Send + Sync + 'static {
    /// What it opens.
    type Session: Session;

    /// Opens the session of client number `client`, within a time of its own.
    ///
    /// # Errors
    ///
    /// Where no session comes about: what happened, and the class in which a call ends that waited for it.
    fn open(&self, client: usize) -> impl Future<Output = Result<Self::Session, OpenError>> + Send;
}

/// A function that opens sessions is a target.
impl<F, O, S> Connect for F
where
    F: Fn(usize) -> O + Send + Sync + 'static,
    O: Future<Output = Result<S, OpenError>> + Send,
    S: Session,
{
    type Session = S;

    fn open(&self, client: usize) -> impl Future<Output = Result<S, OpenError>> + Send {
        self(client)
    }
}

/// An open session.
pub(crate) trait Session: Send + Sync + 'static {
    /// Makes one call and returns by the deadline at the latest. Dropping the future gives the call
    /// up and must be harmless.
    fn call(&self, call: Call, deadline: Duration) -> impl Future<Output = Reply> + Send;

    /// Whether this tool was never called before on the session's server, which makes the call that follows a cold
    /// one; asked once before each call. By default nobody counts, and no call is cold.
    fn is_first_call(&self, _tool: &str) -> bool {
        false
    }

    /// Ends the session.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// No session came about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct OpenError {
    /// The class in which a call ends that waited for the session.
    pub outcome: Outcome,
    /// What was tried and what happened.
    pub message: String,
}

/// One call has ended.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// The session's number.
    pub client: usize,
    /// The tool.
    pub tool: &'a str,
    /// Its times and class.
    pub sample: Sample,
    /// It was the first call of its tool on its server.
    pub is_cold: bool,
    /// The reply.
    pub reply: &'a Reply,
    /// Nanoseconds that the client had it before it was free for its next call.
    pub judging_ns: u64,
}

/// Who sees every call that ends, in the order of ending. It is called from the sessions'
/// tasks and must not block.
pub(crate) trait Sink: Send + 'static {
    /// Takes one event.
    fn on_end(&mut self, event: &Event<'_>);

    /// A call was due and was never sent: the queue was full, or the run ended first.
    fn on_dropped(&mut self);

    /// A tenth of the planned duration has passed, nanoseconds from the first call due; for figures by
    /// contiguous batches. It is not called where the run ends by a count of calls.
    fn on_tenth(&mut self, at_ns: u64);
}
