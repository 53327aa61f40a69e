//! Baseline and candidate in, one verdict per entry out. Nothing here reads a clock, a file or the
//! network.
//!
//! Every comparison of times is a difference of logarithms with one value a *round* (fresh
//! processes on both sides): samples within a process share its level, so that a test which counts
//! them as independent calls a level shift significant. On identical servers such tests raised
//! false alarms in 20 to 45 % of runs.

pub mod change;
pub mod gate;
pub mod history;
pub mod limit;
pub mod memory;
pub mod outcome;
pub mod paired;
pub mod plot;
pub mod records;
pub mod render;
pub mod sequence;
pub mod success;
mod times;
pub mod units;
mod verdict;

pub use change::Change;
pub use gate::Limits;
pub use limit::{Limit, LimitTable};
pub use outcome::{Comparison, Figure, Row};
pub use verdict::{Severity, Verdict, Why};
