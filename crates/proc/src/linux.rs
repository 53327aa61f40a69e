//! Linux: what `/proc` and `/sys` tell.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, MMapPath, Process, all_processes};
use procfs::{CpuInfo, Current, CurrentSI, KernelStats, Meminfo};

use crate::ResourceSample;

/// Whether this system tells anything of other processes and of the machine.
pub const IS_KNOWN: bool = true;

/// The text of a file of one line; `None` where it cannot be read.
pub(crate) fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// A field of the first processor, by its name in `/proc/cpuinfo`.
pub(crate) fn cpu_field(name: &str) -> Option<String> {
    CpuInfo::current().ok()?.get_field(0, name).map(str::to_owned)
}

/// Installed memory.
pub(crate) fn memory_bytes() -> Option<u64> {
    Meminfo::current().ok().map(|memory| memory.mem_total)
}

/// What all CPUs worked since the machine started, and their number: all of the machine's, not only those we may use.
pub(crate) fn busy() -> Option<(Duration, usize)> {
    let stat = KernelStats::current().ok()?;
    let total = &stat.total;
    let ticks = total.user + total.nice + total.system + total.irq.unwrap_or(0) + total.softirq.unwrap_or(0);
    Some((Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64), stat.cpu_time.len()))
}

/// All processes with their parents.
pub(crate) fn parents() -> Vec<(i32, i32)> {
    // A process that ends during the scan is no error.
    let processes = all_processes().into_iter().flatten().flatten();
    processes.filter_map(|process| process.stat().ok()).map(|stat| (stat.pid, stat.ppid)).collect()
}

/// What one process uses. A zombie uses nothing and is none.
pub(crate) fn sample(pid: i32) -> Option<ResourceSample> {
    let process = Process::new(pid).ok()?;
    let stat = process.stat().ok().filter(|stat| stat.state != 'Z')?;
    let memory = process.statm().ok()?;
    let children = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
    let ticks = stat.utime + stat.stime + children;
    let rss_bytes = memory.resident * procfs::page_size();
    let high_water_kib = process.status().ok().and_then(|status| status.vmhwm).unwrap_or(0);
    Some(ResourceSample {
        processes: 1,
        rss_bytes,
        // The kernel moves its mark with a delay.
        peak_rss_bytes: (high_water_kib * 1024).max(rss_bytes),
        rss_anon_bytes: memory.resident.saturating_sub(memory.shared) * procfs::page_size(),
        cpu_ns: ticks * (1_000_000_000 / procfs::ticks_per_second()),
        fds: process.fd_count().ok().map(|count| count as u64),
        threads: u64::try_from(stat.num_threads).unwrap_or(0),
    })
}

/// Nanoseconds that each thread of a process was on a CPU.
pub(crate) fn threads(pid: u32) -> Vec<((i32, i32), u64)> {
    let tasks =
        Process::new(pid.cast_signed()).and_then(|process| process.tasks()).into_iter().flatten().flatten();
    tasks.filter_map(|task| Some(((task.pid, task.tid), task.schedstat().ok()?.sum_exec_runtime))).collect()
}

/// The files that a process has mapped, as they are seen from here.
pub(crate) fn mapped(pid: u32) -> Vec<PathBuf> {
    let maps = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok()?.maps().ok());
    // A container's files are below its own root.
    let root = format!("/proc/{pid}/root");
    let path = |map: procfs::process::MemoryMap| match map.pathname {
        MMapPath::Path(path) => Some(Path::new(&root).join(path.strip_prefix("/").unwrap_or(&path))),
        _ => None,
    };
    maps.into_iter().flatten().filter_map(path).collect()
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

/// What a variable of a process's environment was set to when it started; `None` where it was not, and for another user's
/// process.
#[must_use]
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let process = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok())?;
    process.environ().ok()?.remove(OsStr::new(name))?.into_string().ok()
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

/// The processes of this machine that listen on one of these addresses' ports. Empty where the
/// addresses are another machine's, or the listener another user's.
#[must_use]
pub fn listeners(addresses: &[SocketAddr]) -> Vec<u32> {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()];
    let inodes: Vec<u64> = tables
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.state == TcpState::Listen && addresses.iter().any(|to| accepts(entry, to)))
        .map(|entry| entry.inode)
        .collect();
    let holds = |process: &Process| {
        process.fd().into_iter().flatten().flatten().any(|fd| match fd.target {
            FDTarget::Socket(inode) => inodes.contains(&inode),
            _ => false,
        })
    };
    let processes = all_processes().into_iter().flatten().flatten();
    processes.filter(holds).map(|process| process.pid().unsigned_abs()).collect()
}

fn accepts(entry: &TcpNetEntry, to: &SocketAddr) -> bool {
    let local = entry.local_address;
    local.port() == to.port()
        && (local.ip() == to.ip() || (local.ip().is_unspecified() && to.ip().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listener_on_a_port_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(listeners(&[address]).contains(&std::process::id()));
        drop(listener);
        assert!(!listeners(&[address]).contains(&std::process::id()));
    }
}
