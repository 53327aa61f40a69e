//! Pitches of chord symbols: degrees of a major scale, and chromatic steps in music21's spelling.

use music21_mcp_score::{Pitch, Step};

use super::symbol_kinds::Figure;

const MAJOR_SCALE: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];

/// A degree of the major scale on `root`, altered, within the eleven semitones above it.
pub(super) fn on_degree(root: Pitch, figure: Figure) -> Pitch {
    let steps = i32::from(figure.degree) - 1;
    let diatonic = root.diatonic() + steps % 7;
    let natural = Pitch::new(Step::ALL[diatonic.rem_euclid(7) as usize], 0, diatonic.div_euclid(7) as i8);
    let wanted = root.midi() + MAJOR_SCALE[(steps % 7) as usize] + i32::from(figure.alter);
    let pitch = Pitch { alter: (wanted - natural.midi()) as i8, ..natural };
    let octaves = (pitch.midi() - root.midi()).div_euclid(12);
    Pitch { octave: pitch.octave - octaves as i8, ..pitch }
}

/// The degree, 1 to 7, that a pitch is by name in the major scale on `root`.
pub(super) fn scale_degree(root: Pitch, pitch: Pitch) -> Option<u8> {
    (1..=7).find(|&degree| {
        let member = on_degree(root, Figure { degree, alter: 0 });
        (member.step, member.alter) == (pitch.step, pitch.alter)
    })
}

/// Up to three semitones on the same step, more as the usual name of the height.
pub(super) fn altered(pitch: Pitch, semitones: i8) -> Pitch {
    if semitones.unsigned_abs() <= 3 {
        return Pitch { alter: pitch.alter + semitones, ..pitch };
    }
    Pitch::usual(pitch.midi() + i32::from(semitones))
}

pub(super) fn semitone_below(pitch: Pitch) -> Pitch {
    Pitch::usual(pitch.midi() - 1)
}

/// The lowest as written.
pub(super) fn lower_of(pitches: &[Pitch]) -> Option<Pitch> {
    pitches.iter().copied().min_by_key(|pitch| (pitch.diatonic(), pitch.midi()))
}
