//! Scores: the note model, the orchestral generator, the MusicXML reader and writer.
//!
//! ```
//! use music21_mcp_score::{OrchestraSpec, ReadLimits, generate, read, write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let score = generate(&OrchestraSpec::preset("20x100", 7)?);
//! let mut document = Vec::new();
//! write(&score, &mut document)?;
//! assert!(read(&document, &ReadLimits::default())? == score);
//! # Ok(())
//! # }
//! ```

mod generate;
mod marks;
mod model;
mod pitch;
mod read;
mod write;

pub use generate::{OrchestraSpec, SpecError, generate, write_generated, write_generated_mxl};
pub use read::{Place, Problem, ReadError, ReadLimits, read, read_file};
pub use write::{write, write_mxl};

pub use marks::{Change, Clef, Degree, Harmony, KeySignature, Mode, Tempo, TimeSignature, Word};
pub use model::{Barred, Instrument, Lyric, Measure, NoteFlags, Notes, Part, Score, Tick, Timed, Tuplet};
pub use pitch::{Pitch, Step, Transpose};
