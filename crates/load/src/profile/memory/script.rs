//! memray, or Python's own tracemalloc from 3.14 on: they follow every allocation of a Python process that they are let into.
//! Both are asked the same by a script, which a Python that has them runs.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use std::{fs, io};

use tokio::process::Command;

use super::site::Record;
use crate::profile::server::last_line;

/// How long one of its steps may take; a collection of a large server's garbage is a matter of seconds.
const STEP: Duration = Duration::from_secs(60);

/// What follows the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Memray,
    Tracemalloc,
}

impl Tool {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memray => "memray",
            Self::Tracemalloc => "tracemalloc",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Memray => include_str!("memray.py"),
            Self::Tracemalloc => include_str!("tracemalloc.py"),
        }
    }
}

/// A Python that has shown that it can let the tool into a process like the server's.
#[derive(Debug, Clone)]
pub(in crate::profile) struct Script {
    python: PathBuf,
    pub(super) tool: Tool,
}

impl Script {
    /// memray in the server's own Python, else that Python's tracemalloc, else the Python of a `memray` on PATH; tried on a
    /// process of ours, into `directory`.
    ///
    /// # Errors
    ///
    /// A line that says why there is none, and what to do.
    pub(super) async fn find(pid: u32, directory: &Path) -> Result<Self, String> {
        let own = music21_mcp_proc::called_as(pid).ok_or("its Python cannot be read")?;
        let file = directory.join("trial");
        let of_server = |tool| Self { python: own.clone(), tool };
        let refusal = match of_server(Tool::Memray).tried(&file).await {
            Ok(found) => return Ok(found),
            Err(refusal) => refusal,
        };
        if !refusal.contains(MISSING) {
            return Err(refusal);
        }
        match of_server(Tool::Tracemalloc).tried(&file).await {
            Ok(found) => return Ok(found),
            Err(refusal) if !refusal.contains(TOO_OLD) => return Err(refusal),
            Err(_) => {}
        }
        let installed = beside_memray().ok_or_else(|| missing(&own))?;
        Self { python: installed, tool: Tool::Memray }.tried(&file).await
    }

    async fn tried(self, file: &Path) -> Result<Self, String> {
        self.run(&["trial".as_ref(), file.as_os_str()]).await.map(|_| self)
    }

    /// What a reader must know where it is not memray.
    pub(super) fn instead(&self) -> Option<String> {
        let python = self.python.display();
        (self.tool == Tool::Tracemalloc).then(|| {
            format!(
                "the server's Python has no memray ({python} -m pip install memray); its own tracemalloc follows its memory, \
                 and sees none that C extensions allocate by themselves"
            )
        })
    }

    /// Lets the tool into a process; what it sees goes to `file`.
    pub(super) async fn attach(&self, pid: u32, file: &Path) -> Result<(), String> {
        let pid_word = pid.to_string();
        let refusal = match self.run(&["attach".as_ref(), pid_word.as_ref(), file.as_os_str()]).await {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal,
        };
        let own = music21_mcp_proc::called_as(pid).unwrap_or_else(|| "python".into());
        Err(if refusal.contains(MISSING) { missing(&own) } else { refusal })
    }

    /// Collects the process's garbage, and lets it go.
    pub(super) async fn detach(&self, pid: u32, file: &Path) -> Result<(), String> {
        self.run(&["detach".as_ref(), pid.to_string().as_ref(), file.as_os_str()]).await.map(|_| ())
    }

    /// What was allocated and not freed.
    pub(super) async fn read(&self, file: &Path) -> Result<Vec<Record>, String> {
        let printed = self.run(&["read".as_ref(), file.as_os_str()]).await?;
        let lines = printed.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().map_err(|error| format!("{}'s records: {error}", self.tool.name()))
    }

    async fn run(&self, words: &[&std::ffi::OsStr]) -> Result<String, String> {
        let mut command = Command::new(&self.python);
        command.args(["-c", self.tool.script()]).args(words);
        // A terminal's Ctrl-C is ours to pass on.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        match tokio::time::timeout(STEP, command.output()).await {
            Err(_) => Err(format!("{} took more than {} s", self.tool.name(), STEP.as_secs())),
            Ok(Err(error)) => Err(not_started(&self.python, &error)),
            Ok(Ok(output)) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(Ok(output)) => Err(self.reason(&output)),
        }
    }

    /// What the tool or its debugger said, and what to do about it.
    fn reason(&self, output: &Output) -> String {
        let said = [&output.stdout, &output.stderr]
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .join("\n");
        let known = KNOWN.iter().find(|(words, _)| said.contains(words));
        known.map_or_else(
            || format!("{} gave up: {}", self.tool.name(), last_line(&said)),
            |(_, why)| (*why).to_owned(),
        )
    }
}

/// Python's words where a package is not installed.
const MISSING: &str = "No module named 'memray'";
/// The script's words where there is nothing to be let in by.
const TOO_OLD: &str = "below Python 3.14 nothing";
/// What a tool or a debugger says, and what it means.
const KNOWN: [(&str, &str); 4] = [
    (MISSING, MISSING),
    ("supported gdb executable", "below Python 3.14 memray needs gdb; install Debian's package gdb"),
    (
        "Couldn't write extended state status",
        "this gdb is too old for this CPU and could kill the server; gdb 14 or newer is needed (PyPI's gdb-for-pwndbg has one)",
    ),
    (
        "ptrace: ",
        "the kernel refuses to let a debugger in; it needs CAP_SYS_PTRACE, or kernel.yama.ptrace_scope = 0",
    ),
];

fn missing(python: &Path) -> String {
    let python = python.display();
    format!("the server's Python has no memray; install it there: {python} -m pip install memray")
}

fn not_started(python: &Path, error: &io::Error) -> String {
    format!("failed to run '{}': {error}", python.display())
}

/// The Python of a `memray` on PATH, through links such as pipx's.
fn beside_memray() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut commands = std::env::split_paths(&path).map(|directory| directory.join("memray"));
    let command = commands.find_map(|command| fs::canonicalize(command).ok())?;
    Some(command.with_file_name("python")).filter(|python| python.exists())
}
