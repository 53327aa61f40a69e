//! Baseline and candidate in, one verdict per entry out. Nothing here reads a clock, a file or the
//! network.
//!
//! Every comparison of times is a difference of logarithms with one value a *round* (fresh
//! processes on both sides): samples within a process share its level, so that a test which counts
//! them as independent calls a level shift significant. On identical servers such tests raised
//! false alarms in 20 to 45 % of runs.

pub(crate) mod change;
pub(crate) mod figures;
pub(crate) mod gate;
pub(crate) mod history;
pub(crate) mod limit;
pub(crate) mod memory;
pub(crate) mod outcome;
pub(crate) mod paired;
pub(crate) mod profile;
pub(crate) mod records;
pub(crate) mod sequence;
pub(crate) mod success;
mod times;
pub(crate) mod units;
mod verdict;

pub(crate) use change::Change;
pub(crate) use gate::Limits;
pub(crate) use limit::LimitTable;
pub(crate) use outcome::{Comparison, Figure, Row};
pub(crate) use verdict::{ChangeVerdict, Severity, Why};
