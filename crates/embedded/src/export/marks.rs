//! Marks at a time, and keys at sounding pitch.

use music21_mcp_score::{KeySignature, Tick, Timed, Transpose};

/// What holds at a time: the last mark at or before it.
pub(super) fn at<T: Clone>(marks: &[Timed<T>], time: Tick) -> Option<T> {
    let after = marks.partition_point(|mark| mark.at <= time);
    after.checked_sub(1).map(|index| marks[index].value.clone())
}

/// The key signature that sounds when this one is written: a fifth is seven semitones and four
/// staff steps, so octaves cancel.
pub(super) fn sounding_key(key: KeySignature, by: Transpose) -> KeySignature {
    let fifths = i32::from(key.fifths) + 7 * i32::from(by.chromatic) - 12 * i32::from(by.diatonic);
    KeySignature { fifths: fifths.clamp(-100, 100) as i8, ..key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clarinets_key_sounds_two_fifths_lower() {
        let key = KeySignature::new(2, None);
        let clarinet = Transpose::new(-1, -2);
        assert_eq!(sounding_key(key, clarinet).fifths, 0);
        let piccolo = Transpose::new(7, 12);
        assert_eq!(sounding_key(key, piccolo).fifths, 2);
    }
}
