//! memray, by a Python that has it: it follows every allocation of a Python process that it is let into.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use std::{fs, io};

use tokio::process::Command;

use super::site::Record;

/// What the Python runs.
const SCRIPT: &str = include_str!("memray.py");
/// How long one of its steps may take; a collection of a large server's garbage is a matter of seconds.
const STEP: Duration = Duration::from_secs(60);

/// A Python that has memray, and has shown that it can attach to a process like the server's.
#[derive(Debug, Clone)]
pub(super) struct Memray {
    python: PathBuf,
}

impl Memray {
    /// The server's own Python, else that of a `memray` on PATH; tried on a process of ours, into `directory`.
    ///
    /// # Errors
    ///
    /// A line that says why there is none, and what to do.
    pub(super) async fn find(pid: u32, directory: &Path) -> Result<Self, String> {
        let own = music21_mcp_proc::called_as(pid).ok_or("its Python cannot be read")?;
        let file = directory.join("trial");
        let of_server = Self { python: own.clone() };
        let refusal = match of_server.run(&["trial".as_ref(), file.as_os_str()]).await {
            Ok(_) => return Ok(of_server),
            Err(refusal) => refusal,
        };
        if !refusal.contains(MISSING) {
            return Err(refusal);
        }
        let installed = beside_memray().ok_or_else(|| missing(&own))?;
        let on_path = Self { python: installed };
        on_path.run(&["trial".as_ref(), file.as_os_str()]).await.map(|_| on_path)
    }

    /// Lets memray into a process; what it sees goes to `file`.
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
    pub(super) async fn detach(&self, pid: u32) -> Result<(), String> {
        self.run(&["detach".as_ref(), pid.to_string().as_ref()]).await.map(|_| ())
    }

    /// What was allocated and not freed.
    pub(super) async fn read(&self, file: &Path) -> Result<Vec<Record>, String> {
        let printed = self.run(&["read".as_ref(), file.as_os_str()]).await?;
        let lines = printed.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().map_err(|error| format!("memray's records: {error}"))
    }

    async fn run(&self, words: &[&std::ffi::OsStr]) -> Result<String, String> {
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).args(words);
        // A terminal's Ctrl-C is ours to pass on.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        match tokio::time::timeout(STEP, command.output()).await {
            Err(_) => Err(format!("memray took more than {} s", STEP.as_secs())),
            Ok(Err(error)) => Err(not_started(&self.python, &error)),
            Ok(Ok(output)) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(Ok(output)) => Err(reason(&output)),
        }
    }
}

/// Python's words where a package is not installed.
const MISSING: &str = "No module named 'memray'";

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

/// What memray or its debugger said, and what to do about it.
fn reason(output: &Output) -> String {
    let said =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).join("\n");
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
    let known = KNOWN.iter().find(|(words, _)| said.contains(words));
    let last = || said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing");
    known.map_or_else(|| format!("memray gave up: {}", last()), |(_, why)| (*why).to_owned())
}
