//! When to send and what: arrival schedules, workloads, sessions, the one driver.

mod day;
mod driver;
mod music21;
mod nonce;
mod offer;
mod probe;
mod queue;
mod recorder;
mod schedule;
mod script;
mod seats;
mod target;
mod worker;
mod workload;

pub(crate) use day::DayProfile;
pub use driver::StoppedBy;
pub(crate) use driver::{DriveError, Load, Plan, Run, Stop, drive, drive_until};
pub(crate) use probe::LoopLag;
pub(crate) use recorder::EXAMPLES;
pub use recorder::{Example, Interval};
pub(crate) use recorder::{Recorder, Settings};
pub(crate) use schedule::Schedule;
pub(crate) use target::{Call, Event, OpenError, Session, Sink, Target};
pub use workload::{Flow, SessionEnd, Step, Workload};

#[cfg(test)]
mod tests;
