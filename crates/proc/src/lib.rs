//! What the system tells of processes and of the machine. Nothing else of this project reads `/proc`.
//!
//! Every figure is an `Option` where the system may not tell it. Linux tells all of them, by the module `linux`; any other
//! system tells none of them, by the module `elsewhere`, and with the feature `hidden` Linux does as they do.

mod conditions;
mod cpu;
mod machine;
mod others;
mod own;
mod python;
mod tree;

#[cfg(test)]
#[path = "../../../tests/support/skip.rs"]
mod skip;

#[cfg(all(target_os = "linux", not(feature = "hidden")))]
#[path = "linux.rs"]
mod system;
#[cfg(not(all(target_os = "linux", not(feature = "hidden"))))]
#[path = "elsewhere.rs"]
mod system;

pub use conditions::{Conditions, Watch};
pub use cpu::CpuClock;
pub use machine::{Machine, has_cpu_flag};
pub use others::OthersClock;
pub use own::{own_cpu, thread_cpu};
pub use python::python_packages;
pub use system::{IS_KNOWN, called_as, executable, ignores_hangup, listeners, oom_kills, variable};
pub use tree::{ProcessTree, ResourceSample};
