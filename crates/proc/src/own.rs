//! Small questions about this process, its thread, and single processes.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use procfs::FromRead;
use procfs::process::{Process, Schedstat};

/// CPU time of this process so far; `None` where the kernel does not tell.
#[must_use]
pub fn own_cpu() -> Option<Duration> {
    let stat = Process::myself().and_then(|process| process.stat()).ok()?;
    let ticks = stat.utime + stat.stime;
    Some(Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64))
}

/// CPU time of the calling thread so far, exact to the nanosecond; `None` where the kernel keeps no account.
#[must_use]
pub fn thread_cpu() -> Option<Duration> {
    let stat = Schedstat::from_file("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(stat.sum_exec_runtime))
}

/// Whether this process ignores SIGHUP, as under `nohup`.
#[must_use]
pub fn ignores_hangup() -> bool {
    let status = Process::myself().and_then(|process| process.status());
    // SIGHUP is the first signal, and the lowest bit.
    status.is_ok_and(|status| status.sigign & 1 == 1)
}

/// Processes that the kernel has killed since it started because memory ran out; 0 where it does not tell.
#[must_use]
pub fn oom_kills() -> i64 {
    procfs::vmstat().ok().and_then(|counts| counts.get("oom_kill").copied()).unwrap_or(0)
}

/// Whether a process is a child of this one. A number of a process that has ended may be somebody else's by now.
#[must_use]
pub fn is_child_of_ours(pid: u32) -> bool {
    let stat = Process::new(pid.cast_signed()).and_then(|process| process.stat());
    stat.is_ok_and(|stat| stat.ppid == std::process::id().cast_signed())
}

/// The program that a process runs; `None` for another user's process, or one that is gone.
#[must_use]
pub fn executable(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The program by the path with which a process was called: a virtual environment's Python is a link to another one, and
/// only its own path leads to what is installed in it. The program itself where that path no longer leads to it.
#[must_use]
pub fn called_as(pid: u32) -> Option<PathBuf> {
    let program = executable(pid)?;
    let process = Process::new(pid.cast_signed()).ok()?;
    let word = PathBuf::from(process.cmdline().ok()?.into_iter().next()?);
    let candidates: Vec<PathBuf> = if word.components().count() > 1 {
        vec![process.cwd().ok()?.join(word)]
    } else {
        let variables = process.environ().ok()?;
        let path = variables.get(OsStr::new("PATH"))?;
        std::env::split_paths(path).map(|directory| directory.join(&word)).collect()
    };
    let is_it = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path == program);
    Some(candidates.into_iter().find(is_it).unwrap_or(program))
}
