//! Allen Forte's classes of pitch-class sets and the names music21 gives them.
//!
//! `forte.tsv` has a line for each of the 351 classes under transposition: the set as twelve bits in
//! hexadecimal (the smallest of its twelve transpositions), the class, the names. The facts were
//! read from music21 10.5.1's tables by running it; only the names that chord naming can use are
//! kept.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A class of pitch-class sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forte {
    /// `3-11B`; `A` and `B` are mirror images.
    pub(super) class: &'static str,
    /// The usual name first; later ones only for the augmented sixths. May be empty.
    pub(super) names: Vec<&'static str>,
}

static CLASSES: LazyLock<HashMap<u16, Forte>> = LazyLock::new(|| {
    include_str!("forte.tsv")
        .lines()
        .map(|line| {
            let mut fields = line.split('\t');
            let mut next = || fields.next().unwrap_or_default();
            let set = u16::from_str_radix(next(), 16)
                // OK because the table is part of this program, and a test reads all of it.
                .expect("the table starts each line with a set");
            let class = next();
            let names = next().split('|').filter(|name| !name.is_empty()).collect();
            (set, Forte { class, names })
        })
        .collect()
});

/// The class of a set of pitch classes, one bit each; `None` for the empty set.
pub(super) fn forte(set: u16) -> Option<&'static Forte> {
    CLASSES.get(&canonical(set))
}

/// The smallest of the set's twelve transpositions.
fn canonical(set: u16) -> u16 {
    (0..12)
        .map(|by| ((set << by) | (set >> (12 - by))) & 0xfff)
        // OK because there are twelve.
        .min()
        .unwrap_or(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_pitch_classes_has_a_class() {
        assert_eq!(CLASSES.len(), 351);
        for set in 1..0x1000_u16 {
            let found = forte(set).unwrap();
            let cardinality: u32 = found.class.split('-').next().unwrap().parse().unwrap();
            assert_eq!(cardinality, set.count_ones(), "{set:03x} is {}", found.class);
        }
        assert_eq!(forte(0), None);
    }
}
