//! What people and machines read of a run. Nothing here measures.

pub mod csv;
pub mod formats;
pub mod hdr_log;
pub mod headline;
pub mod html;
pub mod junit;
pub mod live_line;
pub mod prometheus;
pub mod terminal;
pub mod units;
