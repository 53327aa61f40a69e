//! Plain text: one line a note, with its offset in quarter notes.

use std::fmt::Write;

use music21_mcp_score::{NoteFlags, Part, Score};

/// The file.
pub(super) fn write(score: &Score) -> Vec<u8> {
    let mut text = String::new();
    for part in &score.parts {
        // OK because a String takes whatever is written, here and below.
        writeln!(text, "Part {} {}", part.id, part.name).expect("a string");
        for measure in &part.measures {
            writeln!(text, "  Measure {}", measure.number).expect("a string");
            for row in measure.notes.clone() {
                write_row(&mut text, part, row as usize, f64::from(score.divisions.max(1)));
            }
        }
    }
    text.into_bytes()
}

fn write_row(text: &mut String, part: &Part, row: usize, divisions: f64) {
    let notes = &part.notes;
    let offset = f64::from(notes.onset[row]) / divisions;
    let duration = f64::from(notes.duration[row]) / divisions;
    let flags = notes.flags[row];
    let pitch = notes.pitch[row];
    let sign = if pitch.alter < 0 { "-" } else { "#" }.repeat(pitch.alter.unsigned_abs().into());
    let name = match flags {
        flags if flags.has(NoteFlags::REST) => "Rest".to_owned(),
        flags if flags.has(NoteFlags::UNPITCHED) => "Unpitched".to_owned(),
        _ => format!("{}{sign}{}", char::from(pitch.step.letter()), pitch.octave),
    };
    let chord = if flags.has(NoteFlags::CHORD) { " (chord)" } else { "" };
    writeln!(text, "    {{{offset}}} {name} {duration}{chord}").expect("a string");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tiny_notation;

    #[test]
    fn each_note_has_a_line() {
        let text = write(&tiny_notation::read("2/4 b-8. r16 C#4").unwrap());
        let expected = "Part P1 \n  Measure 1\n    {0} B-4 0.75\n    {0.75} Rest 0.25\n    {1} C#3 1\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
