//! heaptrack, for servers that are no Python: it is let into a process by gdb, and follows its allocations.
//!
//! It forgets them when it is let go, so that what is read is what the process held when it held most. Where memory only grows
//! that is the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use super::site::Record;
use crate::profile::server::last_line;
use crate::result::HEAPTRACK as NAME;

/// How long it may take to be let in or go, or to be read.
const STEP: Duration = Duration::from_secs(60);
/// What it prints once it is at work.
const LET_IN: &str = "injection finished";
/// It says the same if gdb failed.
const NOT_LET_IN: &str =
    "gdb could not let heaptrack in; it needs CAP_SYS_PTRACE, and gdb 14 or newer on CPUs with AMX";

/// It follows a process, until it is let go.
pub(super) struct Heaptrack {
    child: Child,
    /// It is a script, and waits for what it started.
    group: Pid,
    /// Held, since who writes a line that nobody reads is ended.
    lines: Lines<BufReader<ChildStdout>>,
}

/// Whether there is one that can be let in: a debugger that fails halfway can kill what it was let into, so that it is tried on
/// a process of ours, with files in `directory`.
///
/// # Errors
///
/// A line that says why not, and what to do.
pub(super) async fn find(directory: &Path) -> Result<(), String> {
    let found = Command::new(NAME).arg("--version").stdin(Stdio::null()).output().await;
    if !found.is_ok_and(|output| output.status.success()) {
        return Err("to see what it keeps, install heaptrack and gdb, or jeprof and start it with jemalloc's profile \
             (MALLOC_CONF=prof:true,lg_prof_interval:24)"
            .to_owned());
    }
    let mut trial = Command::new("sleep");
    trial.arg("600").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut sleeping = trial.spawn().map_err(|error| format!("'sleep': {error}"))?;
    let pid = sleeping.id().ok_or("'sleep' ended")?;
    let file = directory.join("trial");
    let held = Heaptrack::attach(pid, &file).await?;
    // Of one that is gone there is nothing to let go.
    if matches!(sleeping.try_wait(), Ok(None)) {
        held.detach(pid).await?;
    }
    match sleeping.try_wait() {
        Ok(None) => Ok(()),
        _ => Err(NOT_LET_IN.to_owned()),
    }
}

/// The file that it wrote, whose ending says how it is packed.
fn recorded(file: &Path) -> Option<PathBuf> {
    ["zst", "gz"].map(|ending| file.with_extension(ending)).into_iter().find(|path| path.exists())
}

impl Heaptrack {
    /// Lets it into a process; what it sees goes to `file` with an ending of its own.
    pub(super) async fn attach(pid: u32, file: &Path) -> Result<Self, String> {
        let mut command = Command::new(NAME);
        command.arg("--output").arg(file).args(["--pid", &pid.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| format!("{NAME}: {error}"))?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let (Some(stdout), Some(group)) = (child.stdout.take(), group) else {
            return Err(format!("{NAME} has no output"));
        };
        let mut held = Self { child, group, lines: BufReader::new(stdout).lines() };
        let let_in = async {
            let mut said = String::new();
            while let Ok(Some(line)) = held.lines.next_line().await {
                if line.contains(LET_IN) {
                    return Ok(());
                }
                said = format!("{said}\n{line}");
            }
            Err(format!("{NAME} gave up: {}", last_line(&said)))
        };
        let too_late = |_| format!("{NAME} was not let in within {} s", STEP.as_secs());
        timeout(STEP, let_in).await.map_err(too_late)??;
        Ok(held)
    }

    /// Lets it go, and waits until all is written.
    pub(super) async fn detach(mut self, pid: u32) -> Result<(), String> {
        // Its own way to end also ends what packs the file, which then lacks the last megabytes: so the script is ended without
        // it, and the rest ends when the server writes no more.
        let _ = self.child.kill().await;
        let mut gdb = Command::new("gdb");
        gdb.args(["-nx", "--batch", "-iex", "set auto-solib-add off", "-p", &pid.to_string()]);
        for step in ["sharedlibrary libheaptrack_inject", "call (void) heaptrack_stop()", "detach"] {
            gdb.args(["-ex", step]);
        }
        gdb.stdin(Stdio::null()).kill_on_drop(true);
        let over = async {
            let stopped = gdb.output().await.map_err(|error| format!("gdb: {error}"))?;
            if !stopped.status.success() {
                return Err(NOT_LET_IN.to_owned());
            }
            while test_kill_process_group(self.group).is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        let over = timeout(STEP, over).await;
        over.map_err(|_| format!("{NAME} did not let go within {} s", STEP.as_secs()))?
    }
}

impl Drop for Heaptrack {
    fn drop(&mut self) {
        // Of one that has ended nothing is left but what waits for a server that gdb could not reach.
        let _ = kill_process_group(self.group, Signal::KILL);
        // Named by the script's number, which is the group's. What cannot be removed is an empty file.
        let _ = fs::remove_file(format!("/tmp/heaptrack_fifo{}", self.group.as_raw_nonzero()));
    }
}

/// What was held when most was.
pub(super) async fn read(file: &Path) -> Result<Vec<Record>, String> {
    let recorded = recorded(file).ok_or_else(|| format!("{NAME} wrote nothing"))?;
    let folded = file.with_extension("folded");
    let mut command = Command::new("heaptrack_print");
    command.args(["--print-peaks=0", "--print-allocators=0", "--print-temporary=0"]);
    command.args(["--flamegraph-cost-type", "peak", "--print-flamegraph"]).arg(&folded);
    command.arg("--file").arg(recorded).stdin(Stdio::null()).kill_on_drop(true);
    match timeout(STEP, command.output()).await {
        Err(_) => return Err(format!("heaptrack_print took more than {} s", STEP.as_secs())),
        Ok(Err(error)) => return Err(format!("heaptrack_print: {error}")),
        Ok(Ok(output)) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("heaptrack_print gave up: {}", last_line(&said)));
        }
        Ok(Ok(_)) => {}
    }
    let text = fs::read_to_string(&folded);
    let text = text.map_err(|error| format!("heaptrack_print: {error}"))?;
    let records: Vec<Record> = text.lines().filter_map(Record::of_native).collect();
    if records.is_empty() { Err(NOT_LET_IN.to_owned()) } else { Ok(records) }
}
