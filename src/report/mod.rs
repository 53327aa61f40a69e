//! What people and machines read of a run. Nothing here measures.

pub mod headline;
pub mod html;
pub mod units;
