//! Python stacks by the sampling profiler that Python has itself from 3.15 on (`python -m profiling.sampling`), run by the
//! server's own Python: its Gecko profile has the time of every sample.
//!
//! Files have no directories there, so that a function is told from another by its qualified name.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use super::calls::{Seen, Slice};
use super::py_spy;
use super::server::last_line;

/// What it is called in reports.
pub(super) const NAME: &str = "profiling.sampling";
/// Samples a second, as of py-spy.
const FREQUENCY: &str = "50";
const PERIOD_NS: u64 = 1_000_000_000 / 50;
/// How long it may take to look at a process.
const LOOKING: Duration = Duration::from_secs(20);
/// Files of which an innermost frame waits: for work, for a lock, for a socket.
const WAITING: [&str; 6] =
    ["thread.py", "threading.py", "selectors.py", "queue.py", "socket.py", "_asyncio.py"];
/// Files whose frames only lead to the work.
const NOISE: [&str; 6] =
    ["thread.py", "threading.py", "base_events.py", "events.py", "runners.py", "_asyncio.py"];

/// The arguments of a Python that samples `pid` until it is interrupted.
pub(super) fn arguments<'a>(pid: &'a str, out: &'a Path) -> Vec<&'a OsStr> {
    let words = ["-m", NAME, "attach", "--all-threads", "--sampling-rate", FREQUENCY, "--gecko", "--output"];
    words.into_iter().map(OsStr::new).chain([out.as_os_str(), OsStr::new(pid)]).collect()
}

/// The server's Python, if that can sample this process.
///
/// # Errors
///
/// Why it cannot.
pub(super) async fn python(pid: u32) -> Result<PathBuf, String> {
    let python = music21_mcp_proc::called_as(pid).ok_or("its Python cannot be read")?;
    let mut command = Command::new(&python);
    command.args(["-m", NAME, "dump", &pid.to_string()]).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(LOOKING, command.output()).await {
        Err(_) => Err(format!("{NAME} did not answer within {} s", LOOKING.as_secs())),
        Ok(Err(error)) => Err(format!("'{}': {error}", python.display())),
        Ok(Ok(output)) if output.status.success() => Ok(python),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let is_missing = said.contains("No module named");
            Err(if is_missing {
                "its Python is older than 3.15 and has no sampling profiler".to_owned()
            } else {
                format!("{NAME} gave up: {}", last_line(&said))
            })
        }
    }
}

/// What is read of a Gecko profile.
#[derive(Deserialize)]
struct Profile {
    meta: Meta,
    threads: Vec<Thread>,
    shared: Shared,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    /// Of the monotonic clock, milliseconds.
    start_time: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shared {
    string_array: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    samples: Samples,
    stack_table: Stacks,
    frame_table: Frames,
    func_table: Functions,
}

#[derive(Deserialize)]
struct Samples {
    stack: Vec<Option<usize>>,
    /// Since the start, milliseconds.
    time: Vec<f64>,
}

#[derive(Deserialize)]
struct Stacks {
    frame: Vec<usize>,
    prefix: Vec<Option<usize>>,
}

#[derive(Deserialize)]
struct Frames {
    func: Vec<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Functions {
    name: Vec<usize>,
    file_name: Vec<Option<usize>>,
}

/// The samples of a profile. `start_ns` is the monotonic clock when the stage's clock began; earlier samples are left out. It
/// was told to end at `end_ns` on the stage's clock.
///
/// # Errors
///
/// If the text is no Gecko profile, or names what is not in it.
pub(super) fn seen(profile: &[u8], start_ns: u64, end_ns: u64) -> anyhow::Result<Seen> {
    let Profile { meta, threads, shared } = serde_json::from_slice(profile)?;
    let mut slices = Vec::new();
    let mut first_ns = end_ns;
    for thread in &threads {
        let mut stacks: HashMap<usize, Option<String>> = HashMap::new();
        for (stack, time) in thread.samples.stack.iter().zip(&thread.samples.time) {
            let at_ns = ((meta.start_time + time) * 1e6) as u64;
            let (Some(until_ns), Some(stack)) = (at_ns.checked_sub(start_ns), *stack) else { continue };
            let from_ns = until_ns.saturating_sub(PERIOD_NS);
            first_ns = first_ns.min(from_ns);
            let folded = match stacks.get(&stack) {
                Some(folded) => folded.clone(),
                None => thread.folded(stack, &shared.string_array)?,
            };
            stacks.insert(stack, folded.clone());
            slices.extend(folded.map(|stack| Slice { from_ns, until_ns, stack }));
        }
    }
    slices.sort_by_key(|slice| slice.from_ns);
    Ok(Seen { slices, window: (first_ns, end_ns), period_ns: PERIOD_NS })
}

impl Thread {
    /// A stack as folded stacks have it; `None` if it waits.
    fn folded(&self, innermost: usize, strings: &[String]) -> anyhow::Result<Option<String>> {
        let broken = || anyhow::anyhow!("it names what is not in it");
        let mut frames = Vec::new();
        let mut next = Some(innermost);
        while let Some(stack) = next {
            let frame = *self.stack_table.frame.get(stack).ok_or_else(broken)?;
            let function = *self.frame_table.func.get(frame).ok_or_else(broken)?;
            let name = *self.func_table.name.get(function).ok_or_else(broken)?;
            let file = self.func_table.file_name.get(function).copied().flatten();
            let text = |index: usize| strings.get(index).map(String::as_str).ok_or_else(broken);
            let (name, file) = (text(name)?, file.map(text).transpose()?.unwrap_or_default());
            let is_innermost = stack == innermost;
            if is_innermost && WAITING.contains(&file) {
                return Ok(None);
            }
            if is_innermost || !NOISE.contains(&file) {
                frames.push(py_spy::frame(name, file).replace(';', ","));
            }
            next = self.stack_table.prefix.get(stack).copied().ok_or_else(broken)?;
            anyhow::ensure!(next.is_none_or(|next| next < stack), "a stack is its own root");
        }
        frames.reverse();
        Ok(Some(frames.join(";")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `main` calls `work` at 20 ms and waits in a selector at 40 ms.
    const PROFILE: &str = r#"{"meta": {"startTime": 1000.0}, "libs": [], "shared": {"stringArray":
        ["(root)", "main", "server.py", "_run_once", "base_events.py", "work", "tool.py", "select", "selectors.py"]},
        "threads": [{"name": "t", "samples": {"stack": [2, 2, 3, null], "time": [0.0, 20.0, 40.0, 60.0]},
        "stackTable": {"frame": [0, 1, 2, 3], "prefix": [null, 0, 1, 1]},
        "frameTable": {"func": [0, 1, 2, 3], "line": [1, 2, 3, 4]},
        "funcTable": {"name": [1, 3, 5, 7], "fileName": [2, 4, 6, 8]}}]}"#;

    #[test]
    fn a_sample_is_a_stretch_that_ends_when_it_was_taken_and_one_that_waits_is_none() {
        let Seen { slices, window, period_ns } =
            seen(PROFILE.as_bytes(), 1_010_000_000, 100_000_000).unwrap();
        assert_eq!((window, period_ns), ((0, 100_000_000), 20_000_000));
        let work =
            Slice { from_ns: 0, until_ns: 10_000_000, stack: "main (server.py);work (tool.py)".into() };
        assert_eq!(slices, [work]);
    }

    #[test]
    fn what_is_no_profile_or_names_what_is_not_there_is_an_error() {
        assert!(seen(b"{}", 0, 0).is_err());
        for (broken, by) in [("[2, 2, 3, null]", "[9, 2, 3, null]"), ("[null, 0, 1, 1]", "[null, 1, 1, 1]")] {
            assert!(seen(PROFILE.replace(broken, by).as_bytes(), 0, 0).is_err(), "{by}");
        }
    }
}
