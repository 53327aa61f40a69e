//! What the system tells of processes and of the machine. Nothing else of this project reads `/proc`.
//!
//! Every figure is an `Option` where the kernel may not tell it.

use std::fs;

mod conditions;
mod cpu;
mod machine;
mod others;
mod own;
mod python;
mod tree;

pub use conditions::{Conditions, Watch};
pub use cpu::CpuClock;
pub use machine::{Machine, has_cpu_flag};
pub use others::OthersClock;
pub use own::{called_as, executable, ignores_hangup, is_child_of_ours, oom_kills, own_cpu, thread_cpu};
pub use python::python_packages;
pub use tree::{ProcessTree, ResourceSample, listeners};

/// The text of a file of one line; `None` where it cannot be read.
fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}
