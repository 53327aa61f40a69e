//! What other programs read of a run.

mod files;
mod metrics;
mod schema;
