//! Generated scores as other programs read them.

mod music21;
#[path = "../../../../tests/support/skip.rs"]
mod skip;
