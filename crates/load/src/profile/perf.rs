//! Native stacks by `perf`: CPU time of all threads of a process, the stack unwound from its own copy.

use std::ffi::OsStr;
use std::path::Path;

use music21_mcp_bench::profile::stack;

use super::calls::{Seen, Slice};
use super::py_spy;

/// Samples for each second of CPU time.
const FREQUENCY: u64 = 99;
const PERIOD_NS: u64 = 1_000_000_000 / FREQUENCY;

/// How a function of Python's perf map begins.
const PYTHON: &str = "py::";

/// The command that samples `pid` until it is interrupted. Release binaries keep no frame pointers, so stacks
/// are unwound by their debug information.
pub(super) fn arguments<'a>(pid: &'a str, out: &'a Path) -> Vec<&'a OsStr> {
    let words = ["record", "-q", "-e", "cpu-clock", "-F", "99", "-k", "CLOCK_MONOTONIC"];
    let how = ["--call-graph", "dwarf,16384", "-p", pid, "-o"];
    words.into_iter().chain(how).map(OsStr::new).chain([out.as_os_str()]).collect()
}

/// The command that prints what was recorded.
pub(super) fn script(recorded: &Path) -> Vec<&OsStr> {
    let words = ["script", "--no-inline", "-F", "comm,tid,time,event,ip,sym,dso", "-i"];
    words.into_iter().map(OsStr::new).chain([recorded.as_os_str()]).collect()
}

/// The samples of a printed recording: a line `COMM TID SECONDS: EVENT:`, its frames from the innermost, and an empty
/// line. `start_ns` is the monotonic clock when the stage's clock began; earlier samples are left out. It was told to end at
/// `end_ns` on the stage's clock.
pub(super) fn seen(text: &str, start_ns: u64, end_ns: u64) -> Seen {
    let samples = text.split("\n\n").filter_map(|sample| slice(sample.trim_matches('\n'), start_ns));
    let slices: Vec<Slice> = samples.collect();
    let first_ns = slices.iter().map(|slice| slice.from_ns).min().unwrap_or(end_ns);
    Seen { slices, window: (first_ns, end_ns), period_ns: PERIOD_NS }
}

fn slice(sample: &str, start_ns: u64) -> Option<Slice> {
    let (head, frames) = sample.split_once('\n')?;
    let before_event = head.trim_end().strip_suffix(':')?.rsplit_once(": ")?.0;
    let (thread, seconds) = before_event.trim_end().rsplit_once(' ')?;
    let until_ns = ((seconds.parse::<f64>().ok()? * 1e9) as u64).checked_sub(start_ns)?;
    let thread = thread.trim_end().rsplit_once(' ').map_or(thread, |(name, _)| name).trim();
    let names: Vec<String> = frames.lines().filter_map(name).collect();
    // Of Python the interpreter's own frames are left out, as by py-spy: its work is that of the function.
    let python = names.iter().position(|name| name.starts_with(PYTHON)).unwrap_or(0);
    let names = names.into_iter().skip(python).map(|name| of_python(&name).unwrap_or(name));
    let mut stack: Vec<String> = stack::without_noise(names).map(|name| name.replace(';', ",")).collect();
    stack.push(thread.to_owned());
    stack.reverse();
    Some(Slice { from_ns: until_ns.saturating_sub(PERIOD_NS), until_ns, stack: stack.join(";") })
}

/// `py::NAME:FILE` as py-spy has it.
fn of_python(name: &str) -> Option<String> {
    let (name, file) = name.strip_prefix(PYTHON)?.rsplit_once(':')?;
    Some(py_spy::frame(name, file))
}

/// What is said where perf samples a Python process because py-spy cannot, for this reason.
///
/// # Errors
///
/// If Python does not tell perf where its functions are.
pub(super) fn instead(pid: u32, why: &str) -> Result<String, String> {
    // Python writes it in its own /tmp, whatever TMPDIR is, and perf looks for it there.
    if Path::new(&format!("/tmp/perf-{pid}.map")).exists() {
        return Ok(format!(
            "{why}; sampled by perf with Python's perf map, which has the innermost Python function of each stack alone"
        ));
    }
    Err(format!(
        "{why}; perf knows no Python function unless the server is started with PYTHONPERFSUPPORT=1 (Python 3.12 or \
         newer): --server 'PYTHONPERFSUPPORT=1 python …'"
    ))
}

/// The function of `   ADDRESS NAME (FILE)`, without a legacy name's hash.
fn name(frame: &str) -> Option<String> {
    let (_, rest) = frame.trim().split_once(' ')?;
    let name = rest.rsplit_once(" (").map_or(rest, |(name, _)| name);
    Some(without_hash(name).to_owned())
}

/// A name of Rust's without its hash.
pub(super) fn without_hash(name: &str) -> &str {
    let is_hash = |end: &str| {
        end.len() == 17 && end.starts_with('h') && end[1..].bytes().all(|b| b.is_ascii_hexdigit())
    };
    name.rsplit_once("::").filter(|(_, end)| is_hash(end)).map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "tokio-rt-worker  812  1000.500000: cpu-clock: 
\t    55d0 music21::read::hc0ffeec0ffeec0ff (/opt/server)
\t    55d1 <F as core::future::Future>::poll (/opt/server)
\t    55d2 tokio::runtime::task::poll (/opt/server)
\t    55d3 start_thread (/lib/libc.so.6)

main    811   999.000000: cpu-clock: 
\t    55d0 early (/opt/server)
";

    #[test]
    fn a_sample_is_a_stretch_that_ends_when_it_was_taken() {
        let Seen { slices, window, .. } = seen(PRINTED, 1_000_000_000_000, 900_000_000);
        assert_eq!(window, (500_000_000 - PERIOD_NS, 900_000_000));
        assert_eq!(slices.len(), 1, "the other one lies before the stage");
        assert_eq!(slices[0].until_ns, 500_000_000);
        assert_eq!(slices[0].stack, "tokio-rt-worker;music21::read");
    }

    #[test]
    fn a_python_stack_ends_in_its_innermost_python_function() {
        let printed = "python 29 1000.500000: cpu-clock: 
\t    12f937 _PyLong_Multiply (/opt/lib/libpython3.13.so.1.0)
\t    94559 _PyEval_EvalFrameDefault (/opt/lib/libpython3.13.so.1.0)
\t    7f4f py::Sorter.sort:/opt/lib/python3.13/site-packages/m/sort.py (/tmp/perf-29.map)
";
        let Seen { slices, .. } = seen(printed, 1_000_000_000_000, 900_000_000);
        assert_eq!(slices[0].stack, "python;Sorter.sort (m/sort.py)");
    }

    #[test]
    fn python_without_a_perf_map_is_not_sampled_and_the_line_says_what_to_type() {
        // No process has this id.
        let refusal = instead(u32::MAX, "py-spy gave up: no").unwrap_err();
        assert!(refusal.starts_with("py-spy gave up: no; perf knows no Python function unless"), "{refusal}");
        assert!(refusal.contains("PYTHONPERFSUPPORT=1 python"), "{refusal}");
    }
}
