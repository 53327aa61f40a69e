//! Systems other than Linux, of which nothing is known but what every Unix tells: the same questions as in `linux.rs`, and
//! no answers. What is measured of a server's processes and of the machine is unknown there, and all that is judged by it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::ResourceSample;

/// Whether this system tells anything of other processes and of the machine.
pub const IS_KNOWN: bool = false;

pub(crate) fn line(_path: &str) -> Option<String> {
    None
}

pub(crate) fn cpu_field(_name: &str) -> Option<String> {
    None
}

pub(crate) fn memory_bytes() -> Option<u64> {
    None
}

pub(crate) fn busy() -> Option<(Duration, usize)> {
    None
}

pub(crate) fn parents() -> Vec<(i32, i32)> {
    Vec::new()
}

pub(crate) fn sample(_pid: i32) -> Option<ResourceSample> {
    None
}

pub(crate) fn threads(_pid: u32) -> Vec<((i32, i32), u64)> {
    Vec::new()
}

pub(crate) fn mapped(_pid: u32) -> Vec<PathBuf> {
    Vec::new()
}

/// Whether this process ignores SIGHUP; not known here, so that a hangup ends what `nohup` started.
#[must_use]
pub fn ignores_hangup() -> bool {
    false
}

/// Processes that the kernel has killed because memory ran out; not known here.
#[must_use]
pub fn oom_kills() -> i64 {
    0
}

/// A variable of a process's environment; not known here.
#[must_use]
pub fn variable(_pid: u32, _name: &str) -> Option<String> {
    None
}

/// The program that a process runs; not known here.
#[must_use]
pub fn executable(_pid: u32) -> Option<PathBuf> {
    None
}

/// The path with which a process was called; not known here.
#[must_use]
pub fn called_as(_pid: u32) -> Option<PathBuf> {
    None
}

/// The processes that listen on one of these addresses' ports; not known here.
#[must_use]
pub fn listeners(_addresses: &[SocketAddr]) -> Vec<u32> {
    Vec::new()
}
