//! A server process of our own: started in its own process group, its stderr always drained, its end reported in words.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

/// A command line as the user wrote it, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCommand {
    /// The program, looked up in `PATH` if it holds no slash.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables set for it, besides those it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// Where it runs; `None` is here.
    pub directory: Option<PathBuf>,
}

impl ServerCommand {
    /// A program with these arguments, started here in the environment that there is.
    #[must_use]
    pub fn new(program: impl Into<OsString>, args: &[&str]) -> Self {
        let args = args.iter().map(OsString::from).collect();
        Self { program: program.into(), args, env: Vec::new(), directory: None }
    }
}

/// A running (or ended) server process. Dropping it kills its process group.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    oom_kills: i64,
}

/// What is kept of stderr.
const STDERR_KEPT: usize = 4096;
/// How long after a stream's end the process may take to be seen as ended. In-flight calls wait for it.
pub(super) const EXIT_NOTICE: Duration = Duration::from_millis(80);

impl Child {
    /// Starts the command; the pipes are its stdin and stdout.
    pub(super) fn spawn(command: &ServerCommand) -> std::io::Result<(Self, ChildStdin, ChildStdout)> {
        let ServerCommand { program, args, env, directory } = command;
        let mut process = Command::new(program);
        process.args(args).envs(env.iter().map(|(key, value)| (key, value)));
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        process.process_group(0).kill_on_drop(true);
        if let Some(directory) = directory {
            process.current_dir(directory);
        }
        let mut child = process.spawn()?;
        let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(errors), Some(pid)) =
            (taken.0, taken.1, taken.2, pid_of(&child))
        else {
            return Err(std::io::Error::other("the process started without its pipes"));
        };
        let stderr = Arc::new(Mutex::new(VecDeque::with_capacity(STDERR_KEPT)));
        let (ended, exit) = watch::channel(None);
        let drained = tokio::spawn(drain(errors, Arc::clone(&stderr)));
        tokio::spawn(async move {
            let status = child.wait().await;
            // Whatever it left behind holds our pipes open, and nobody would reap it.
            kill(pid, Signal::KILL);
            // Its last words, before its end is reported.
            let _ = tokio::time::timeout(EXIT_NOTICE / 2, drained).await;
            let _ = ended.send(status.ok());
        });
        Ok((Self { pid, exit, stderr, oom_kills: music21_mcp_proc::oom_kills() }, stdin, stdout))
    }

    /// The process id, which is its group's id too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How it ended; `None` while it runs.
    fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// The last 4 KiB of its stderr.
    fn stderr_tail(&self) -> String {
        let ring = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let (a, b) = ring.as_slices();
        String::from_utf8_lossy(&[a, b].concat()).into_owned()
    }

    /// What it said last on stderr, on one line; empty where it said nothing.
    pub(super) fn last_words(&self) -> String {
        last_lines(&self.stderr_tail())
    }

    /// One line about its end: exit status or signal, and its last words.
    pub(super) async fn exit_report(&self) -> String {
        let _ = self.ended_within(EXIT_NOTICE).await;
        let how = match self.exit_status() {
            None => "the server closed its stdout and runs on".to_owned(),
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("the server exited with status {code}"),
                (None, Some(signal)) => {
                    format!(
                        "the server was killed by signal {signal}{}",
                        out_of_memory(signal, self.oom_kills)
                    )
                }
                (None, None) => format!("the server ended: {status}"),
            },
        };
        match self.last_words() {
            words if words.is_empty() => format!("{how}, stderr empty"),
            words => format!("{how}, stderr: {words}"),
        }
    }

    /// Waits for the end after its stdin was closed, then terminates, then kills the whole group.
    pub(super) async fn stop(&self, grace: Duration) {
        for signal in [Signal::TERM, Signal::KILL] {
            if self.ended_within(grace).await {
                return;
            }
            kill(self.pid, signal);
        }
        let _ = self.ended_within(grace).await;
    }

    async fn ended_within(&self, grace: Duration) -> bool {
        let mut exit = self.exit.clone();
        tokio::time::timeout(grace, exit.wait_for(Option::is_some)).await.is_ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.exit_status().is_none() {
            kill(self.pid, Signal::KILL);
        }
    }
}

/// Said of signal 9, which is what the kernel sends when memory runs out; others send it too, so the count decides.
fn out_of_memory(signal: i32, before: i64) -> String {
    match music21_mcp_proc::oom_kills() - before {
        kills @ 1.. if signal == Signal::KILL.as_raw() => {
            format!("; the kernel killed {kills} processes meanwhile because memory ran out")
        }
        _ => String::new(),
    }
}

fn pid_of(child: &tokio::process::Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

/// A group that is gone already is what we want.
fn kill(pid: Pid, signal: Signal) {
    let _ = kill_process_group(pid, signal);
}

async fn drain(mut errors: ChildStderr, ring: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; STDERR_KEPT];
    while let Ok(read @ 1..) = errors.read(&mut chunk).await {
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        let surplus = (ring.len() + read).saturating_sub(STDERR_KEPT);
        ring.drain(..surplus);
        ring.extend(&chunk[..read]);
    }
}

/// The last lines that say something, on one line.
fn last_lines(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = lines[lines.len().saturating_sub(3)..].join(" | ");
    let surplus = words.chars().count().saturating_sub(400);
    words.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_ran_out_is_told_of_signal_9_alone() {
        let said = out_of_memory(9, music21_mcp_proc::oom_kills() - 2);
        assert_eq!(said, "; the kernel killed 2 processes meanwhile because memory ran out");
        assert_eq!(out_of_memory(9, music21_mcp_proc::oom_kills()), "");
        assert_eq!(out_of_memory(15, music21_mcp_proc::oom_kills() - 2), "");
    }
}
