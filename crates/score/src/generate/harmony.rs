//! A chord of the plan as one instrument reads it: which letters it has, and how each is altered.

use super::plan::{Bar, Chord};
use crate::{Pitch, Step, Transpose};

/// The harmony of a moment as this instrument reads it.
pub(super) struct Harmony {
    /// Bit `s`: letter `s` belongs to the chord.
    tones: u8,
    /// Letter of the root.
    pub(super) root: i32,
    /// Alteration of each letter.
    alters: [i8; 7],
}

impl Harmony {
    pub(super) fn new(bar: &Bar, chord: Chord, transpose: Transpose) -> Self {
        let tonic = bar.key.tonic() - i32::from(transpose.diatonic);
        let root = (tonic + i32::from(chord.degree)).rem_euclid(7);
        let thirds: &[i32] = if chord.seventh { &[0, 2, 4, 6] } else { &[0, 2, 4] };
        let tones = thirds.iter().fold(0, |tones, third| tones | 1 << ((root + third) % 7));
        let fifths = bar.key.fifths + fifths_up(transpose);
        let mut alters = [0; 7];
        // Sharps come in the order F C G D A E B, flats in the reverse: a signature of `n` fifths
        // alters the letter at place `p` by the floor of (n - p + 6) / 7.
        for (place, letter) in [3, 0, 4, 1, 5, 2, 6].into_iter().enumerate() {
            alters[letter] = (i32::from(fifths) - place as i32 + 6).div_euclid(7) as i8;
        }
        if !bar.key.major && chord.is_dominant() {
            alters[(tonic + 6).rem_euclid(7) as usize] += 1;
        }
        Self { tones, root, alters }
    }

    #[inline]
    pub(super) fn pitch(&self, position: i32) -> Pitch {
        let letter = (position % 7) as usize;
        Pitch::new(Step::ALL[letter], self.alters[letter], (position / 7) as i8)
    }

    #[inline]
    pub(super) fn has(&self, position: i32) -> bool {
        self.tones >> (position % 7) & 1 == 1
    }
}

/// Fifths between the concert key and the written one: an instrument in Bb reads two sharps more.
pub(super) fn fifths_up(transpose: Transpose) -> i8 {
    (i32::from(-transpose.chromatic) * 7 + 5).rem_euclid(12) as i8 - 5
}
