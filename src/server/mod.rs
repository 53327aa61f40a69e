//! What is measured: the embedded server, a command, or a URL, behind one way of opening sessions.
//!
//! ```
//! use music21_mcp_bench::server::ServerSpec;
//!
//! let spec: ServerSpec = "WORKERS=2 python -m music21_mcp.server_minimal".parse()?;
//! assert_eq!(spec.transport(), "stdio");
//! assert_eq!(spec.to_string(), "WORKERS=… python -m music21_mcp.server_minimal");
//! # Ok::<(), music21_mcp_bench::server::SpecError>(())
//! ```

mod advice;
mod own;
mod spec;
mod variables;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use own::{STDERR, own_command, own_program, spawn_own};
pub use spec::{EMBEDDED, RUN_DIRECTORY, ServerSpec, SpecError};
pub use variables::with_references;

use futures::future::BoxFuture;
use music21_mcp_embedded::{Config, Server};
use rmcp::model::ProtocolVersion;

use crate::client::{
    Child, ClientOptions, ConnectError, Counters, Mirrored, Music21Client, Outcome, ProtocolViolations,
    ServerInfo, Tool,
};

/// A server that was reached and has the tools asked for.
pub struct ServerUnderTest {
    spec: ServerSpec,
    embedded: Server,
    client_options: ClientOptions,
    server: ServerInfo,
    tools: Vec<String>,
    start_retries: u32,
    /// The session of the start, for whoever comes first: a Python server takes seconds to start.
    first: Mutex<Option<Music21Client>>,
    children: Mutex<BTreeSet<u32>>,
    /// Shared by all its sessions, also those that are gone.
    counters: Arc<Counters>,
    /// What sessions must know of its tools.
    mirrored: Option<Arc<Mirrored>>,
}

/// How a target is started.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Every session's settings.
    pub client: ClientOptions,
    /// Tools without which there is nothing to measure.
    pub require_tools: Vec<String>,
    /// Tries to start before giving up; some servers fail to start now and then.
    pub attempts: u32,
    /// The embedded server's settings.
    pub embedded: Config,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            client: ClientOptions::default(),
            require_tools: Vec::new(),
            attempts: 3,
            embedded: Config::default(),
        }
    }
}

/// Why a target cannot be measured: one line that says which and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct StartError {
    text: String,
    /// It runs, and is none that has the tools asked for.
    pub is_another_server: bool,
}

/// The wait before the second attempt; it doubles for each further one.
const BACKOFF: Duration = Duration::from_millis(100);

impl ServerUnderTest {
    /// Opens a first session and looks at the server's tools.
    ///
    /// # Errors
    ///
    /// Where no attempt succeeds, or a tool is missing. Nothing is left running then.
    pub fn start(spec: ServerSpec, options: ServerOptions) -> BoxFuture<'static, Result<Self, StartError>> {
        // Boxed, as is all that benches await: the code of an `async fn` is made anew in each program that awaits it,
        // so that each bench would compile the whole server and client.
        Box::pin(Self::begin(spec, options))
    }

    async fn begin(spec: ServerSpec, mut options: ServerOptions) -> Result<Self, StartError> {
        let embedded = Server::new(std::mem::take(&mut options.embedded));
        let unreachable = |error: ConnectError| StartError {
            text: format!("{error}{}", advice::of(&spec, &error)),
            is_another_server: false,
        };
        let (mut start_retries, counters) = (0, Arc::<Counters>::default());
        let client = loop {
            match open(&spec, &embedded, &options.client, &counters).await {
                Ok(client) => break client,
                Err(error)
                    if error.outcome == Outcome::ConnectError && start_retries + 1 < options.attempts =>
                {
                    tokio::time::sleep(BACKOFF * 2_u32.pow(start_retries)).await;
                    start_retries += 1;
                }
                Err(error) => {
                    let newest = open_newest(&spec, &error, &options.client).await;
                    let Some(client) = newest else { return Err(unreachable(error)) };
                    // Those were no failures to start.
                    start_retries = 0;
                    break client;
                }
            }
        };
        let server = client.server_info().clone();
        if let Some(asked) =
            options.client.protocol.as_ref().filter(|asked| asked.as_str() != server.protocol)
        {
            client.close().await;
            let protocol = server.protocol;
            let text = format!("{spec} speaks protocol {protocol} where {asked} was asked for");
            return Err(StartError { text, is_another_server: false });
        }
        // The sessions that follow need not find out which revision this server speaks.
        options.client.protocol.get_or_insert(client.handshake_again());
        let tools = client.list_tools(options.client.start_timeout).await.map_err(unreachable)?;
        // The client hears what servers ask over stdio anyhow. A music21 server never asks.
        if !options.client.listen && !tools.iter().any(|tool| tool.name == Tool::ImportScore.name()) {
            options.client.listen = client.listen().await;
        }
        let tools: Vec<String> = tools.into_iter().map(|tool| tool.name.into_owned()).collect();
        let required = options.require_tools.iter();
        let missing: Vec<&str> = required.filter(|tool| !tools.contains(tool)).map(String::as_str).collect();
        if tools.is_empty() || !missing.is_empty() {
            client.close().await;
            let (ServerInfo { name, version, .. }, s) = (server, if missing.len() == 1 { "" } else { "s" });
            let lack = match tools.is_empty() {
                true => "has no tools: there is nothing to call".to_owned(),
                false => format!("lacks the tool{s} {}; is it a music21 MCP server?", missing.join(", ")),
            };
            let text = format!("{spec} answers as '{name}' {version} and {lack}");
            return Err(StartError { text, is_another_server: !tools.is_empty() });
        }
        let children = Mutex::new(client.child().map(Child::pid).into_iter().collect());
        let mirrored = client.mirrored();
        let first = Mutex::new(Some(client));
        Ok(Self {
            spec,
            embedded,
            client_options: options.client,
            server,
            tools,
            start_retries,
            first,
            children,
            counters,
            mirrored,
        })
    }

    /// One more session: for a command a process of its own, else a session with the one server.
    ///
    /// # Errors
    ///
    /// Where the server does not let us in.
    pub fn session(&self) -> BoxFuture<'_, Result<Music21Client, ConnectError>> {
        Box::pin(async {
            if let Some(first) = lock(&self.first).take() {
                return Ok(first);
            }
            let client = open(&self.spec, &self.embedded, &self.client_options, &self.counters).await?;
            client.learn_from(self.mirrored.as_ref());
            lock(&self.children).extend(client.child().map(Child::pid));
            Ok(client)
        })
    }

    /// The processes to watch, without their descendants: our own for the embedded server, every child
    /// started so far for a command, and for a URL whoever listens on its port on this machine.
    pub async fn pids(&self) -> Vec<u32> {
        match &self.spec {
            ServerSpec::InProcess => vec![std::process::id()],
            ServerSpec::Command(_) => lock(&self.children).iter().copied().collect(),
            ServerSpec::Url(url) => music21_mcp_proc::listeners(&crate::client::addresses(url).await),
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn spec(&self) -> &ServerSpec {
        &self.spec
    }

    /// Who answers.
    #[must_use]
    pub fn server(&self) -> &ServerInfo {
        &self.server
    }

    /// The names of its tools, in its own order.
    #[must_use]
    pub fn tools(&self) -> &[String] {
        &self.tools
    }

    /// What its sessions saw so far that a sound server does not do.
    #[must_use]
    pub fn protocol_violations(&self) -> ProtocolViolations {
        self.counters.snapshot()
    }

    /// Failed attempts before the start succeeded.
    #[must_use]
    pub fn start_retries(&self) -> u32 {
        self.start_retries
    }

    /// The embedded server behind it, where it is that.
    #[must_use]
    pub fn embedded(&self) -> Option<&Server> {
        (self.spec == ServerSpec::InProcess).then_some(&self.embedded)
    }

    /// Ends the session nobody took. Those that were taken are their takers' to close.
    pub async fn shutdown(self) {
        let first = lock(&self.first).take();
        if let Some(client) = first {
            client.close().await;
        }
    }
}

/// `embedded` is asked where the server is that; all its sessions share it, as an HTTP server's share its scores.
async fn open(
    spec: &ServerSpec,
    embedded: &Server,
    options: &ClientOptions,
    counters: &Arc<Counters>,
) -> Result<Music21Client, ConnectError> {
    let counters = Arc::clone(counters);
    match spec {
        ServerSpec::InProcess => {
            Music21Client::in_process_counting(embedded.handler(), options, counters).await
        }
        ServerSpec::Command(command) => Music21Client::spawn_counting(command, options, counters).await,
        ServerSpec::Url(url) => Music21Client::connect_counting(url, options, counters).await,
    }
}

/// A command that ended each time may leave because it is asked to initialise, which newer servers need not know: once
/// more without that.
async fn open_newest(
    spec: &ServerSpec,
    error: &ConnectError,
    options: &ClientOptions,
) -> Option<Music21Client> {
    let ServerSpec::Command(command) = spec else { return None };
    if options.protocol.is_some() || error.outcome != Outcome::ConnectError {
        return None;
    }
    let newest = ClientOptions { protocol: Some(ProtocolVersion::LATEST), ..options.clone() };
    Music21Client::spawn(command, &newest).await.ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
