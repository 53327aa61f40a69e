//! Generated scores as other programs read them.

mod music21;
