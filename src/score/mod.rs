//! Scores: the note model, the orchestral generator, the MusicXML reader and writer.

mod model;

pub use model::{
    Barred, Clef, Harmony, Instrument, KeySignature, Measure, NoteFlags, Notes, Part, Pitch, Score, Step,
    Tempo, Tick, TimeSignature, Timed, Transpose, Tuplet,
};
