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

pub use day::DayProfile;
pub use driver::{DriveError, Load, Plan, Run, Stop, StoppedBy, drive, drive_until};
pub use probe::LoopLag;
pub(crate) use probe::own_cpu;
pub(crate) use recorder::EXAMPLES;
pub use recorder::{Example, Figures, Interval, Recorder, Settings, ToolRecord};
pub use schedule::{Arrivals, Schedule};
pub use target::{Call, Event, OpenError, Session, Sink, Target};
pub use workload::{Flow, SessionEnd, Step, Workload};

#[cfg(test)]
mod tests;
