//! Where the time goes in a run: sampling profiles of this process and of a server, as flamegraphs.
//!
//! A server is sampled from outside, with times, so that a moment can be given to the call that was under way: a tool
//! has its own flamegraph where it ran alone for 40 ms or more, the slowest twentieth of the calls have theirs. The memory
//! of a Python server can be followed too. Where the kernel refuses (no `CAP_SYS_PTRACE`, `perf_event_paranoid`), a line
//! says so and the run goes on.

mod calls;
mod memory;
mod own_sampler;
mod perf;
mod py_spy;
mod server;
mod stage;

pub(crate) use calls::{CallSpan, sampled};
pub(crate) use server::ServerProfile;
pub(crate) use stage::{FOLDED, Followed, Kinds, Profiling, UnderWay};
