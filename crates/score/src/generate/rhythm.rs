//! How the families move: figures over a phrase, and the note values of a beat.

use super::random::Random;
use super::roster::Family;
use crate::Tuplet;

/// What a player does for some measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// Counts measures.
    Rest,
    /// Holds a chord note, tied over where the harmony allows it.
    Long,
    /// Moves by step from chord note to chord note.
    Melody,
    /// Sixteenths by step.
    Run,
    /// Chord notes up and down.
    Arpeggio,
    /// The same chord note again and again.
    Repeat,
    /// Two or three chord notes at once.
    Chords,
    /// Dotted chord notes.
    Fanfare,
}

use Figure::{Arpeggio, Chords, Fanfare, Long, Melody, Repeat, Rest, Run};

/// The figures of each family, each as often as it stands there.
pub(super) fn figure(family: Family, random: &mut Random) -> Figure {
    match family {
        Family::Woodwind => {
            random.pick(&[Rest, Rest, Long, Melody, Melody, Melody, Run, Run, Arpeggio, Arpeggio])
        }
        Family::Brass => random.pick(&[Rest, Rest, Rest, Long, Long, Long, Fanfare, Fanfare, Melody, Repeat]),
        Family::Percussion => random.pick(&[Rest, Rest, Long, Fanfare, Repeat, Repeat, Arpeggio]),
        Family::Strings => random
            .pick(&[Rest, Long, Long, Melody, Melody, Melody, Run, Arpeggio, Repeat, Repeat, Chords, Chords]),
    }
}

/// Note values that fill a beat, and the tuplet they stand in.
pub(super) type Cell = (&'static [u32], Option<Tuplet>);

const TRIPLET: Option<Tuplet> = Some(Tuplet { actual: 3, normal: 2 });

/// The cell of a figure for a beat of 12 ticks, or of 18 in a compound metre.
#[inline]
pub(super) fn cell(figure: Figure, beat: u32, random: &mut Random) -> Cell {
    let compound = beat == 18;
    match figure {
        Run if compound => (&[3, 3, 3, 3, 3, 3], None),
        Run => (&[3, 3, 3, 3], None),
        Arpeggio | Repeat if compound => (&[6, 6, 6], None),
        Arpeggio if random.once_in(3) => (&[4, 4, 4], TRIPLET),
        Arpeggio => (&[6, 6], None),
        Repeat => random.pick::<Cell>(&[(&[6, 6], None), (&[6, 6], None), (&[6, 3, 3], None)]),
        Fanfare if compound => random.pick::<Cell>(&[(&[9, 3, 6], None), (&[12, 6], None), (&[18], None)]),
        Fanfare => random.pick::<Cell>(&[(&[9, 3], None), (&[12], None), (&[4, 4, 4], TRIPLET)]),
        Melody if compound => random.pick::<Cell>(&[(&[12, 6], None), (&[6, 6, 6], None), (&[18], None)]),
        Melody => random.pick::<Cell>(&[(&[12], None), (&[6, 6], None), (&[6, 6], None), (&[6, 3, 3], None)]),
        Chords | Long | Rest if compound => (&[18], None),
        Chords | Long | Rest => (&[12], None),
    }
}
