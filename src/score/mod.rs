//! Scores: the note model, the orchestral generator, the MusicXML reader and writer.

mod model;
mod read;

pub use read::{Place, Problem, ReadError, ReadLimits, read, read_file};

pub use model::{
    Barred, Clef, Harmony, Instrument, KeySignature, Measure, NoteFlags, Notes, Part, Pitch, Score, Step,
    Tempo, Tick, TimeSignature, Timed, Transpose, Tuplet,
};
