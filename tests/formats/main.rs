//! What other programs read of a run.

mod files;
mod metrics;
#[path = "../run/mod.rs"]
mod run;
mod schema;
