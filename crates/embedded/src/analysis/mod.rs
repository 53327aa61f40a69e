//! Musical analysis by music21's rules, so that the embedded server's answers are the real server's:
//! keys by four profiles, chord slices, chord names, roman numerals.
//!
//! Everything here is a pure function of the note model; answers are checked against music21 10.5.1.

mod chord;
mod chord_symbol;
mod chordify;
mod common_name;
mod forte;
mod harmony;
mod interval;
mod key;
mod meter;
mod roman;
mod spelling;
mod summary;
mod symbol_degrees;
mod symbol_kinds;
mod symbol_pitches;
mod written;

pub use chord::Quality;
pub(crate) use chord_symbol::check_symbols;
pub use chordify::{Slices, chordify};
pub use harmony::{ChordReading, Harmony, PlacedChord, chordified_harmony, harmony};
pub use key::{
    Alternative, Key, KeyAnalysis, PROFILES, Profile, RankedKey, analyze_key, pitch_weights, rank_keys,
};
pub use roman::RomanNumeral;
pub use spelling::{pitch_class_name, pitch_name};
pub(crate) use summary::{HarmonicRhythm, functions, harmonic_rhythm, most_common, progressions};
