//! The kinds of chord symbols that music21 knows.

/// A degree of the major scale on the root, and its alteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) degree: u8,
    pub(super) alter: i8,
}

/// What a kind is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) figures: Vec<Figure>,
    /// Of the pitches within an octave, every other one up to this goes an octave up.
    pub(super) lifted: usize,
    /// The inversions that music21 takes for such.
    pub(super) inversions: usize,
}

/// Name, lifted, inversions, figures.
struct Row(&'static str, usize, usize, &'static str);

const KINDS: [Row; 50] = [
    Row("major", 0, 2, "1 3 5"),
    Row("minor", 0, 2, "1 b3 5"),
    Row("augmented", 0, 2, "1 3 #5"),
    Row("diminished", 0, 2, "1 b3 b5"),
    Row("dominant-seventh", 0, 3, "1 3 5 b7"),
    Row("major-seventh", 0, 3, "1 3 5 7"),
    Row("minor-major-seventh", 0, 2, "1 b3 5 7"),
    Row("minor-seventh", 0, 3, "1 b3 5 b7"),
    Row("augmented-major-seventh", 0, 2, "1 3 #5 7"),
    Row("augmented-seventh", 0, 3, "1 3 #5 b7"),
    Row("half-diminished-seventh", 0, 2, "1 b3 b5 b7"),
    Row("diminished-seventh", 0, 3, "1 b3 b5 bb7"),
    Row("seventh-flat-five", 0, 2, "1 3 b5 b7"),
    Row("major-sixth", 0, 2, "1 3 5 6"),
    Row("minor-sixth", 0, 2, "1 b3 5 6"),
    Row("major-ninth", 1, 4, "1 3 5 7 9"),
    Row("dominant-ninth", 1, 4, "1 3 5 b7 9"),
    Row("minor-major-ninth", 0, 2, "1 b3 5 7 9"),
    Row("minor-ninth", 1, 4, "1 b3 5 b7 9"),
    Row("augmented-major-ninth", 0, 2, "1 3 #5 7 9"),
    Row("augmented-dominant-ninth", 0, 2, "1 3 #5 b7 9"),
    Row("half-diminished-ninth", 0, 2, "1 b3 b5 b7 9"),
    Row("half-diminished-minor-ninth", 0, 2, "1 b3 b5 b7 b9"),
    Row("diminished-ninth", 0, 2, "1 b3 b5 bb7 9"),
    Row("diminished-minor-ninth", 0, 2, "1 b3 b5 bb7 b9"),
    Row("dominant-11th", 3, 5, "1 3 5 b7 9 11"),
    Row("major-11th", 3, 5, "1 3 5 7 9 11"),
    Row("minor-major-11th", 0, 2, "1 b3 5 7 9 11"),
    Row("minor-11th", 3, 5, "1 b3 5 b7 9 11"),
    Row("augmented-major-11th", 0, 2, "1 3 #5 7 9 11"),
    Row("augmented-11th", 0, 2, "1 3 #5 b7 9 11"),
    Row("half-diminished-11th", 0, 2, "1 b3 b5 b7 9 11"),
    Row("diminished-11th", 0, 2, "1 b3 b5 bb7 9 11"),
    Row("major-13th", 5, 5, "1 3 5 7 9 11 13"),
    Row("dominant-13th", 5, 5, "1 3 5 b7 9 11 13"),
    Row("minor-major-13th", 0, 2, "1 b3 5 7 9 11 13"),
    Row("minor-13th", 5, 5, "1 b3 5 b7 9 11 13"),
    Row("augmented-major-13th", 0, 2, "1 3 #5 7 9 11 13"),
    Row("augmented-dominant-13th", 0, 2, "1 3 #5 b7 9 11 13"),
    Row("half-diminished-13th", 0, 2, "1 b3 b5 b7 9 11 13"),
    Row("suspended-second", 0, 2, "1 2 5"),
    Row("suspended-fourth", 0, 2, "1 4 5"),
    Row("suspended-fourth-seventh", 0, 2, "1 4 5 b7"),
    Row("Neapolitan", 0, 3, "1 b2 3 b5"),
    Row("Italian", 0, 3, "1 #4 b6"),
    Row("French", 0, 3, "1 2 #4 b6"),
    Row("German", 0, 3, "1 b3 #4 b6"),
    Row("pedal", 0, 2, "1"),
    Row("power", 0, 2, "1 5"),
    Row("Tristan", 0, 3, "1 #4 #6 #9"),
];

/// MusicXML's other names.
const ALIASES: [(&str, &str); 3] = [
    ("dominant", "dominant-seventh"),
    ("major-minor", "minor-major-seventh"),
    ("half-diminished", "half-diminished-seventh"),
];

/// The name music21 has for a `<kind>`.
pub(super) fn resolved(kind: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == kind).map_or(kind, |(_, name)| name)
}

/// The kind of that name; `None` of one that music21 does not know.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    let &Row(_, lifted, inversions, figures) = KINDS.iter().find(|row| row.0 == name)?;
    let figure = |text: &str| {
        let degree = text.trim_start_matches(['b', '#']);
        let signs = (text.len() - degree.len()) as i8;
        let alter = if text.starts_with('b') { -signs } else { signs };
        // OK because the table holds digits.
        Figure { degree: degree.parse().expect("a figure has a number"), alter }
    };
    Some(Kind { figures: figures.split(' ').map(figure).collect(), lifted, inversions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_whole() {
        for Row(name, lifted, inversions, _) in KINDS {
            let kind = kind_of(name).unwrap();
            assert!(kind.figures.len() > lifted && inversions <= 5, "{name}");
        }
        let flat = Figure { degree: 7, alter: -2 };
        assert_eq!(kind_of("diminished-seventh").unwrap().figures[3], flat);
    }
}
