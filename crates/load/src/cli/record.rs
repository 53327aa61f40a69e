//! `record`: stands between an agent and its server, and writes down what the agent does.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use http::uri::Authority;
use music21_mcp_bench::server::ServerSpec;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::support::files::{writable, write};
use super::support::process::watch_signals;
use super::support::relay::{Relay, Told};
use super::support::template::template;
use super::{Exit, Usage};
use crate::runtime::block_on;
use crate::shell::quoted;
use crate::transcript::{Recorded, Sessions, Transcript, recorded};

/// Stand between an agent and its server, and write a scenario of what the agent does.
///
/// Put it in front of the server's command where the agent is configured; or, for a server over HTTP, give the server's URL
/// with --listen, and the agent this program's in its place. Every byte passes unchanged. The scenario repeats the calls at the
/// agent's own pace; ids that the agent made up become its iteration's own, and arguments that may be secrets or are very long
/// are left out, which is said on stderr. No header is written down.
#[derive(Debug, Args)]
pub(super) struct RecordCalls {
    /// The scenario's file; it is written when the agent or the server leaves, and with --listen after Ctrl-C.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Stand before a server over HTTP: agents reach it at this address, such as 127.0.0.1:9000.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The server's command line; with --listen its URL.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Bytes that pass at once.
const CHUNK: usize = 64 * 1024;

/// Who wrote some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Agent,
    Server,
}

/// Bytes that have passed, and when.
type Passed = (From, Vec<u8>, Duration);

impl RecordCalls {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        writable(&self.out)?;
        let mut threads = Builder::new_multi_thread();
        threads.worker_threads(2);
        if let Some(address) = self.listen {
            let url = Url::of(&self.command)?;
            let (sessions, logins) = block_on(&mut threads, listen(address, &url))?;
            let mut notes = url.notes();
            notes.extend(logins.iter().map(|name| {
                format!("the agent sent '{name}', which is not written down: run wants --header '{name}: env:NAME'")
            }));
            if sessions.has_calls_without_session() {
                let note =
                    "calls named no session, as from protocol 2026-07-28 on: they are taken for one agent's";
                notes.push(note.to_owned());
            }
            self.keep(&sessions.transcripts(), url.shown(), notes)?;
            return Ok(Exit::Ok);
        }
        if let [url] = &*self.command
            && url.starts_with("http")
            && url.contains("://")
        {
            return Err(Usage(
                "a server over HTTP needs --listen 127.0.0.1:9000, and the agent that address".to_owned(),
            )
            .into());
        }
        let (status, seen) = block_on(&mut threads, self.pass())?;
        // As `--server` takes it.
        let server = self.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let sessions: Vec<Transcript> = Some(seen).filter(|seen| seen.len() > 0).into_iter().collect();
        self.keep(&sessions, server, Vec::new())?;
        Ok(if status.is_none_or(|status| status.success()) { Exit::Ok } else { Exit::Environment })
    }

    /// Writes the scenario, and tells what a reader must know of it.
    fn keep(&self, sessions: &[Transcript], server: String, more: Vec<String>) -> anyhow::Result<()> {
        let Recorded { definition, notes } = recorded(sessions, server);
        let flows = &definition.stages[0].workload.flows;
        let (clients, calls) = (flows.len(), flows.iter().map(|flow| flow.steps.len()).sum::<usize>());
        // Nobody may be left who reads it.
        let mut error = std::io::stderr();
        let out = self.out.display();
        for note in notes.into_iter().chain(more) {
            let _ = writeln!(error, "music21-mcp-bench: {note}");
        }
        if calls == 0 {
            let called = sessions.iter().map(Transcript::len).sum::<usize>();
            let what = if called == 0 { "nothing" } else { "nothing that could be done again" };
            let _ = writeln!(error, "music21-mcp-bench: the agent called {what}; '{out}' was not written");
            return Ok(());
        }
        write(&self.out, template(&definition)?)?;
        let of = if clients > 1 { format!(" of {clients} sessions") } else { String::new() };
        let _ = writeln!(error, "music21-mcp-bench: wrote {calls} calls{of} to {out}");
        Ok(())
    }

    /// Passes everything on until one side leaves.
    async fn pass(&self) -> anyhow::Result<(Option<ExitStatus>, Transcript)> {
        let interrupt = CancellationToken::new();
        watch_signals(&interrupt)?;
        let (program, arguments) = self.command.split_first().context("no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("'{program}' does not start"))?;
        let (stdin, stdout) =
            (child.stdin.take().context("no pipe")?, child.stdout.take().context("no pipe")?);
        let (tell, told) = unbounded_channel();
        let began = Instant::now();
        let noting = tokio::spawn(note(told));
        // Threads that block: the runtime would hand every byte from one of its own to another. The one that reads the agent
        // is left alone at the end, since the agent may keep its end of the pipe open for as long as it likes.
        let (to_server, to_agent) = (tell.clone(), tell.clone());
        std::thread::spawn(move || copy(std::io::stdin(), stdin, From::Agent, &to_server, began));
        let (leave, left) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            copy(stdout, std::io::stdout(), From::Server, &to_agent, began);
            drop(leave);
        });
        tokio::select! {
            _ = left => {}
            () = interrupt.cancelled() => {
                // It is going anyway.
                let _ = child.kill();
            }
        }
        let status = tokio::task::spawn_blocking(move || child.wait().ok()).await?;
        // Whoever notes has ended only if it panicked, which is told below.
        let _ = tell.send(None);
        Ok((status, noting.await?))
    }
}

/// Stands before a server over HTTP until somebody interrupts; also says by which headers agents logged in.
async fn listen(address: SocketAddr, url: &Url) -> anyhow::Result<(Sessions, Vec<String>)> {
    let interrupt = CancellationToken::new();
    watch_signals(&interrupt)?;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    // There is nobody to say it to if stderr is gone.
    let _ = writeln!(
        std::io::stderr(),
        "music21-mcp-bench: give the agent http://{}{} in place of {}; Ctrl-C ends and writes",
        listener.local_addr()?,
        url.path,
        url.shown()
    );
    let (tell, told) = unbounded_channel();
    let noting = tokio::spawn(note_exchanges(told));
    let relay = Arc::new(Relay::new(url.authority.clone(), tell));
    relay.serve(listener, &interrupt).await;
    relay.end();
    Ok((noting.await?, relay.logins()))
}

/// Reads what passed, off the way of the bytes.
async fn note_exchanges(mut told: UnboundedReceiver<Option<Told>>) -> Sessions {
    let mut sessions = Sessions::default();
    while let Some(Some((number, part, at))) = told.recv().await {
        sessions.take(number, part, at);
    }
    sessions
}

/// Where a server over HTTP is.
struct Url {
    text: String,
    authority: Authority,
    /// Without its query, whose values may be keys.
    path: String,
}

impl Url {
    fn of(command: &[String]) -> anyhow::Result<Self> {
        let usage = |why: &str| {
            Usage(format!("--listen stands before a server's URL, such as http://127.0.0.1:8000/mcp: {why}"))
        };
        let [text] = command else { return Err(usage("there is more than one word").into()) };
        let shown = ServerSpec::without_values(text);
        let uri: http::Uri = text.parse().map_err(|error| usage(&format!("'{shown}' is none: {error}")))?;
        let mut authority = uri.authority().cloned().filter(|_| uri.scheme_str() == Some("http"));
        if authority.as_ref().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(usage("a login in it would not be sent: the agent's own headers are").into());
        }
        // What is connected to has a port.
        if let Some(portless) = authority.as_mut().filter(|authority| authority.port().is_none()) {
            *portless = format!("{portless}:80").parse()?;
        }
        let authority = authority.ok_or_else(|| usage(&format!("'{shown}' is not http://")))?;
        Ok(Self { text: text.clone(), authority, path: uri.path().to_owned() })
    }

    fn shown(&self) -> String {
        ServerSpec::without_values(&self.text)
    }

    fn notes(&self) -> Vec<String> {
        let is_masked = self.shown() != self.text;
        let note = "the query of the URL may hold a key and is not written down: run wants --server with the whole URL";
        is_masked.then(|| note.to_owned()).into_iter().collect()
    }
}

/// Tells of bytes as they come, and passes them on. It ends where either side does; the writing side is closed then.
fn copy(
    mut from: impl Read,
    mut to: impl Write,
    who: From,
    tell: &UnboundedSender<Option<Passed>>,
    began: Instant,
) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.unwrap_or(0),
        };
        if read == 0 {
            break;
        }
        // Told first: else an answer could be told of before its question. Nobody listens any more where the run is over.
        let _ = tell.send(Some((who, buffer[..read].to_vec(), began.elapsed())));
        if to.write_all(&buffer[..read]).is_err() || to.flush().is_err() {
            break;
        }
    }
}

/// Puts lines together and reads them, off the way of the bytes.
async fn note(mut told: UnboundedReceiver<Option<Passed>>) -> Transcript {
    let mut seen = Transcript::default();
    let mut pending = [Vec::new(), Vec::new()];
    while let Some(Some((who, bytes, at))) = told.recv().await {
        let waiting = &mut pending[usize::from(who == From::Server)];
        waiting.extend_from_slice(&bytes);
        while let Some(end) = memchr::memchr(b'\n', waiting) {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            match who {
                From::Agent => seen.agent_says(&line, at),
                From::Server => seen.server_says(&line, at),
            }
        }
    }
    seen
}
