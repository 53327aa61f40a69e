//! Pitches in music21's spelling: `#` for a sharp, `-` for a flat.

use music21_mcp_score::{Pitch, Step};

/// With the octave: `F#3`, `B-4`.
#[must_use]
pub fn pitch_name(pitch: Pitch) -> String {
    format!("{}{}", name_of(pitch), pitch.octave)
}

/// Without an octave: `F#`, `B-`.
#[must_use]
pub fn pitch_class_name(step: Step, alter: i8) -> String {
    spell(step, alter, '-')
}

/// Without an octave, quarter tones too: `F~`, ``B-` ``.
pub(super) fn name_of(pitch: Pitch) -> String {
    spelled(pitch, '-')
}

/// Without an octave and with `b` for a flat, as chord names have it: `Bb`.
pub(super) fn flat_name(pitch: Pitch) -> String {
    spelled(pitch, 'b')
}

/// A quarter tone up is `~`, one down is `` ` ``, after the semitones nearer to the natural.
fn spelled(pitch: Pitch, flat: char) -> String {
    let Pitch { step, alter, quarter_below, .. } = pitch;
    match quarter_below {
        false => spell(step, alter, flat),
        true if alter > 0 => spell(step, alter - 1, flat) + "~",
        true => spell(step, alter, flat) + "`",
    }
}

fn spell(step: Step, alter: i8, flat: char) -> String {
    let sign = if alter < 0 { flat } else { '#' };
    let mut name = String::from(char::from(step.letter()));
    name.extend(std::iter::repeat_n(sign, usize::from(alter.unsigned_abs())));
    name
}
