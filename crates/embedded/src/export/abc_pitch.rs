//! Pitches in ABC: letters, octave marks and accidentals, as far as the key and the measure do not say them.

use music21_mcp_score::Pitch;

/// What each letter means so far in a measure.
pub(super) struct Accidentals {
    key: [i8; 7],
    /// Programs differ on whether an accidental holds in other octaves, so once a letter has one,
    /// it is always written.
    written: [bool; 7],
}

impl Accidentals {
    pub(super) fn new(fifths: i8) -> Self {
        /// The order of sharps, as steps above C.
        const SHARPS: [usize; 7] = [3, 0, 4, 1, 5, 2, 6];
        let mut key = [0; 7];
        for index in 0..usize::from(fifths.unsigned_abs()).min(7) {
            if fifths > 0 {
                key[SHARPS[index]] = 1;
            } else {
                key[SHARPS[6 - index]] = -1;
            }
        }
        Self { key, written: [false; 7] }
    }
}

pub(super) fn write_pitch(abc: &mut String, pitch: Pitch, accidentals: &mut Accidentals) {
    let step = pitch.step as usize;
    if pitch.quarter_below {
        accidentals.written[step] = true;
        abc.push_str(match pitch.alter {
            ..0 => "_3/2",
            0 => "_/",
            1 => "^/",
            _ => "^3/2",
        });
    } else if pitch.alter != accidentals.key[step] || accidentals.written[step] {
        accidentals.written[step] = true;
        // Beyond double accidentals ABC has no signs.
        abc.push_str(["__", "_", "=", "^", "^^"][(pitch.alter.clamp(-2, 2) + 2) as usize]);
    }
    let letter = char::from(pitch.step.letter());
    if pitch.octave >= 5 {
        abc.push(letter.to_ascii_lowercase());
        abc.extend(std::iter::repeat_n('\'', (i32::from(pitch.octave) - 5) as usize));
    } else {
        abc.push(letter);
        abc.extend(std::iter::repeat_n(',', (4 - i32::from(pitch.octave)) as usize));
    }
}
