//! The instruments: names, ranges, clefs, transpositions, General MIDI numbers.
//!
//! Ranges are those of a good orchestral player, as written, from Adler, *The Study of Orchestration*.

use crate::{Clef, Instrument, Part, Transpose};

/// An instrument family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Woodwind,
    Brass,
    Percussion,
    Strings,
}

/// An instrument.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    abbreviation: &'static str,
    pub(super) family: Family,
    pub(super) clef: Clef,
    pub(super) transpose: Transpose,
    /// Lowest and highest written staff position, in steps above C0.
    pub(super) range: (i32, i32),
    /// General MIDI program as MusicXML counts, or the percussion key of an unpitched instrument.
    sound: Sound,
    /// It takes the root of the chord.
    pub(super) bass: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Program(u8),
    Unpitched(u8),
}

/// One part's player.
#[derive(Debug, Clone)]
pub(super) struct Player {
    pub(super) model: &'static Model,
    /// Its number among its kind; 0 if it is the only one.
    number: u32,
}

const TREBLE: Clef = Clef { sign: b'G', line: 2, octave_change: 0 };
const ALTO: Clef = Clef { sign: b'C', line: 3, octave_change: 0 };
const BASS: Clef = Clef { sign: b'F', line: 4, octave_change: 0 };
const PERCUSSION: Clef = Clef { sign: b'P', line: 0, octave_change: 0 };
const NONE: Transpose = by(0, 0);

const fn by(diatonic: i8, chromatic: i8) -> Transpose {
    Transpose::new(diatonic, chromatic)
}

/// A staff position from a name such as `C4`.
const fn at(name: &str) -> i32 {
    let bytes = name.as_bytes();
    // C is the first letter of an octave, and A and B are its last.
    let step = (bytes[0] as i32 - b'C' as i32 + 7) % 7;
    (bytes[1] - b'0') as i32 * 7 + step
}

use Family::{Brass, Percussion, Strings, Woodwind};
use Sound::{Program, Unpitched};

const fn pitched(
    names: (&'static str, &'static str),
    family: Family,
    clef: Clef,
    transpose: Transpose,
    range: (&str, &str),
    program: u8,
) -> Model {
    let bass = clef.sign == b'F' && !matches!(family, Family::Percussion);
    Model {
        name: names.0,
        abbreviation: names.1,
        family,
        clef,
        transpose,
        range: (at(range.0), at(range.1)),
        sound: Program(program),
        bass,
    }
}

/// An unpitched instrument stands on the middle line.
const fn unpitched(name: &'static str, abbreviation: &'static str, key: u8) -> Model {
    Model {
        name,
        abbreviation,
        family: Percussion,
        clef: PERCUSSION,
        transpose: NONE,
        range: (at("B4"), at("B4")),
        sound: Unpitched(key),
        bass: false,
    }
}

/// By family; within one, those that a small orchestra has come first.
static WOODWINDS: [Model; 9] = [
    pitched(("Flute", "Fl."), Woodwind, TREBLE, NONE, ("C4", "C7"), 74),
    pitched(("Oboe", "Ob."), Woodwind, TREBLE, NONE, ("B3", "E6"), 69),
    pitched(("Clarinet in Bb", "Cl."), Woodwind, TREBLE, by(-1, -2), ("E3", "E6"), 72),
    pitched(("Bassoon", "Bsn."), Woodwind, BASS, NONE, ("B1", "A4"), 71),
    pitched(("Piccolo", "Picc."), Woodwind, TREBLE, by(7, 12), ("D4", "A6"), 73),
    pitched(("English Horn", "E. Hn."), Woodwind, TREBLE, by(-4, -7), ("B3", "E6"), 70),
    pitched(("Clarinet in A", "Cl. A"), Woodwind, TREBLE, by(-2, -3), ("E3", "E6"), 72),
    pitched(("Bass Clarinet", "B. Cl."), Woodwind, TREBLE, by(-8, -14), ("E3", "C6"), 72),
    pitched(("Contrabassoon", "Cbsn."), Woodwind, BASS, by(-7, -12), ("B1", "A3"), 71),
];
static BRASSES: [Model; 6] = [
    pitched(("Horn in F", "Hn."), Brass, TREBLE, by(-4, -7), ("C3", "A5"), 61),
    pitched(("Trumpet in Bb", "Tpt."), Brass, TREBLE, by(-1, -2), ("A3", "A5"), 57),
    pitched(("Trombone", "Tbn."), Brass, BASS, NONE, ("E2", "A4"), 58),
    pitched(("Tuba", "Tba."), Brass, BASS, NONE, ("F1", "D4"), 59),
    pitched(("Trumpet in C", "Tpt. C"), Brass, TREBLE, NONE, ("G3", "A5"), 57),
    pitched(("Bass Trombone", "B. Tbn."), Brass, BASS, NONE, ("C2", "F4"), 58),
];
static PERCUSSIONS: [Model; 7] = [
    pitched(("Timpani", "Timp."), Percussion, BASS, NONE, ("D2", "A3"), 48),
    unpitched("Snare Drum", "S. D.", 39),
    unpitched("Cymbals", "Cym.", 50),
    pitched(("Glockenspiel", "Glock."), Percussion, TREBLE, by(14, 24), ("G3", "C6"), 10),
    unpitched("Bass Drum", "B. D.", 37),
    pitched(("Xylophone", "Xyl."), Percussion, TREBLE, by(7, 12), ("F3", "C6"), 14),
    unpitched("Triangle", "Tri.", 82),
];
static STRINGS: [Model; 5] = [
    pitched(("Violin I", "Vln. I"), Strings, TREBLE, NONE, ("G3", "E7"), 41),
    pitched(("Violin II", "Vln. II"), Strings, TREBLE, NONE, ("G3", "B6"), 41),
    pitched(("Viola", "Vla."), Strings, ALTO, NONE, ("C3", "D6"), 42),
    pitched(("Violoncello", "Vc."), Strings, BASS, NONE, ("C2", "G4"), 43),
    pitched(("Contrabass", "Cb."), Strings, BASS, by(-7, -12), ("E2", "G4"), 44),
];

/// The families in score order, and how many of a hundred players stand before their end.
const FAMILIES: [(&[Model], u32); 4] =
    [(&WOODWINDS, 30), (&BRASSES, 54), (&PERCUSSIONS, 66), (&STRINGS, 100)];

/// An orchestra of so many parts, in score order.
pub(super) fn players(parts: u32) -> Vec<Player> {
    let mut players = Vec::with_capacity(parts as usize);
    for (models, end) in FAMILIES {
        let count = parts * end / 100 - players.len() as u32;
        let kinds = models.len() as u32;
        for (index, model) in models.iter().enumerate() {
            let of_kind = count / kinds + u32::from((index as u32) < count % kinds);
            let numbers = if of_kind == 1 { 0..1 } else { 1..of_kind + 1 };
            players.extend(numbers.map(|number| Player { model, number }));
        }
    }
    players
}

impl Player {
    pub(super) fn is_pitched(&self) -> bool {
        matches!(self.model.sound, Program(_))
    }

    /// The part without its music.
    pub(super) fn part(&self, index: usize) -> Part {
        let numbered = |name: &str| match self.number {
            0 => name.to_owned(),
            number => format!("{name} {number}"),
        };
        // Channel 10 is percussion's.
        let channels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16];
        let (midi_program, midi_unpitched, midi_channel) = match self.model.sound {
            Program(program) => (Some(program), None, channels[index % channels.len()]),
            Unpitched(key) => (None, Some(key), 10),
        };
        Part {
            id: format!("P{}", index + 1),
            name: numbered(self.model.name),
            abbreviation: numbered(self.model.abbreviation),
            instrument: Instrument {
                name: self.model.name.to_owned(),
                midi_program,
                midi_channel: Some(midi_channel),
                midi_unpitched,
                ..Instrument::default()
            },
            ..Part::default()
        }
    }
}
