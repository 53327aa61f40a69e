//! Keys by correlating pitch-class durations with a key profile, as music21's `analysis.discrete`
//! does (Pearson's coefficient for each of 24 keys), and the vote of four profiles that the
//! `key_analysis` tool reports.

use std::cmp::Reverse;
use std::fmt;

use music21_mcp_score::{NoteFlags, Part, Step};

use super::spelling::pitch_class_name;

/// A key profile: how well each scale degree fits a major and a minor key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Krumhansl and Schmuckler.
    Krumhansl,
    /// Aarden and Essen; music21's plain `analyze('key')`.
    Aarden,
    /// Temperley, Kostka and Payne.
    Temperley,
    /// Bellman and Budge.
    Bellman,
}

/// The four, in the order the server runs them.
pub const PROFILES: [Profile; 4] =
    [Profile::Krumhansl, Profile::Aarden, Profile::Temperley, Profile::Bellman];

/// A major or minor key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Letter name of the tonic.
    pub step: Step,
    /// Semitones of alteration of the tonic.
    pub alter: i8,
    /// Major, else minor.
    pub major: bool,
}

/// A key and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedKey {
    /// The key.
    pub key: Key,
    /// Pearson's correlation coefficient, -1 to 1.
    pub correlation: f64,
}

/// What `key_analysis` reports.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyAnalysis {
    /// The key most profiles vote for.
    pub key: Key,
    /// The mean correlation of those who voted for it, halved towards a lone vote.
    pub confidence: f64,
    /// Up to three other keys with votes.
    pub alternatives: Vec<Alternative>,
    /// Each profile's best key; empty if nothing pitched sounds.
    pub algorithms: Vec<(Profile, RankedKey)>,
}

/// A key that some profile prefers to the winner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alternative {
    /// The key.
    pub key: Key,
    /// The mean correlation of those who voted for it.
    pub confidence: f64,
    /// Profiles that voted for it.
    pub votes: usize,
}

impl Profile {
    /// The name in replies: `krumhansl`, `aarden`, `temperley`, `bellman`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Krumhansl => "krumhansl",
            Self::Aarden => "aarden",
            Self::Temperley => "temperley",
            Self::Bellman => "bellman",
        }
    }

    /// Weights of the twelve semitones above the tonic, for the profile's major or minor, as
    /// tabulated at <https://extras.humdrum.org/man/keycor/>.
    const fn degree_weights(self, major: bool) -> [f64; 12] {
        match (self, major) {
            (Self::Krumhansl, true) => {
                [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]
            }
            (Self::Krumhansl, false) => {
                [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]
            }
            (Self::Aarden, true) => [
                17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494,
                0.232998, 4.95122,
            ],
            (Self::Aarden, false) => [
                18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186,
                7.37619, 1.75623,
            ],
            (Self::Temperley, true) => {
                [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400]
            }
            (Self::Temperley, false) => {
                [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330]
            }
            (Self::Bellman, true) => {
                [16.80, 0.86, 12.95, 1.41, 13.49, 11.93, 1.25, 20.28, 1.80, 8.04, 0.62, 10.57]
            }
            (Self::Bellman, false) => {
                [18.16, 0.69, 12.99, 13.34, 1.07, 11.15, 1.38, 21.07, 7.49, 1.53, 0.92, 10.21]
            }
        }
    }
}

impl Key {
    /// What the server falls back on.
    pub(crate) const C_MAJOR: Self = Self::from_class(0, true);

    /// The key music21 names when a profile says "this pitch class, this mode".
    const fn from_class(class: u8, major: bool) -> Self {
        let (step, alter) = match class {
            0 => (Step::C, 0),
            1 => (Step::C, 1),
            2 => (Step::D, 0),
            3 => (Step::E, -1),
            4 => (Step::E, 0),
            5 => (Step::F, 0),
            6 => (Step::F, 1),
            7 => (Step::G, 0),
            // G sharp is among the minor keys music21 accepts and not among the major ones.
            8 if major => (Step::A, -1),
            8 => (Step::G, 1),
            9 => (Step::A, 0),
            10 => (Step::B, -1),
            _ => (Step::B, 0),
        };
        Self { step, alter, major }
    }

    /// As `key_analysis` writes it: `F# minor`, `B- major`.
    pub(crate) fn title(self) -> String {
        format!("{} {}", pitch_class_name(self.step, self.alter), self.mode())
    }

    const fn mode(self) -> &'static str {
        if self.major { "major" } else { "minor" }
    }
}

/// As music21 prints a key: a minor key's tonic in lower case, `f# minor`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tonic = pitch_class_name(self.step, self.alter);
        let tonic = if self.major { tonic } else { tonic.to_lowercase() };
        write!(f, "{tonic} {}", self.mode())
    }
}

/// The key of some parts by each profile, and their vote. The server passes the first part only.
#[must_use]
pub fn analyze_key(parts: &[Part], divisions: u32) -> KeyAnalysis {
    let algorithms: Vec<_> = pitch_weights(parts, divisions)
        .map(|weights| PROFILES.map(|profile| (profile, rank_keys(&weights, profile)[0])).to_vec())
        .unwrap_or_default();
    let mut votes = count_votes(&algorithms).into_iter();
    let Some(winner) = votes.next() else {
        return KeyAnalysis { key: Key::C_MAJOR, confidence: 0.0, alternatives: Vec::new(), algorithms };
    };
    let consensus = winner.votes as f64 / algorithms.len() as f64;
    let confidence = winner.confidence * (0.5 + 0.5 * consensus);
    KeyAnalysis { key: winner.key, confidence, alternatives: votes.take(3).collect(), algorithms }
}

/// Keys by votes, then mean correlation; a tie stays in the profiles' order.
fn count_votes(algorithms: &[(Profile, RankedKey)]) -> Vec<Alternative> {
    let mut votes: Vec<Alternative> = Vec::new();
    for (_, ranked) in algorithms {
        match votes.iter_mut().find(|vote| vote.key == ranked.key) {
            Some(vote) => {
                vote.votes += 1;
                vote.confidence += ranked.correlation;
            }
            None => votes.push(Alternative { key: ranked.key, confidence: ranked.correlation, votes: 1 }),
        }
    }
    for vote in &mut votes {
        vote.confidence /= vote.votes as f64;
    }
    votes.sort_by(|a, b| b.votes.cmp(&a.votes).then(b.confidence.total_cmp(&a.confidence)));
    votes
}

/// How long each pitch class is written to sound, in quarter notes, over all notes of the parts;
/// `None` if there is no note. Written pitch is what music21 counts, also of transposing instruments.
#[must_use]
pub fn pitch_weights(parts: &[Part], divisions: u32) -> Option<[f64; 12]> {
    let silent = NoteFlags::REST.with(NoteFlags::UNPITCHED);
    let chord = NoteFlags::CHORD.with(NoteFlags::LONE_CHORD);
    let mut ticks = [0_u64; 12];
    let mut any = false;
    for part in parts {
        any |= !part.harmonies.is_empty();
        let notes = &part.notes;
        for ((flags, pitch), duration) in notes.flags.iter().zip(&notes.pitch).zip(&notes.duration) {
            if !flags.any(silent) {
                any = true;
                ticks[usize::from(pitch.class())] += u64::from(*duration);
            } else if flags.any(chord) {
                // music21 counts a chord of percussion, though not one note of it.
                any = true;
            }
        }
    }
    any.then(|| ticks.map(|sum| sum as f64 / f64::from(divisions)))
}

/// All 24 keys, the best first. Equal coefficients stand as music21 has them: the higher pitch class
/// first, minor before major.
#[must_use]
pub fn rank_keys(weights: &[f64; 12], profile: Profile) -> [RankedKey; 24] {
    let mut ranks: Vec<(f64, u8, bool)> = [true, false]
        .into_iter()
        .flat_map(|major| {
            let degrees = profile.degree_weights(major);
            (0..12).map(move |class| (correlation(&degrees, weights, usize::from(class)), class, major))
        })
        .collect();
    ranks.sort_by(|a, b| b.0.total_cmp(&a.0).then((Reverse(a.1), a.2).cmp(&(Reverse(b.1), b.2))));
    std::array::from_fn(|i| {
        let (correlation, class, major) = ranks[i];
        RankedKey { key: Key::from_class(class, major), correlation }
    })
}

/// Pearson's coefficient of a profile, moved up to `tonic`, and the weights. Summed in music21's
/// order, so that keys which tie there tie here.
fn correlation(profile: &[f64; 12], weights: &[f64; 12], tonic: usize) -> f64 {
    let mean = |values: &[f64; 12]| values.iter().sum::<f64>() / 12.0;
    let (profile_mean, weights_mean) = (mean(profile), mean(weights));
    let (mut product, mut profile_square, mut weights_square) = (0.0, 0.0, 0.0);
    for (class, weight) in weights.iter().enumerate() {
        let of_profile = profile[(class + 12 - tonic) % 12] - profile_mean;
        let of_weights = weight - weights_mean;
        product += of_profile * of_weights;
        profile_square += of_profile.powi(2);
        weights_square += of_weights.powi(2);
    }
    if profile_square == 0.0 || weights_square == 0.0 {
        return 0.0;
    }
    product / (profile_square * weights_square).sqrt()
}
