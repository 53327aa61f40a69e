//! `record`: stands between an agent and its stdio server, and writes down what the agent does.

use std::io::Write;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::Exit;
use super::support::files::{writable, write};
use super::support::process::watch_signals;
use super::support::template::template;
use crate::runtime::block_on;
use crate::shell::quoted;
use crate::transcript::{Recorded, Transcript};

/// Stand between an agent and its stdio server, and write a scenario of what the agent does.
///
/// Put it in front of the server's command where the agent is configured. Every byte passes unchanged. The scenario repeats
/// the calls at the agent's own pace; ids that the agent made up become its iteration's own, and arguments that may be secrets
/// or are very long are left out, which is said on stderr.
#[derive(Debug, Args)]
pub(super) struct RecordCalls {
    /// The scenario's file; it is written when the agent or the server leaves.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// The server's command line.
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
        let (status, seen) = block_on(Builder::new_multi_thread().worker_threads(2), self.pass())?;
        // As `--server` takes it.
        let server = self.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let Recorded { definition, notes } = seen.recorded(server);
        // Nobody may be left who reads it.
        let mut error = std::io::stderr();
        for note in notes {
            let _ = writeln!(error, "music21-mcp-bench: {note}");
        }
        if seen.len() == 0 {
            let _ = writeln!(
                error,
                "music21-mcp-bench: the agent called nothing; '{}' was not written",
                self.out.display()
            );
        } else {
            write(&self.out, template(&definition)?)?;
            let _ =
                writeln!(error, "music21-mcp-bench: wrote {} calls to {}", seen.len(), self.out.display());
        }
        Ok(if status.is_none_or(|status| status.success()) { Exit::Ok } else { Exit::Environment })
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
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("'{program}' does not start"))?;
        let (stdin, stdout) =
            (child.stdin.take().context("no pipe")?, child.stdout.take().context("no pipe")?);
        let (tell, told) = unbounded_channel();
        let began = Instant::now();
        let noting = tokio::spawn(note(told));
        let to_server = tokio::spawn(copy(tokio::io::stdin(), stdin, From::Agent, tell.clone(), began));
        let to_agent = tokio::spawn(copy(stdout, tokio::io::stdout(), From::Server, tell, began));
        let status = leave(&mut child, to_agent, &interrupt).await;
        // The agent's end of its pipe may stay open for as long as it likes.
        to_server.abort();
        let _ = to_server.await;
        Ok((status, noting.await?))
    }
}

/// Waits until all of the server's output has passed, or somebody interrupts.
async fn leave(
    child: &mut Child,
    to_agent: tokio::task::JoinHandle<()>,
    interrupt: &CancellationToken,
) -> Option<ExitStatus> {
    tokio::select! {
        _ = to_agent => {}
        () = interrupt.cancelled() => {
            // It is going anyway.
            let _ = child.start_kill();
        }
    }
    child.wait().await.ok()
}

/// Passes bytes on as they come, then tells of them. It ends where either side does; the writing side is closed then.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    who: From,
    tell: UnboundedSender<Passed>,
    began: Instant,
) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() || to.flush().await.is_err() {
            break;
        }
        // Nobody listens any more where the run is over.
        let _ = tell.send((who, buffer[..read].to_vec(), began.elapsed()));
    }
}

/// Puts lines together and reads them, off the way of the bytes.
async fn note(mut told: UnboundedReceiver<Passed>) -> Transcript {
    let mut seen = Transcript::default();
    let mut pending = [Vec::new(), Vec::new()];
    while let Some((who, bytes, at)) = told.recv().await {
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
