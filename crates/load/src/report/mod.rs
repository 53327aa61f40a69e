//! What people and machines read of a run. Nothing here measures.

mod advice;
mod chart;
pub(crate) mod comparison;
mod csv;
pub(crate) mod dashboards;
pub(crate) mod formats;
mod hdr_log;
mod headline;
pub(crate) mod history;
pub mod html;
pub(crate) mod junit;
pub(crate) mod live_line;
mod profile_change;
pub(crate) mod prometheus;
pub(crate) mod repeats;
pub mod screen;
mod sizes;
pub mod terminal;
pub(crate) mod units;

#[cfg(test)]
mod tests;
