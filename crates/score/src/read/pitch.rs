//! `<pitch>`, `<unpitched>` and what an `<accidental>` adds to them.

use super::attributes::letter;
use super::draft::Draft;
use super::error::Problem;
use super::number::{invalid, semitones, signed_decimal, whole};
use crate::Pitch;

type Result<T> = std::result::Result<T, Problem>;

/// The pitch of a note while it is read.
pub(super) struct Height {
    pub(super) pitch: Pitch,
    alter: Alter,
}

/// What `<alter>` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alter {
    /// Nothing: an `<accidental>` counts.
    Absent,
    /// An alteration that music21 knows: an `<accidental>` is for the eye.
    Known,
    /// Another number, for which an `<accidental>` has to stand.
    Odd,
}

impl Height {
    /// What a document that says nothing means.
    pub(super) const fn of(pitch: Pitch) -> Self {
        Self { pitch, alter: Alter::Absent }
    }

    /// An accidental counts where `<alter>` says nothing that music21 knows.
    pub(super) fn settle(&mut self, accidental: Option<(i8, bool)>) -> Result<()> {
        match (self.alter, accidental) {
            (Alter::Absent | Alter::Odd, Some((alter, below))) => {
                (self.pitch.alter, self.pitch.quarter_below) = (alter, below);
            }
            (Alter::Odd, None) => return Err(invalid("", "alter", "-4 to 4, or a half up to 1.5")),
            _ => {}
        }
        Ok(())
    }
}

impl Draft<'_> {
    /// The children of `<pitch>` and of `<unpitched>`; what is missing or empty stays as it is.
    pub(super) fn pitch(&mut self, height: &mut Height) -> Result<()> {
        let pitch = &mut height.pitch;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "step" | "display-step" => {
                    let text = self.cursor.text()?;
                    if !text.is_empty() {
                        pitch.step =
                            letter(&text).ok_or_else(|| invalid(&text, "step", "a letter, A to G"))?;
                    }
                }
                "octave" | "display-octave" => {
                    let text = self.cursor.text()?;
                    pitch.octave = match text.as_bytes() {
                        [digit @ b'0'..=b'9'] => (digit - b'0') as i8,
                        [] => pitch.octave,
                        _ => whole(&text, "octave", "a whole number, -60 to 60")?,
                    };
                    if pitch.octave.unsigned_abs() > 60 {
                        return Err(invalid(&text, "octave", "a whole number, -60 to 60"));
                    }
                }
                "alter" => {
                    let text = self.cursor.text()?;
                    if !text.is_empty() {
                        height.alter = match semitones(&text, "alter") {
                            Ok(known @ (-4..=4, false) | known @ (-1..=2, true)) => {
                                (pitch.alter, pitch.quarter_below) = known;
                                Alter::Known
                            }
                            _ if signed_decimal(&text).is_some() => Alter::Odd,
                            _ => return Err(invalid(&text, "alter", "a number of semitones")),
                        };
                    }
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }
}

/// What a printed accidental means: semitones, and whether a quarter tone less. One that music21 does
/// not know alters nothing.
pub(super) fn alteration(name: &str) -> Option<(i8, bool)> {
    Some(match name {
        "" => return None,
        "sharp" => (1, false),
        "flat" => (-1, false),
        "double-sharp" | "sharp-sharp" => (2, false),
        "flat-flat" | "double-flat" => (-2, false),
        "triple-sharp" => (3, false),
        "triple-flat" => (-3, false),
        "quarter-sharp" => (1, true),
        "quarter-flat" => (0, true),
        "three-quarters-sharp" => (2, true),
        "three-quarters-flat" => (-1, true),
        _ => (0, false),
    })
}
