//! When to send and what: arrival schedules, workers, the one driver.

mod connect;
mod drive;
mod generator;
mod music21;
mod pacer;
mod probe;
mod queue;
mod recorder;
mod schedule;
mod script;
mod worker;
mod workers;

pub(crate) use connect::{Call, Connect, Event, OpenError, Session, Sink};
pub(crate) use drive::{DriveError, Load, Plan, Run, Stop, drive, drive_until, unless_interrupted};
pub(crate) use generator::{Evidence, OwnProcess};
pub(crate) use probe::LoopLag;
pub(crate) use recorder::{Recorder, Settings};
pub(crate) use schedule::{Ramp, Schedule};

#[cfg(test)]
mod tests;
