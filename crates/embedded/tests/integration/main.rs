//! The embedded server's answers: against music21's own, and for what its own promises.

mod compare;
mod corpus;
mod exports;
#[cfg(target_os = "linux")]
mod faults;
mod golden;
mod session;
mod shapes;
#[path = "../../../../tests/support/skip.rs"]
mod skip;
mod tools;
