//! The client: one session with one server, and a method for each tool.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rmcp::model::{JsonObject, ProtocolVersion};
use rmcp::{ServerHandler, ServiceExt};
use serde::Serialize;
use serde_json::Value;

use super::child::{Child, ServerCommand};
use super::connect_error::ConnectError;
use super::endpoint::without_secrets;
use super::expect::{Asked, Expectation};
use super::http::HttpWire;
use super::in_process::InProcess;
use super::line::LineWire;
use super::listing::lenient;
use super::mirror::Mirrored;
use super::probe;
use super::reply::{self, Reply};
use super::request::Request;
use super::session::{Called, ServerInfo, Session};
use super::tool::Tool;
use super::trace::Trace;
use super::violations::{Counters, ProtocolViolations};
use super::wire::{ClientOptions, Failure, Wire};
use crate::client::Outcome;

/// A session with a music21 MCP server.
///
/// Calls may overlap. Dropping the client ends the session without ceremony: a child server and all it
/// started are killed.
pub struct Music21Client {
    session: Session,
    stop_grace: Duration,
}

#[derive(Serialize)]
struct CallParams<'a> {
    name: &'a str,
    arguments: &'a JsonObject,
}

impl Music21Client {
    /// Serves `handler` in this process and connects to it: no process, no socket, but the same frames.
    ///
    /// # Errors
    ///
    /// Where the handshake fails.
    pub async fn in_process<H: ServerHandler>(
        handler: H,
        options: &ClientOptions,
    ) -> Result<Self, ConnectError> {
        Self::in_process_counting(handler, options, Arc::default()).await
    }

    /// As [`Self::in_process`], with what it sees counted elsewhere as well.
    pub(crate) async fn in_process_counting<H: ServerHandler>(
        handler: H,
        options: &ClientOptions,
        counters: Arc<Counters>,
    ) -> Result<Self, ConnectError> {
        let (wire, inbox, queue) = LineWire::without_stream(counters);
        let theirs = InProcess { queue, inbox, max_reply_bytes: options.max_reply_bytes };
        tokio::spawn(async move {
            // It ends with the client; how is seen on the client's side.
            if let Ok(server) = handler.serve(theirs).await {
                let _ = server.waiting().await;
            }
        });
        Self::shake("the server in this process", Wire::Line(wire), options).await
    }

    /// Starts the command and connects to its stdin and stdout.
    ///
    /// # Errors
    ///
    /// Where the command cannot be started, ends before the handshake (exit status and last words are
    /// in the message), or does not speak the protocol. Nothing of it is left running.
    pub async fn spawn(command: &ServerCommand, options: &ClientOptions) -> Result<Self, ConnectError> {
        Self::spawn_counting(command, options, Arc::default()).await
    }

    /// As [`Self::spawn`], with what it sees counted elsewhere as well.
    pub(crate) async fn spawn_counting(
        command: &ServerCommand,
        options: &ClientOptions,
        counters: Arc<Counters>,
    ) -> Result<Self, ConnectError> {
        let name = format!("command '{}'", command.program.display());
        let (child, stdin, stdout) = Child::spawn(command).map_err(|error| {
            let message = format!("does not start: {error}");
            ConnectError::new(&name, &Failure::new(Outcome::ConnectError, message))
        })?;
        let child = Some(Arc::new(child));
        let wire = LineWire::start((stdout, stdin), child, options.max_reply_bytes, counters);
        Self::shake(&name, Wire::Line(wire), options).await
    }

    /// Opens a session with the streamable HTTP server at `url`.
    ///
    /// # Errors
    ///
    /// Where the URL cannot be used, refuses, or is no MCP endpoint.
    pub fn connect<'a>(
        url: &'a str,
        options: &'a ClientOptions,
    ) -> BoxFuture<'a, Result<Self, ConnectError>> {
        Self::connect_counting(url, options, Arc::default())
    }

    /// As [`Self::connect`], with what it sees counted elsewhere as well.
    pub(crate) fn connect_counting<'a>(
        url: &'a str,
        options: &'a ClientOptions,
        counters: Arc<Counters>,
    ) -> BoxFuture<'a, Result<Self, ConnectError>> {
        Box::pin(async move {
            let wire = HttpWire::open(url, options, counters).await;
            let shown = without_secrets(url);
            let wire = wire.map_err(|failure| ConnectError::new(&shown, &failure))?;
            let client = Self::shake(&shown, Wire::Http(wire), options).await?;
            if options.listen {
                client.listen().await;
            }
            Ok(client)
        })
    }

    /// Opens what [`ClientOptions::listen`] describes, once; says whether the server has it.
    pub async fn listen(&self) -> bool {
        match &self.session.wire {
            Wire::Http(wire) if !self.session.is_without_handshake() => wire.listen().await,
            _ => false,
        }
    }

    async fn shake(target: &str, wire: Wire, options: &ClientOptions) -> Result<Self, ConnectError> {
        let session = Session::handshake(wire, options, options.start_timeout).await;
        let session = session.map_err(|failure| ConnectError::new(target, &failure))?;
        Ok(Self { session, stop_grace: options.stop_grace })
    }

    /// Calls a tool. Always returns, at the deadline at the latest, with exactly one class.
    ///
    /// An answer to a [`Tool`] is checked for what it must hold; of others only a refusal is recognised.
    pub fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: JsonObject,
        deadline: Duration,
    ) -> BoxFuture<'a, Reply> {
        self.call_expecting(tool, arguments, Expectation::default(), deadline)
    }

    /// As [`Self::call`], for an answer of which more is known beforehand.
    pub fn call_expecting<'a>(
        &'a self,
        tool: &'a str,
        arguments: JsonObject,
        expect: Expectation,
        deadline: Duration,
    ) -> BoxFuture<'a, Reply> {
        // Boxed so that its code is made once and not in each program; see `ServerUnderTest::start`.
        Box::pin(async move {
            let params = CallParams { name: tool, arguments: &arguments };
            let trace = self.session.traces.then(Trace::new);
            let parent = trace.as_ref().map(|trace| trace.parent.as_str());
            let called = Called { tool, arguments: &arguments, trace: parent };
            let exchanged = self.session.request("tools/call", Some(called), params, deadline).await;
            let reply = reply::classify(Asked { tool, arguments: &arguments, expect: &expect }, exchanged);
            Reply { trace: trace.map(|trace| trace.id), ..reply }
        })
    }

    /// Makes another request than the call of a tool. Always returns, at the deadline at the latest, with exactly one class.
    pub fn request<'a>(
        &'a self,
        request: Request,
        parameters: JsonObject,
        expect: Expectation,
        deadline: Duration,
    ) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let method = request.method();
            if matches!(request, Request::ProbeGet | Request::ProbePost) {
                return match &self.session.wire {
                    Wire::Http(wire) => probe::probe(&wire.post, request, deadline).await,
                    Wire::Line(_) => Reply::unanswered(Outcome::ProtocolError, probe::NEEDS_HTTP),
                };
            }
            let exchanged = self.session.request(method, None, &parameters, deadline).await;
            reply::classify_plain(Asked { tool: method, arguments: &parameters, expect: &expect }, exchanged)
        })
    }

    /// Imports a score; `source_type` is `corpus`, `file`, `text` or `auto`.
    pub async fn import_score(
        &self,
        score_id: &str,
        source: &str,
        source_type: &str,
        deadline: Duration,
    ) -> Reply {
        let more = [("source", source), ("source_type", source_type)];
        self.about(Tool::ImportScore, score_id, &more, deadline).await
    }

    /// Lists the stored scores.
    pub async fn list_scores(&self, deadline: Duration) -> Reply {
        self.call(Tool::ListScores.name(), JsonObject::new(), deadline).await
    }

    /// Counts and metadata of a score.
    pub async fn score_info(&self, score_id: &str, deadline: Duration) -> Reply {
        self.about(Tool::ScoreInfo, score_id, &[], deadline).await
    }

    /// The key by four profiles.
    pub async fn key_analysis(&self, score_id: &str, deadline: Duration) -> Reply {
        self.about(Tool::KeyAnalysis, score_id, &[], deadline).await
    }

    /// The chord progression.
    pub async fn chord_analysis(&self, score_id: &str, deadline: Duration) -> Reply {
        self.about(Tool::ChordAnalysis, score_id, &[], deadline).await
    }

    /// The roman numerals.
    pub async fn harmony_analysis(&self, score_id: &str, deadline: Duration) -> Reply {
        self.about(Tool::HarmonyAnalysis, score_id, &[("analysis_type", "roman")], deadline).await
    }

    /// Writes a score to a file on the server's disk; `format` is `musicxml`, `midi`, `abc`, `lilypond`, `text`, ….
    pub async fn export_score(&self, score_id: &str, format: &str, deadline: Duration) -> Reply {
        self.about(Tool::ExportScore, score_id, &[("format", format)], deadline).await
    }

    /// Deletes a score, or all of them for `*`.
    pub async fn delete_score(&self, score_id: &str, deadline: Duration) -> Reply {
        self.about(Tool::DeleteScore, score_id, &[], deadline).await
    }

    /// The cheapest call there is.
    pub async fn health_check(&self, deadline: Duration) -> Reply {
        self.call(Tool::HealthCheck.name(), JsonObject::new(), deadline).await
    }

    /// A call about one score, with these arguments besides its id.
    async fn about(&self, tool: Tool, score_id: &str, more: &[(&str, &str)], deadline: Duration) -> Reply {
        let mut arguments = tool.arguments(score_id);
        arguments.extend(more.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        self.call(tool.name(), arguments, deadline).await
    }

    /// The server's tools, all pages of the list. From protocol 2026-07-28 on it is from them that a session over HTTP
    /// knows which arguments of later calls are repeated in headers.
    ///
    /// # Errors
    ///
    /// Where the server does not answer with the whole list within the deadline, or with a list that has no end.
    pub async fn list_tools(&self, deadline: Duration) -> Result<Vec<rmcp::model::Tool>, ConnectError> {
        Ok(self.listed_tools(deadline).await?.iter().filter_map(lenient).collect())
    }

    /// The same, each as the server wrote it: with what only newer protocols have, and also where it is no sound tool.
    ///
    /// # Errors
    ///
    /// As for [`Self::list_tools`].
    pub async fn listed_tools(&self, deadline: Duration) -> Result<Vec<Value>, ConnectError> {
        let walk = tokio::time::timeout(deadline, self.session.listed_tools()).await;
        let walk = walk.unwrap_or_else(|_| Err(Failure::timed_out(deadline)));
        walk.map_err(|failure| ConnectError::new(&self.session.server.name, &failure))
    }

    /// Knows of the server's tools what the other client found out when it listed them.
    pub(crate) fn learn_from(&self, other: Option<&Arc<Mirrored>>) {
        if let Some(mirrored) = other {
            self.session.set_mirrored(Arc::clone(mirrored));
        }
    }

    /// The revision to ask for where another session shall have the same handshake: the server may refuse a newer one.
    pub(crate) fn handshake_again(&self) -> ProtocolVersion {
        self.session.version.clone()
    }

    /// What there is to learn from this client.
    pub(crate) fn mirrored(&self) -> Option<Arc<Mirrored>> {
        self.session.mirrored()
    }

    /// Who answers.
    #[must_use]
    pub fn server_info(&self) -> &ServerInfo {
        &self.session.server
    }

    /// What was seen so far that a sound server does not do; by all sessions of a [`ServerUnderTest`], where it is one's.
    ///
    /// [`ServerUnderTest`]: crate::server::ServerUnderTest
    #[must_use]
    pub fn protocol_violations(&self) -> ProtocolViolations {
        self.session.wire.counters().snapshot()
    }

    /// The server process, where this client started one.
    #[must_use]
    pub fn child(&self) -> Option<&Child> {
        match &self.session.wire {
            Wire::Line(wire) => wire.child.as_deref(),
            Wire::Http(_) => None,
        }
    }

    /// Ends the session as the protocol wants it: DELETE over HTTP; end of file for a child, then SIGTERM,
    /// then SIGKILL for its group.
    pub fn close(self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            match self.session.wire {
                Wire::Http(wire) => wire.close(self.stop_grace).await,
                Wire::Line(wire) => {
                    if let Some(child) = wire.into_child() {
                        child.stop(self.stop_grace).await;
                    }
                }
            }
        })
    }
}
