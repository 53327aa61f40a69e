//! Known faults on request, so that every detector of a load tester can be shown to detect.

mod active;
mod frames;
mod spec;
mod timer;

pub(super) use active::Active;
pub(super) use frames::FaultyWriter;
pub use spec::{Delay, Fault, FaultError, FaultKind};
