//! Roman numerals: a chord's figure in a key, as music21's `romanNumeralFromChord` writes it.

use music21_mcp_score::{Pitch, Step};

use super::chord::Chord;
use super::common_name::AugmentedSixth;
use super::key::Key;

/// A chord in a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RomanNumeral {
    /// With accidental, quality and figured bass: `bVII6`, `viio7`, `Ger65`.
    pub figure: String,
    /// The numeral and its accidental, without inversion. In minor the accidental is against the
    /// degree that the numeral's quality expects, so that `bVII` is `VII` here.
    pub numeral: String,
    /// Scale degree, 1 to 7.
    pub degree: u8,
}

const NUMERALS: [&str; 7] = ["I", "II", "III", "IV", "V", "VI", "VII"];

/// Names a chord in a key. music21 finds no numeral for most roots that are a quarter tone off: only for
/// some that are three from the scale.
pub(crate) fn roman_numeral(chord: &Chord<'_>, key: Key) -> Option<RomanNumeral> {
    let scale = Scale::of(key);
    let root = chord.root();
    if root.quarter_below && (!key.major || scale.alteration(root).abs() != 1) {
        return None;
    }
    Some(figured(chord, key, scale))
}

fn figured(chord: &Chord<'_>, key: Key, scale: Scale) -> RomanNumeral {
    let root = chord.root();
    let degree = (root.step as i32 - key.step as i32).rem_euclid(7) as u8 + 1;
    let raised = scale.alteration(root);
    let is_movable = !key.major && matches!(degree, 6 | 7);
    // In minor, the sixth and seventh degrees are counted from their raised forms.
    let front = if is_movable { raised - 1 } else { raised };
    let shift = if is_movable && raised > 0 { raised - 1 } else { raised };
    let has_major_third = chord.semitones(3) == Some(4);
    let numeral = NUMERALS[usize::from(degree) - 1];
    let numeral = if has_major_third { numeral.to_owned() } else { numeral.to_lowercase() };

    let suffix = suffix(chord, scale.shifted(shift));
    let plain = format!("{}{numeral}{suffix}", accidentals(front));
    if !has_major_third && let Some(seventh) = minor_seventh(chord, &suffix) {
        let figure = format!("{}{numeral}{seventh}", accidentals(front));
        return RomanNumeral { figure, numeral: with_front(&numeral, front, seventh, is_movable), degree };
    }
    if let Some((sixth, degree)) = augmented_sixth(&plain)
        && AugmentedSixth::of(chord).is_some()
    {
        let nation = sixth.trim_end_matches(|c: char| c.is_ascii_digit());
        return RomanNumeral { figure: sixth.to_owned(), numeral: nation.to_owned(), degree };
    }
    RomanNumeral { figure: plain, numeral: with_front(&numeral, front, &suffix, is_movable), degree }
}

/// The seven degrees' alterations: natural minor for a minor key.
#[derive(Debug, Clone, Copy)]
struct Scale {
    alters: [i32; 7],
}

impl Scale {
    fn of(key: Key) -> Self {
        let sharps_at = [0, 2, 4, -1, 1, 3, 5][key.step as usize] + 7 * i32::from(key.alter);
        let fifths = if key.major { sharps_at } else { sharps_at - 3 };
        // Sharps come in the order F C G D A E B.
        let alters = Step::ALL.map(|step| (fifths + 6 - [1, 3, 5, 0, 2, 4, 6][step as usize]).div_euclid(7));
        Self { alters }
    }

    /// The same key with its tonic moved chromatically.
    fn shifted(self, by: i32) -> Self {
        Self { alters: self.alters.map(|alter| alter + by) }
    }

    fn alteration(self, pitch: Pitch) -> i32 {
        let raised = i32::from(pitch.alter) - self.alters[pitch.step as usize];
        // A quarter tone is left out, towards the scale.
        raised - i32::from(pitch.quarter_below && raised > 0)
    }
}

/// Quality mark and figured bass above the chord's bass: `o7`, `65`, `64`, or nothing.
fn suffix(chord: &Chord<'_>, scale: Scale) -> String {
    let figured = figured_bass(chord, scale);
    let shortened = shorthand(&figured).unwrap_or(&figured);
    let half_diminished = chord.semitones(5) == Some(6) && chord.semitones(7) == Some(10);
    let is_marked = shortened.starts_with(['o', 'ø']);
    let mark = match chord.semitones(5) {
        Some(6) if is_marked => "",
        Some(6) if half_diminished => "ø",
        Some(6) => "o",
        Some(8) => "+",
        _ => "",
    };
    format!("{mark}{shortened}")
}

fn figured_bass(chord: &Chord<'_>, scale: Scale) -> String {
    let bass = chord.bass();
    let is_minor_or_major = chord.is_triad_of(4, 7) || chord.is_triad_of(3, 7);
    let is_standard = is_minor_or_major || chord.is_triad_of(3, 6) || chord.is_triad_of(4, 8);
    let third = chord.member(3).filter(|_| is_minor_or_major);
    let fifth = chord.member(5).filter(|_| is_standard);
    let bass_alteration = scale.alteration(chord.pitches[0]);

    let mut rows: Vec<(i32, i32, i32, usize)> = chord
        .pitches
        .iter()
        .enumerate()
        .map(|(row, &pitch)| {
            let above_bass = (pitch.diatonic() - bass.diatonic()).rem_euclid(7) + 1;
            (-above_bass, scale.alteration(pitch), pitch.midi(), row)
        })
        .collect();
    rows.sort_unstable();

    let mut figures: Vec<String> = Vec::new();
    for (below, alteration, _, row) in rows {
        let is_implied = Some(row) == third || Some(row) == fifth;
        if below == -1 {
            let octave = format!("{}8", accidentals(alteration));
            if alteration != bass_alteration && alteration != 0 && !figures.contains(&octave) {
                figures.insert(0, octave);
            }
            continue;
        }
        let prefix = if is_implied { String::new() } else { accidentals(alteration) };
        let figure = format!("{prefix}{}", -below);
        if !figures.contains(&figure) {
            figures.push(figure);
        }
    }
    figures.concat()
}

/// Conventional abbreviations; `None` for figures that are written out.
fn shorthand(figures: &str) -> Option<&'static str> {
    Some(match figures {
        "53" | "3" => "",
        "63" => "6",
        "753" | "75" | "73" => "7",
        "9753" | "975" | "953" | "97" | "95" | "93" => "9",
        "653" => "65",
        "6b53" => "6b5",
        "643" => "43",
        "642" => "42",
        "bb7b5b3" | "bb7b53" => "o7",
        "b7b5b3" | "b7b53" => "ø7",
        _ => return None,
    })
}

/// Figures of a seventh chord with a minor third that its numeral already implies.
fn minor_seventh(chord: &Chord<'_>, suffix: &str) -> Option<&'static str> {
    let minor = match suffix {
        "b75b3" => Some("7"),
        "6b5" => Some("65"),
        "b64b3" => Some("43"),
        "6b42" => Some("42"),
        _ => None,
    };
    if let Some(figure) = minor.filter(|_| chord.is_seventh_of([0, 3, 7, 10])) {
        return Some(figure);
    }
    let with_major_seventh = match suffix {
        "75b3" => "7[#7]",
        "65" | "6#53" => "65[#7]",
        "b643" | "64#3" => "43[#7]",
        "6b42" | "42" => "42[#7]",
        "#753" => "#7",
        _ => return None,
    };
    chord.is_seventh_of([0, 3, 7, 11]).then_some(with_major_seventh)
}

/// The name of a figure that an augmented sixth chord has, and the degree it stands on.
fn augmented_sixth(figure: &str) -> Option<(&'static str, u8)> {
    Some(match figure {
        "#ivo6b3" => ("It6", 4),
        "#ivob64" | "#ivobb64" => ("It64", 4),
        "#ivob5b3" | "#ivob5bb3" => ("It53", 4),
        "IIø#643" => ("Fr43", 2),
        "IIø75#3" | "IIø7b5#3" => ("Fr7", 2),
        "IIø6#42" | "IIøb6#42" => ("Fr42", 2),
        "IIø65" | "IIø65b3" => ("Fr65", 2),
        "#ii64b3" => ("Sw43", 2),
        "#iiø7" | "#iib7bb53" => ("Sw7", 2),
        "#iib642" | "#iibb642" => ("Sw42", 2),
        "#ii6b5b3" | "#ii6b5bb3" => ("Sw65", 2),
        "#ivo6b5b3" | "#ivo6bb5b3" => ("Ger65", 4),
        "#ivob64b3" | "#ivobb64bb3" => ("Ger43", 4),
        "#ivob6b42" | "#ivob6bb42" => ("Ger42", 4),
        "#ivø7" | "#ivobb7b5bb3" => ("Ger7", 4),
        _ => return None,
    })
}

/// The numeral with its accidental. Where the degree is movable, a numeral of minor quality means
/// the raised degree, and a lowered one is lowered from the raised.
fn with_front(numeral: &str, front: i32, suffix: &str, is_movable: bool) -> String {
    let is_lower = numeral.starts_with(['i', 'v']);
    let expects_raised = suffix.starts_with(['o', 'ø']) || (is_lower && !suffix.starts_with('+'));
    let front = match front {
        0 if is_movable && expects_raised => 1,
        ..=-1 if is_movable => front + 1,
        _ => front,
    };
    format!("{}{numeral}", accidentals(front))
}

fn accidentals(alteration: i32) -> String {
    let sign = if alteration < 0 { "b" } else { "#" };
    sign.repeat(alteration.unsigned_abs() as usize)
}
