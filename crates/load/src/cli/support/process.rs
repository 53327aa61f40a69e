//! What a run asks of its own process: descriptors, and an end that leaves nothing behind.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::Exit;

/// Each session over HTTP holds a connection or two, and the usual limit of 1024 is soon reached.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // With the old limit a run of many clients fails by itself, and says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// A run that cannot open its sessions would blame the server for it.
pub(crate) fn enough_descriptors(sessions: usize) -> anyhow::Result<()> {
    let needed = sessions as u64 * DESCRIPTORS_PER_CLIENT + DESCRIPTORS_OF_OURS;
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < needed => bail!(
            "{sessions} sessions at once need {needed} file descriptors and this process may open {limit}; \
             raise 'ulimit -n', or lower --clients or --rate"
        ),
        _ => Ok(()),
    }
}

/// The three pipes of a stdio server, or two connections over HTTP and one that is being replaced.
const DESCRIPTORS_PER_CLIENT: u64 = 3;
/// The runtime, files, and what finds the server's processes.
const DESCRIPTORS_OF_OURS: u64 = 64;

/// For a server that another process of ours has started: its stdin closes when that process is gone, even by
/// SIGKILL, and nobody else would end it.
#[derive(Debug, clap::Args)]
pub(crate) struct EndsWithStdin {
    /// End when standard input closes.
    #[arg(long, hide = true)]
    ends_with_stdin: bool,
}

impl EndsWithStdin {
    /// Watches, if that was asked for.
    pub(crate) fn watch(&self) {
        if self.ends_with_stdin {
            std::thread::spawn(|| {
                // Read or broken: either way its other end is gone.
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                std::process::exit(i32::from(Exit::Ok as u8));
            });
        }
    }
}

/// Claims `directory` for this run: two would overwrite each other's result. It is free again once the file is dropped,
/// however the process ends.
pub(crate) fn claim(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join(".lock");
    let open = || format!("failed to write '{}'", path.display());
    let mut file =
        File::options().create(true).truncate(false).read(true).write(true).open(&path).with_context(open)?;
    if file.try_lock().is_err() {
        let mut pid = String::new();
        // A pid that cannot be read is no reason to hide the rest.
        let _ = file.read_to_string(&mut pid);
        bail!(
            "another run (process {}) writes into '{}'; wait for it or choose another --out",
            pid.trim(),
            directory.display()
        );
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).with_context(open)?;
    Ok(file)
}

/// What comes within this time of the first signal is the same wish to end: a terminal and a script send one each.
const AT_ONCE: Duration = Duration::from_millis(300);

/// The first signal cancels; a later one ends the process, children included: they are killed with us. A hangup that
/// whoever started us has switched off, as `nohup` does, stays off.
pub(crate) fn watch_signals(interrupt: &CancellationToken) -> anyhow::Result<()> {
    let first = Arc::new(OnceLock::new());
    let hangup = (!music21_mcp_proc::ignores_hangup()).then(SignalKind::hangup);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()].into_iter().chain(hangup) {
        let mut signals = signal(kind).context("failed to listen for signals")?;
        let (interrupt, first) = (interrupt.clone(), Arc::clone(&first));
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if first.get_or_init(Instant::now).elapsed() > AT_ONCE {
                    kill_children();
                    std::process::exit(i32::from(Exit::Interrupted as u8));
                }
                interrupt.cancel();
            }
        });
    }
    Ok(())
}

/// Everything below this process, which an exit would leave running.
fn kill_children() {
    let own = std::process::id();
    for pid in music21_mcp_proc::ProcessTree::new([own]).pids().into_iter().filter(|&pid| pid != own) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
            // One that is gone already is what we want.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
