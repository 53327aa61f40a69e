//! The note model: one column per property, so that an orchestral score of half a million notes
//! takes tens of megabytes and an analysis walks only the columns it needs.
//!
//! Invariants: every column of [`Notes`] has the same length; notes stand in document order, so a
//! measure's notes are contiguous ([`Measure::notes`]); times are ticks from the start of the
//! score, [`Score::divisions`] ticks to a quarter note.

use std::ops::Range;

use super::marks::{Clef, Harmony, KeySignature, Tempo, TimeSignature, Word};
use super::pitch::{Pitch, Transpose};

/// A point in time or a duration, in ticks; [`Score::divisions`] ticks make a quarter note.
pub type Tick = u32;

/// A whole score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Score {
    /// `<work-title>`.
    pub work_title: Option<String>,
    /// `<movement-title>`.
    pub movement_title: Option<String>,
    /// `<movement-number>`.
    pub movement_number: Option<String>,
    /// `<creator type="composer">`.
    pub composer: Option<String>,
    /// `<creator type="lyricist">`.
    pub lyricist: Option<String>,
    /// `<creator type="arranger">`.
    pub arranger: Option<String>,
    /// The first `<rights>`.
    pub copyright: Option<String>,
    /// Ticks per quarter note: the least common multiple of all `<divisions>` of the document.
    pub divisions: u32,
    /// The parts, in score order.
    pub parts: Vec<Part>,
}

impl Score {
    /// Notes as music21's `score.flatten().notes` counts them: a chord is one, rests are none, grace
    /// and cue notes and chord symbols are one each.
    #[must_use]
    #[inline]
    pub fn note_count(&self) -> usize {
        let counted = |flags: &&NoteFlags| !flags.any(NoteFlags::REST.with(NoteFlags::CHORD));
        self.parts
            .iter()
            .map(|part| part.notes.flags.iter().filter(counted).count() + part.harmonies.len())
            .sum()
    }
}

/// One staff of one `<score-part>`. A part of several staves (a piano's) becomes several parts, with
/// the ids `P1-Staff1`, `P1-Staff2`, as in music21, whose counts and "first part" mean a staff.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// The document's id, `P1`, or that and the staff, `P1-Staff2`.
    pub id: String,
    /// `<part-name>`.
    pub name: String,
    /// `<part-abbreviation>`, empty if absent.
    pub abbreviation: String,
    /// What plays it.
    pub instrument: Instrument,
    /// Measures in order; they tile the part without gaps, and each has a row that reaches its end.
    pub measures: Vec<Measure>,
    /// Clefs, by time.
    pub clefs: Vec<Timed<Clef>>,
    /// Key signatures, by time.
    pub keys: Vec<Timed<KeySignature>>,
    /// Time signatures, by time.
    pub times: Vec<Timed<TimeSignature>>,
    /// Transpositions, by time, each at its measure's start; empty for an instrument in C.
    pub transpositions: Vec<Timed<Transpose>>,
    /// Tempo marks, by time.
    pub tempos: Vec<Timed<Tempo>>,
    /// Chord symbols, measure by measure.
    pub harmonies: Vec<Timed<Harmony>>,
    /// Dynamics and rehearsal marks, in document order.
    pub words: Vec<Timed<Word>>,
    /// The notes and rests.
    pub notes: Notes,
}

impl Part {
    /// Every point in time and duration.
    pub(super) fn ticks_mut(&mut self, mut change: impl FnMut(&mut Tick)) {
        self.notes.onset.iter_mut().chain(&mut self.notes.duration).for_each(&mut change);
        self.measures.iter_mut().flat_map(|m| [&mut m.start, &mut m.length]).for_each(&mut change);
        self.clefs.iter_mut().for_each(|mark| change(&mut mark.at));
        self.keys.iter_mut().for_each(|mark| change(&mut mark.at));
        self.times.iter_mut().for_each(|mark| change(&mut mark.at));
        self.transpositions.iter_mut().for_each(|mark| change(&mut mark.at));
        self.tempos.iter_mut().for_each(|mark| change(&mut mark.at));
        self.harmonies.iter_mut().for_each(|mark| change(&mut mark.at));
        self.words.iter_mut().for_each(|mark| change(&mut mark.at));
    }
}

/// A value that holds from a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed<T> {
    /// Since when.
    pub at: Tick,
    /// What.
    pub value: T,
}

/// What plays a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instrument {
    /// `<instrument-name>`, empty if the document gives none.
    pub name: String,
    /// `<instrument-abbreviation>`, empty if the document gives none.
    pub abbreviation: String,
    /// General MIDI program, 1 to 128 as MusicXML counts; `None` if the document gives none.
    pub midi_program: Option<u8>,
    /// MIDI channel, 1 to 16; 10 is percussion.
    pub midi_channel: Option<u8>,
    /// General MIDI percussion key, 1 to 128, for an unpitched instrument.
    pub midi_unpitched: Option<u8>,
}

/// One measure of one part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measure {
    /// The number as printed, which need not be a number (`12a`, `X1`).
    pub number: String,
    /// First tick.
    pub start: Tick,
    /// Length in ticks, as sounded: a pickup is short.
    pub length: Tick,
    /// `implicit="yes"`: not counted (a pickup, the second half of a divided measure).
    pub implicit: bool,
    /// What the barlines say.
    pub barred: Barred,
    /// Rows of [`Part::notes`].
    pub notes: Range<u32>,
    /// Rows of [`Part::harmonies`]. One at the measure's end belongs to it and not to the next.
    pub harmonies: Range<u32>,
}

/// Repeats and endings at a measure's barlines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Barred {
    /// A forward repeat on the left.
    pub repeat_start: bool,
    /// A backward repeat on the right.
    pub repeat_end: bool,
    /// How often the repeat is played in all; 0 if the document does not say, which means twice.
    pub times: u8,
    /// A final barline (`light-heavy`) on the right.
    pub final_bar: bool,
    /// An ending begins: bit `n` for the `n`th time.
    pub ending: u32,
    /// An ending is over.
    pub ending_stop: bool,
}

/// Properties of a note that are one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoteFlags(pub u16);

impl NoteFlags {
    /// A rest: its pitch means nothing.
    pub const REST: Self = Self(1);
    /// Sounds with the note before it.
    pub const CHORD: Self = Self(1 << 1);
    /// A grace note: its duration is zero.
    pub const GRACE: Self = Self(1 << 2);
    /// Unpitched: its pitch is the display position.
    pub const UNPITCHED: Self = Self(1 << 3);
    /// Tied to the next.
    pub const TIE_START: Self = Self(1 << 4);
    /// Tied from the one before.
    pub const TIE_STOP: Self = Self(1 << 5);
    /// A rest of the whole measure.
    pub const MEASURE_REST: Self = Self(1 << 6);
    /// A cue note.
    pub const CUE: Self = Self(1 << 7);
    /// A `<chord/>` that follows no note: music21 has it as a chord of one.
    pub const LONE_CHORD: Self = Self(1 << 8);
    /// A grace note with a slash.
    pub const SLASHED: Self = Self(1 << 9);

    /// Whether all bits of `other` are set.
    #[must_use]
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[must_use]
    #[inline]
    pub const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets of bits.
    #[must_use]
    #[inline]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A tuplet's ratio: `actual` notes in the time of `normal`; 1:1 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuplet {
    /// Notes written.
    pub actual: u16,
    /// Notes they replace.
    pub normal: u16,
}

/// The notes and rests of a part; row `i` of every column belongs to note `i`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notes {
    /// When it begins, from the start of the score.
    pub onset: Vec<Tick>,
    /// How long it sounds; 0 for a grace note.
    pub duration: Vec<Tick>,
    /// Written pitch.
    pub pitch: Vec<Pitch>,
    /// Rest, chord member, grace, ties.
    pub flags: Vec<NoteFlags>,
    /// `<voice>`, from 1.
    pub voice: Vec<u8>,
    /// Rows with a tuplet ratio other than 1:1, ascending by row.
    pub tuplets: Vec<(u32, Tuplet)>,
    /// Lyrics, ascending by row.
    pub lyrics: Vec<(u32, Lyric)>,
    /// The General MIDI percussion key, 1 to 128, of rows that name an instrument of a kit; ascending by row.
    pub kit: Vec<(u32, u8)>,
}

/// A syllable of a verse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lyric {
    /// Which verse; empty if the document does not say.
    pub number: String,
    /// `single`, `begin`, `middle` or `end`; empty if the document does not say.
    pub syllabic: String,
    /// The text.
    pub text: String,
}

impl Notes {
    /// Rows: notes, chord members and rests.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.onset.len()
    }

    /// Keeps the first `rows` rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.onset.truncate(rows);
        self.duration.truncate(rows);
        self.pitch.truncate(rows);
        self.flags.truncate(rows);
        self.voice.truncate(rows);
        self.tuplets.retain(|(row, _)| (*row as usize) < rows);
        self.lyrics.retain(|(row, _)| (*row as usize) < rows);
        self.kit.retain(|(row, _)| (*row as usize) < rows);
    }

    /// No rows.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.onset.is_empty()
    }
}
