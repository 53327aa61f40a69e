//! The pitches music21 gives a chord symbol (`<harmony>`): its `ChordSymbol` is a chord like any other,
//! so a lead sheet's symbols are chords of the score and belong to its slices.
//!
//! `<degree>` alterations are not read.

use music21_mcp_score::{Harmony, Pitch, Step};

/// By `<kind>`: degrees of the major scale on the root, each with its alteration, from the root up.
const KINDS: [(&str, &[(u8, i8)]); 33] = [
    ("major", &[(1, 0), (3, 0), (5, 0)]),
    ("minor", &[(1, 0), (3, -1), (5, 0)]),
    ("augmented", &[(1, 0), (3, 0), (5, 1)]),
    ("diminished", &[(1, 0), (3, -1), (5, -1)]),
    ("dominant", &[(1, 0), (3, 0), (5, 0), (7, -1)]),
    ("dominant-seventh", &[(1, 0), (3, 0), (5, 0), (7, -1)]),
    ("major-seventh", &[(1, 0), (3, 0), (5, 0), (7, 0)]),
    ("major-minor", &[(1, 0), (3, -1), (5, 0), (7, 0)]),
    ("minor-major-seventh", &[(1, 0), (3, -1), (5, 0), (7, 0)]),
    ("minor-seventh", &[(1, 0), (3, -1), (5, 0), (7, -1)]),
    ("augmented-seventh", &[(1, 0), (3, 0), (5, 1), (7, -1)]),
    ("half-diminished", &[(1, 0), (3, -1), (5, -1), (7, -1)]),
    ("half-diminished-seventh", &[(1, 0), (3, -1), (5, -1), (7, -1)]),
    ("diminished-seventh", &[(1, 0), (3, -1), (5, -1), (7, -2)]),
    ("major-sixth", &[(1, 0), (3, 0), (5, 0), (6, 0)]),
    ("minor-sixth", &[(1, 0), (3, -1), (5, 0), (6, 0)]),
    ("major-ninth", &[(1, 0), (3, 0), (5, 0), (7, 0), (9, 0)]),
    ("dominant-ninth", &[(1, 0), (3, 0), (5, 0), (7, -1), (9, 0)]),
    ("minor-ninth", &[(1, 0), (3, -1), (5, 0), (7, -1), (9, 0)]),
    ("dominant-11th", &[(1, 0), (3, 0), (5, 0), (7, -1), (9, 0), (11, 0)]),
    ("major-11th", &[(1, 0), (3, 0), (5, 0), (7, 0), (9, 0), (11, 0)]),
    ("minor-11th", &[(1, 0), (3, -1), (5, 0), (7, -1), (9, 0), (11, 0)]),
    ("dominant-13th", &[(1, 0), (3, 0), (5, 0), (7, -1), (9, 0), (11, 0), (13, 0)]),
    ("major-13th", &[(1, 0), (3, 0), (5, 0), (7, 0), (9, 0), (11, 0), (13, 0)]),
    ("minor-13th", &[(1, 0), (3, -1), (5, 0), (7, -1), (9, 0), (11, 0), (13, 0)]),
    ("suspended-second", &[(1, 0), (2, 0), (5, 0)]),
    ("suspended-fourth", &[(1, 0), (4, 0), (5, 0)]),
    ("Neapolitan", &[(1, 0), (2, -1), (3, 0), (5, -1)]),
    ("Italian", &[(1, 0), (4, 1), (6, -1)]),
    ("French", &[(1, 0), (2, 0), (4, 1), (6, -1)]),
    ("German", &[(1, 0), (3, -1), (4, 1), (6, -1)]),
    ("pedal", &[(1, 0)]),
    ("power", &[(1, 0), (5, 0)]),
];

const MAJOR_SCALE: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
/// The highest and the lowest staff step allowed, D4 and G1: music21 shifts the chord by octaves until
/// it fits.
const HIGHEST: i32 = 4 * 7 + Step::D as i32;
const LOWEST: i32 = 7 + Step::G as i32;

/// The pitches of a symbol, lowest first; none for `<kind>none</kind>`.
pub(super) fn pitches(symbol: &Harmony) -> Vec<Pitch> {
    if symbol.kind == "none" {
        return Vec::new();
    }
    let root = Pitch { step: symbol.root, alter: symbol.root_alter, octave: 3 };
    let degrees =
        KINDS.iter().find(|(kind, _)| *kind == symbol.kind).map_or(&[(1, 0)][..], |(_, degrees)| degrees);
    let mut pitches: Vec<Pitch> =
        degrees.iter().map(|&(degree, alter)| on_degree(root, degree, alter)).collect();
    if let Some((step, alter)) = symbol.bass.filter(|&bass| bass != (symbol.root, symbol.root_alter)) {
        invert(&mut pitches, Pitch { step, alter, octave: 3 });
    }
    while pitches.iter().any(|pitch| pitch.diatonic() > HIGHEST) {
        shift(&mut pitches, -1);
    }
    while pitches.iter().any(|pitch| pitch.diatonic() < LOWEST) {
        shift(&mut pitches, 1);
    }
    pitches.sort_by_key(|pitch| (pitch.diatonic(), pitch.midi()));
    pitches
}

fn on_degree(root: Pitch, degree: u8, alter: i8) -> Pitch {
    let steps = i32::from(degree) - 1;
    let diatonic = root.diatonic() + steps;
    let natural = Pitch {
        step: Step::ALL[diatonic.rem_euclid(7) as usize],
        alter: 0,
        octave: diatonic.div_euclid(7) as i8,
    };
    let wanted = root.midi() + MAJOR_SCALE[(steps % 7) as usize] + 12 * (steps / 7) + i32::from(alter);
    Pitch { alter: (wanted - natural.midi()) as i8, ..natural }
}

/// Puts a bass below: the chord's own note by inversion, another one an octave under the root.
fn invert(pitches: &mut Vec<Pitch>, bass: Pitch) {
    let is_bass = |pitch: &Pitch| (pitch.step, pitch.alter) == (bass.step, bass.alter);
    let Some(inversion) = pitches.iter().position(is_bass) else {
        pitches.push(Pitch { octave: 2, ..bass });
        return;
    };
    // Past the fourth inversion music21 lifts by two octaves, over the ninth.
    let lift = if inversion > 3 { 2 } else { 1 };
    shift(&mut pitches[..inversion], lift);
    for pitch in pitches.iter_mut().filter(|pitch| pitch.diatonic() < bass.diatonic()) {
        pitch.octave += 1;
    }
}

fn shift(pitches: &mut [Pitch], octaves: i8) {
    for pitch in pitches {
        pitch.octave += octaves;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::pitch_name;

    fn names(root: (Step, i8), kind: &str, bass: Option<(Step, i8)>) -> String {
        let symbol = Harmony { root: root.0, root_alter: root.1, kind: kind.to_owned(), bass };
        pitches(&symbol).into_iter().map(pitch_name).collect::<Vec<_>>().join(" ")
    }

    /// The right column is music21 10.5.1's `ChordSymbol(root=…, kind=…, bass=…).pitches`.
    #[test]
    fn symbols_sound_as_in_music21() {
        assert_eq!(names((Step::F, 0), "major", None), "F3 A3 C4");
        assert_eq!(names((Step::C, 0), "dominant", None), "C3 E3 G3 B-3");
        assert_eq!(names((Step::G, 0), "dominant", None), "G2 B2 D3 F3");
        assert_eq!(names((Step::C, 0), "major", Some((Step::E, 0))), "E3 G3 C4");
        assert_eq!(names((Step::C, 0), "major", Some((Step::G, 0))), "G2 C3 E3");
        assert_eq!(names((Step::D, 0), "minor-seventh", Some((Step::F, 0))), "F3 A3 C4 D4");
        assert_eq!(names((Step::D, -1), "major-sixth", None), "D-3 F3 A-3 B-3");
        assert_eq!(names((Step::C, 0), "none", None), "");
    }
}
