//! What benches read of `baselines/`: the records there hold Criterion's samples, which are put where Criterion looks.

pub mod criterion;
pub mod file;
