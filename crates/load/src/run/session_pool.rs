//! The server of a run: started, watched, and shared by the stages through sessions that stay open.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use music21_mcp_bench::client::{ClientOptions, Music21Client, Outcome, ProtocolViolations, Reply};
use music21_mcp_bench::server::{EMBEDDED, STDERR, ServerOptions, ServerSpec, ServerUnderTest};
use music21_mcp_embedded::Config;
use music21_mcp_proc::{ProcessTree, python_packages};
use tokio::process::Child;

use super::in_flight::InFlight;
use super::leftovers::RunDirectory;
use super::own_server::OwnServer;
use super::pool::{Idle, Pool};
use crate::driver::{Call, Connect, OpenError, Session};
use crate::lock::lock;
use crate::patience;
use crate::result::ServerFacts;

/// A server that runs.
pub(crate) struct Host {
    /// How sessions are opened.
    pub target: ServerUnderTest,
    /// What goes into the result.
    pub facts: ServerFacts,
    /// Where generated scores are handed over, and for servers of our own the temporary directory.
    pub directory: RunDirectory,
    pid: Option<u32>,
    /// How to start our own server again.
    own: Option<OwnServer>,
    child: Mutex<Option<Child>>,
    outage: Mutex<Option<Outage>>,
    pub(super) idle: Mutex<Vec<Idle>>,
    /// What was called on the one server that all sessions share.
    called: Called,
    /// Calls sent and not yet answered.
    pub(super) in_flight: InFlight,
    /// What earlier stages had seen.
    violations: Mutex<ProtocolViolations>,
}

/// Packages of Python's SDKs, whose versions explain findings.
const SDK: [&str; 2] = ["mcp", "fastmcp"];

/// The tools that were called on a server so far: the first call of each is cold.
pub(super) type Called = Arc<Mutex<BTreeSet<String>>>;

/// The server's process that was named is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no process {0}; give --pid the server's own, or leave it out")]
pub(crate) struct NoProcess(u32);

/// A fault of a server that we took away ourselves.
struct Outage {
    at: Instant,
    reconnected: Option<Instant>,
}

impl Host {
    /// Starts what `server` names: a command, a URL, or `in-process`. `embedded`, or no name, is the embedded server as a
    /// child process over HTTP, so that generator and server do not share one. It holds scores enough for that many
    /// clients.
    ///
    /// # Errors
    ///
    /// Where it cannot be started, has no tools or not those that are required.
    pub(crate) async fn start(
        server: Option<&str>,
        client: ClientOptions,
        pid: Option<u32>,
        clients: usize,
        require_tools: Vec<String>,
    ) -> anyhow::Result<Self> {
        if let Some(pid) = pid.filter(|&pid| ProcessTree::new([pid]).sample().is_none()) {
            return Err(NoProcess(pid).into());
        }
        let name = ServerSpec::without_values(server.unwrap_or(EMBEDDED));
        let named: ServerSpec = server.unwrap_or(EMBEDDED).parse()?;
        let launch_sha256 = named.digest();
        let directory = RunDirectory::new(&named).context("no temporary directory")?;
        let (mut child, mut own) = (None, None);
        let spec = if server.is_none_or(|text| text == EMBEDDED) {
            let new = OwnServer::for_clients(clients);
            let (started, url) = new.start(directory.path()).await?;
            child = Some(started);
            own = url.split('/').nth(2).map(|address| new.at(address));
            ServerSpec::Url(url)
        } else {
            named.with_temporary_directory(directory.path())
        };
        let default = Config::default();
        let embedded = Config { export_directory: directory.path().to_owned(), ..default };
        let options = ServerOptions { embedded, client, require_tools, ..ServerOptions::default() };
        let started = patience::start(&name, spec, options).await;
        let target = started.map_err(|error| match server.filter(|_| error.is_another_server) {
            Some(server) => anyhow!("{error} {}", what_to_type(server)),
            None => error.into(),
        })?;
        let info = target.server().clone();
        let pids = pid.map_or(target.pids().await, |pid| vec![pid]);
        let facts = ServerFacts {
            spec: ServerSpec::without_values(server.unwrap_or("")),
            launch_sha256,
            name: info.name,
            version: info.version,
            protocol: info.protocol,
            transport: target.spec().transport().to_owned(),
            shares_our_process: target.embedded().is_some(),
            tools: target.tools().to_vec(),
            start_retries: target.start_retries(),
            packages: python_packages(&pids, &SDK),
        };
        Ok(Self {
            target,
            facts,
            directory,
            pid,
            own,
            child: Mutex::new(child),
            outage: Mutex::default(),
            idle: Mutex::default(),
            called: Called::default(),
            in_flight: InFlight::default(),
            violations: Mutex::default(),
        })
    }

    /// Each session is a process.
    pub(crate) fn has_process_per_session(&self) -> bool {
        matches!(self.target.spec(), ServerSpec::Command(_))
    }

    /// The server is the embedded one, by its own name.
    pub(crate) fn is_embedded(&self) -> bool {
        self.facts.name == music21_mcp_embedded::SERVER_NAME
    }

    /// The temporary directory of a server of ours, where its exports go; `None` where others write there too.
    pub(super) fn servers_directory(&self) -> Option<&Path> {
        let ours = self.directory.path();
        let is_elsewhere = match self.target.spec() {
            ServerSpec::InProcess => false,
            ServerSpec::Url(_) => !self.is_ours(),
            spec @ ServerSpec::Command(_) => spec.temporary_directory() != Some(ours),
        };
        (!is_elsewhere).then_some(ours)
    }

    /// The processes to watch, without their descendants.
    pub(crate) async fn pids(&self) -> Vec<u32> {
        match self.pid {
            Some(pid) => vec![pid],
            None if self.is_ours() => lock(&self.child).as_ref().and_then(Child::id).into_iter().collect(),
            None => self.target.pids().await,
        }
    }

    /// We started this HTTP server.
    pub(super) fn is_ours(&self) -> bool {
        self.own.is_some()
    }

    /// Kills our own HTTP server. From here on it is not missed.
    pub(super) async fn kill(&self) {
        let child = lock(&self.child).take();
        if let Some(mut child) = child {
            // It is dead or dying; what else could go wrong shows in the calls.
            let _ = child.kill().await;
        }
    }

    /// Starts our own HTTP server again on its address. Where that fails, no call will succeed and say so.
    pub(super) async fn start_again(&self) {
        let Some(own) = &self.own else { return };
        if let Ok((child, _)) = own.start(self.directory.path()).await {
            *lock(&self.child) = Some(child);
            lock(&self.called).clear();
        }
    }

    /// Notes the time of a fault.
    pub(super) fn begin_outage(&self, at: Instant) {
        *lock(&self.outage) = Some(Outage { at, reconnected: None });
    }

    /// Forgets the sessions that wait for the next stage: they ended with their server.
    pub(super) fn forget_sessions(&self) {
        lock(&self.idle).clear();
    }

    /// How long after the fault a session was opened; `None` where none was.
    pub(super) fn end_outage(&self) -> Option<Duration> {
        let outage = lock(&self.outage).take()?;
        Some(outage.reconnected? - outage.at)
    }

    /// How our own child ended, once it has.
    pub(crate) fn exit_report(&self) -> Option<String> {
        let mut child = lock(&self.child);
        let status = child.as_mut()?.try_wait().ok()??;
        Some(format!("the server ended: {status}{}", self.last_words()))
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.directory.path().join(STDERR)).unwrap_or_default();
        text.lines().last().map_or_else(|| ", stderr empty".to_owned(), |line| format!(", stderr: {line}"))
    }

    /// What sessions saw since this was last asked that a sound server does not do.
    pub(super) fn new_violations(&self) -> ProtocolViolations {
        let now = self.target.protocol_violations();
        let earlier = std::mem::replace(&mut *lock(&self.violations), now.clone());
        now.since(&earlier)
    }

    /// A session has a stream that can be held open, as far as one shows it.
    pub(super) async fn has_stream(&self) -> bool {
        let Ok(client) = self.target.session().await else { return false };
        let has_stream = client.listen().await;
        client.close().await;
        has_stream
    }

    pub(super) async fn new_session(&self, listens: bool) -> Result<(Music21Client, Called), OpenError> {
        let client = self.target.session().await?;
        if listens && !client.listen().await {
            let message = "the session has no stream (GET) to hold open".to_owned();
            return Err(OpenError { outcome: Outcome::ProtocolError, message });
        }
        if let Some(outage) = &mut *lock(&self.outage) {
            outage.reconnected.get_or_insert_with(Instant::now);
        }
        let called =
            if self.has_process_per_session() { Called::default() } else { Arc::clone(&self.called) };
        Ok((client, called))
    }

    /// One call outside of all figures, with a session of the pool.
    ///
    /// # Errors
    ///
    /// Where no session opens.
    pub(crate) async fn call_once(
        self: &Arc<Self>,
        call: Call,
        deadline: Duration,
    ) -> Result<Reply, OpenError> {
        let session = Pool::kept(self).open(0).await?;
        let reply = session.call(call, deadline).await;
        // A lost session is none for whoever comes next.
        if !reply.outcome.is_connection_loss() {
            session.close().await;
        }
        Ok(reply)
    }

    /// Ends every session and the server, if that is ours.
    pub(crate) async fn stop(self: Arc<Self>) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        futures::future::join_all(idle.into_iter().map(|idle| idle.client.close())).await;
        let child = lock(&self.child).take();
        if let Some(mut child) = child {
            // It may be frozen, so that nothing gentler reaches it.
            let _ = child.kill().await;
        }
        if let Ok(host) = Arc::try_unwrap(self) {
            host.target.shutdown().await;
        }
    }
}

/// For another server than the shipped scenarios are made for.
fn what_to_type(server: &str) -> String {
    let server = ServerSpec::without_values(server).replace('\'', r"'\''");
    format!(
        "For another one type `music21-mcp-bench init --server '{server}' -o mine.toml`, then \
         `music21-mcp-bench run mine.toml`"
    )
}
