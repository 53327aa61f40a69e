//! What a server allocated during a stage and still held when its calls had ended, by the lines that did.

use serde::{Deserialize, Serialize};

/// The profiler of native servers, which forgets what it saw when it is let go.
pub(crate) const HEAPTRACK: &str = "heaptrack";

/// The allocator that profiles itself.
pub(crate) const JEMALLOC: &str = "jemalloc";

/// What a profiler of memory saw between the warm-up and the end of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct KeptMemory {
    /// The profiler: `memray`, `tracemalloc`, `heaptrack` or `jemalloc`.
    #[serde(default = "memray")]
    pub by: String,
    /// How long it followed the server's memory, seconds.
    pub seconds: f64,
    /// Calls that ended meanwhile, in all processes.
    pub calls: u64,
    /// Processes among which these calls were spread; one of them was followed.
    pub processes: u64,
    /// Bytes that were still held, after a full collection of garbage; by heaptrack those that were held when most were, by jemalloc an
    /// estimate from samples.
    pub bytes: u64,
    /// The same for each call, if all processes had the same share of the calls.
    pub bytes_per_call: f64,
    /// Allocations that were still held; `None` where the profiler does not count them.
    pub allocations: Option<u64>,
    /// The lines that kept most, the most first.
    pub sites: Vec<KeptSite>,
}

/// A line of the server's own code, or of a library's where none of its own was at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct KeptSite {
    /// The end of the file's path, and the line where it is known: `server/store.py:12`, `store.rs`.
    pub line: String,
    /// The function.
    pub function: String,
    /// Where in a library most of it was allocated, if it was not in this line itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// Bytes still held.
    pub bytes: u64,
    /// The same for each call.
    pub bytes_per_call: f64,
    /// Allocations still held; `None` where the profiler does not count them.
    pub allocations: Option<u64>,
}

/// What followed memory before there was a choice.
fn memray() -> String {
    "memray".to_owned()
}
