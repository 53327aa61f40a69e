//! Python stacks by `py-spy` (`pip install py-spy`): its Chrome trace has the time of every change of a stack.
//!
//! Threads that wait are sampled too, since without them a stack would seem to last until its thread's next work;
//! what waits is known by its innermost frame and left out here. Work of C extensions shows as the Python
//! function that called it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use super::calls::{Seen, Slice};
use super::server::{Sampler, reason};

/// Samples a second. Each stops the process: at 100 the real server answered a fifth fewer calls a second, at 50 its
/// loss was within the noise of a busy machine.
const FREQUENCY: &str = "50";
const PERIOD_NS: u64 = 1_000_000_000 / 50;
/// Files of which an innermost frame waits: for work, for a lock, for a socket.
const WAITING: [&str; 6] = [
    "concurrent/futures/thread.py",
    "threading.py",
    "selectors.py",
    "queue.py",
    "socket.py",
    "anyio/_backends/_asyncio.py",
];
/// Files whose frames only lead to the work.
pub(super) const NOISE: [&str; 10] = [
    "<frozen runpy>",
    "anyio/_backends/_asyncio.py",
    "anyio/_core/_eventloop.py",
    "anyio/_core/_tasks.py",
    "asyncio/base_events.py",
    "asyncio/events.py",
    "asyncio/runners.py",
    "concurrent/futures/thread.py",
    "runpy.py",
    "threading.py",
];

#[derive(Deserialize)]
struct Event {
    name: String,
    ph: char,
    tid: u64,
    /// Microseconds since py-spy began.
    ts: u64,
    args: Source,
}

#[derive(Deserialize)]
struct Source {
    filename: String,
}

/// The command that samples `pid` until it is interrupted.
pub(super) fn arguments<'a>(pid: &'a str, out: &'a Path) -> Vec<&'a OsStr> {
    let words =
        ["record", "--format", "chrometrace", "--idle", "--function", "--rate", FREQUENCY, "--pid", pid];
    words.map(OsStr::new).into_iter().chain([OsStr::new("--output"), out.as_os_str()]).collect()
}

/// How long it may take to look at a process.
const LOOKING: Duration = Duration::from_secs(20);

/// Why it cannot sample this process; `None` if it can. It looks once, since at its end a recording would be lost.
pub(super) async fn refuses(pid: u32) -> Option<String> {
    let mut command = Command::new(Sampler::PySpy.program());
    command.args(["dump", "--pid", &pid.to_string()]).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(LOOKING, command.output()).await {
        Err(_) => Some(format!("py-spy did not answer within {} s", LOOKING.as_secs())),
        Ok(Err(error)) => Some(Sampler::PySpy.not_started(&error)),
        Ok(Ok(output)) if output.status.success() => None,
        Ok(Ok(output)) => {
            Some(format!("py-spy gave up: {}", reason(&String::from_utf8_lossy(&output.stderr))))
        }
    }
}

/// What is in a trace that ended at `end_ns` on the stage's clock; stretches in order of their beginning.
///
/// # Errors
///
/// If the text is no Chrome trace of py-spy's.
pub(super) fn seen(trace: &[u8], end_ns: u64) -> anyhow::Result<Seen> {
    let events: Vec<Event> = serde_json::from_slice(trace)?;
    let last_us = events.iter().map(|event| event.ts).max().unwrap_or(0);
    // What lies before the stage has no place on its clock.
    let at = |us: u64| end_ns.saturating_sub((last_us - us) * 1000);
    let first_us = events.iter().map(|event| event.ts).min().unwrap_or(0);
    let mut threads: HashMap<u64, (Vec<String>, u64)> = HashMap::new();
    let mut slices = Vec::new();
    for event in events {
        let (stack, since) = threads.entry(event.tid).or_default();
        let (from_ns, until_ns) = (at(*since), at(event.ts));
        if until_ns > from_ns && stack.last().is_some_and(|inner| !is_of(inner, &WAITING)) {
            slices.push(Slice { from_ns, until_ns, stack: joined(stack) });
        }
        *since = event.ts;
        if event.ph == 'B' {
            stack.push(frame(&event.name, &event.args.filename));
        } else {
            stack.pop();
        }
    }
    slices.sort_by_key(|slice| slice.from_ns);
    Ok(Seen { slices, window: (at(first_us), end_ns), period_ns: PERIOD_NS })
}

/// As folded stacks have it, without noise but for the innermost frame.
fn joined(stack: &[String]) -> String {
    let innermost = stack.len().saturating_sub(1);
    let kept = stack.iter().enumerate().filter(|(index, frame)| *index == innermost || !is_of(frame, &NOISE));
    kept.map(|(_, frame)| frame.replace(';', ",")).collect::<Vec<_>>().join(";")
}

fn is_of(frame: &str, files: &[&str]) -> bool {
    files.iter().any(|file| {
        let name = frame.strip_suffix(')').and_then(|frame| frame.strip_suffix(file));
        name.is_some_and(|rest| rest.ends_with(['(', '/']))
    })
}

/// A function with its file.
pub(super) fn frame(name: &str, file: &str) -> String {
    format!("{name} ({})", short(file))
}

/// A file without the place where Python is installed.
pub(super) fn short(file: &str) -> &str {
    let after = |mark: &str| file.rfind(mark).map(|at| &file[at + mark.len()..]);
    let library = || after("/lib/python").and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest);
    after("/site-packages/").or_else(library).or_else(|| after("/src/")).unwrap_or_else(|| {
        let mut slashes = file.rmatch_indices('/').skip(1);
        slashes.next().map_or(file, |(at, _)| &file[at + 1..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(ph: char, name: &str, file: &str, ts: u64) -> String {
        format!(
            r#"{{"args":{{"filename":"{file}","line":1}},"cat":"py-spy","name":"{name}","ph":"{ph}","pid":1,"tid":7,"ts":{ts}}}"#
        )
    }

    #[test]
    fn a_trace_becomes_stretches_on_our_clock_without_those_that_wait() {
        let (python, tool) =
            ("/usr/lib/python3.11/threading.py", "/venv/lib/python3.11/site-packages/m/tool.py");
        let events = [
            event('B', "run", python, 100),
            event('B', "key", tool, 1_000),
            event('E', "key", tool, 3_000),
            event('E', "run", python, 5_000),
        ];
        let seen = seen(format!("[{}]", events.join(",")).as_bytes(), 10_000_000).unwrap();
        let key = Slice { from_ns: 6_000_000, until_ns: 8_000_000, stack: "key (m/tool.py)".into() };
        assert_eq!(seen.slices, [key]);
        assert_eq!(seen.window, (5_100_000, 10_000_000));
    }

    #[test]
    fn files_are_named_without_their_installation() {
        assert_eq!(short("/a/lib/python3.11/site-packages/music21/key.py"), "music21/key.py");
        assert_eq!(short("/a/lib/python3.11/copy.py"), "copy.py");
        assert_eq!(short("/a/src/server/main.py"), "server/main.py");
        assert_eq!(short("/home/me/tools/main.py"), "tools/main.py");
        assert_eq!(short("<string>"), "<string>");
    }

    #[test]
    fn a_file_that_only_ends_alike_is_another() {
        assert!(is_of("get (queue.py)", &WAITING));
        assert!(!is_of("get (myqueue.py)", &WAITING));
    }
}
