//! LilyPond source (<https://lilypond.org/doc/v2.24/Documentation/notation/>), pitches as written.
//!
//! The real server hands LilyPond text to the LilyPond program; this one stops at the text, which
//! any LilyPond from 2.24 on reads.

use std::fmt::Write;

use music21_mcp_score::{KeySignature, Measure, Mode, NoteFlags, Part, Pitch, Score, TimeSignature};

use super::marks::at;
use super::voices::{Item, Kind, voices, whole_notes};

/// The file.
pub(super) fn write(score: &Score) -> Vec<u8> {
    let mut ly = String::from("\\version \"2.24.0\"\n\\header {\n");
    let title = score.work_title.as_deref().or(score.movement_title.as_deref());
    for (name, value) in [("title", title), ("composer", score.composer.as_deref())] {
        if let Some(value) = value {
            // OK because a String takes whatever is written, here and below.
            writeln!(ly, "  {name} = {}", quoted(value)).expect("a string");
        }
    }
    ly.push_str("}\n\\score {\n  <<\n");
    for part in &score.parts {
        write_part(&mut ly, part, score.divisions);
    }
    ly.push_str("  >>\n  \\layout { }\n}\n");
    ly.into_bytes()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " "))
}

fn write_part(ly: &mut String, part: &Part, divisions: u32) {
    write!(ly, "    \\new Staff \\with {{ instrumentName = {} }} {{\n      ", quoted(&part.name))
        .expect("a string");
    let clef = match at(&part.clefs, 0).map(|clef| (clef.sign, clef.line)) {
        Some((b'F', _)) => "bass",
        Some((b'C', 4)) => "tenor",
        Some((b'C', _)) => "alto",
        Some((b'P', _)) => "percussion",
        _ => "treble",
    };
    writeln!(ly, "\\clef {clef}").expect("a string");
    let (mut key, mut time) = (None, None);
    for (index, measure) in part.measures.iter().enumerate() {
        ly.push_str("      ");
        let now = at(&part.keys, measure.start);
        if now.is_some() && now != key {
            key = now;
            write!(ly, "\\key {} ", key_name(now)).expect("a string");
        }
        let now = at(&part.times, measure.start);
        if now.is_some() && now != time {
            time = now;
            if let Some(now) = now {
                ly.push_str(&metre(now));
            }
        }
        if index + 1 < part.measures.len() {
            write_partial(ly, measure, time, divisions);
        }
        write_measure(ly, part, measure, divisions);
        ly.push_str("|\n");
    }
    ly.push_str("      \\bar \"|.\"\n    }\n");
}

/// `\time 3/4 `, or of several summands `\compoundMeter #'((3 2 8)) `.
fn metre(time: TimeSignature) -> String {
    let TimeSignature { beats, beat_type, .. } = time;
    if time.terms().is_empty() {
        return format!("\\time {beats}/{beat_type} ");
    }
    let same = time.terms().chunk_by(|a, b| a.1 == b.1);
    let groups = same.map(|group| {
        let beats: Vec<String> = group.iter().map(|(beats, _)| beats.to_string()).collect();
        format!("({} {})", beats.join(" "), group[0].1)
    });
    format!("\\compoundMeter #'({}) ", groups.collect::<Vec<_>>().join(" "))
}

/// A measure that is short of its metre, a pickup, says how long it is.
fn write_partial(ly: &mut String, measure: &Measure, time: Option<TimeSignature>, divisions: u32) {
    let TimeSignature { beats, beat_type, .. } = time.unwrap_or(TimeSignature::new(4, 4));
    let full = u64::from(beats) * 4 * u64::from(divisions) / u64::from(beat_type.max(1));
    if measure.length > 0 && u64::from(measure.length) < full {
        let item = Item { rows: 0..0, ticks: measure.length, kind: Kind::Gap, tuplet: None };
        write!(ly, "\\partial {} ", length(&item, divisions)).expect("a string");
    }
}

fn key_name(key: Option<KeySignature>) -> String {
    let KeySignature { fifths, mode, .. } = key.unwrap_or_default();
    let mode = mode.unwrap_or(Mode::Major);
    // From F, each fifth is four steps up; the seventh brings the first letter back, altered.
    let fifths_from_f = i32::from(fifths) + 1 + i32::from(mode.tonic());
    let letter = ["f", "c", "g", "d", "a", "e", "b"][fifths_from_f.rem_euclid(7) as usize];
    format!("{letter}{} \\{}", alteration(fifths_from_f.div_euclid(7)), mode.name())
}

/// The Dutch names that LilyPond reads by default.
fn alteration(alter: i32) -> String {
    let syllable = if alter < 0 { "es" } else { "is" };
    syllable.repeat(alter.unsigned_abs() as usize)
}

fn write_measure(ly: &mut String, part: &Part, measure: &Measure, divisions: u32) {
    let voices = voices(part, measure, divisions);
    let whole_rest = [Item { rows: 0..0, ticks: measure.length, kind: Kind::Gap, tuplet: None }];
    match voices.as_slice() {
        [] if measure.length == 0 => {}
        [] => write_voice(ly, part, &whole_rest, divisions),
        [voice] => write_voice(ly, part, voice, divisions),
        several => {
            ly.push_str("<< ");
            for (index, voice) in several.iter().enumerate() {
                ly.push_str(if index == 0 { "{ " } else { "\\\\ { " });
                write_voice(ly, part, voice, divisions);
                ly.push_str("} ");
            }
            ly.push_str(">> ");
        }
    }
}

fn write_voice(ly: &mut String, part: &Part, voice: &[Item], divisions: u32) {
    let mut tuplet = None;
    for item in voice {
        if item.kind != Kind::Grace && item.tuplet != tuplet {
            if tuplet.is_some() {
                ly.push_str("} ");
            }
            if let Some(opened) = item.tuplet {
                write!(ly, "\\tuplet {}/{} {{ ", opened.actual, opened.normal).expect("a string");
            }
            tuplet = item.tuplet;
        }
        write_item(ly, part, item, divisions);
    }
    if tuplet.is_some() {
        ly.push_str("} ");
    }
}

fn write_item(ly: &mut String, part: &Part, item: &Item, divisions: u32) {
    let length = length(item, divisions);
    match item.kind {
        Kind::Rest => ly.push('r'),
        Kind::Gap => ly.push('s'),
        Kind::Grace if part.notes.flags[item.rows.start].has(NoteFlags::SLASHED) => {
            ly.push_str("\\slashedGrace { ");
        }
        Kind::Grace => ly.push_str("\\grace { "),
        Kind::Sound => {}
    }
    if matches!(item.kind, Kind::Sound | Kind::Grace) {
        let names: Vec<String> = item.rows.clone().map(|row| note_name(part, row)).collect();
        match names.as_slice() {
            [name] => ly.push_str(name),
            chord => write!(ly, "<{}>", chord.join(" ")).expect("a string"),
        }
    }
    ly.push_str(&length);
    let tied = item.rows.clone().any(|row| part.notes.flags[row].has(NoteFlags::TIE_START));
    if item.kind == Kind::Sound && tied {
        ly.push('~');
    }
    ly.push_str(if item.kind == Kind::Grace { " } " } else { " " });
}

fn note_name(part: &Part, row: usize) -> String {
    let Pitch { step, alter, octave, quarter_below } = part.notes.pitch[row];
    let letter = char::from(step.letter()).to_ascii_lowercase();
    let octaves = if octave >= 3 { "'" } else { "," }.repeat((i32::from(octave) - 3).unsigned_abs() as usize);
    // LilyPond knows double alterations at most.
    let alteration = match (quarter_below, alter) {
        (false, _) => alteration(i32::from(alter.clamp(-2, 2))),
        (true, ..0) => "eseh".to_owned(),
        (true, 0) => "eh".to_owned(),
        (true, 1) => "ih".to_owned(),
        (true, _) => "isih".to_owned(),
    };
    format!("{letter}{alteration}{octaves}")
}

/// `4`, `8.`, or for what has no note value a scaled whole note, `1*5/16`.
fn length(item: &Item, divisions: u32) -> String {
    if item.kind == Kind::Grace {
        return "8".to_owned();
    }
    let (numerator, denominator) = whole_notes(item, divisions);
    // 1, 3, 7 and 15 are no, one, two and three dots: 2^(dots + 1) - 1.
    let dots = (numerator + 1).trailing_zeros().saturating_sub(1);
    let base = denominator >> dots;
    let dotted = (numerator + 1).is_power_of_two() && dots <= 3 && base << dots == denominator && base > 0;
    if dotted && base.is_power_of_two() && base <= 1024 {
        return format!("{base}{}", ".".repeat(dots as usize));
    }
    format!("1*{numerator}/{denominator}")
}

#[cfg(test)]
mod tests {
    use music21_mcp_score::Timed;

    use super::*;
    use crate::source::tiny_notation;

    fn check(notation: &str, fifths: i8, body: &str) {
        let mut score = tiny_notation::read(notation).unwrap();
        score.parts[0].keys = vec![Timed { at: 0, value: KeySignature::new(fifths, None) }];
        let ly = String::from_utf8(write(&score)).unwrap();
        assert_eq!(ly.matches('{').count(), ly.matches('}').count(), "{ly}");
        let music = ly.split_once("treble\n").unwrap().1;
        let seen: Vec<&str> =
            music.lines().map(str::trim).take_while(|line| !line.starts_with("\\bar")).collect();
        assert_eq!(seen.join(" "), body, "{ly}");
    }

    #[test]
    fn notes_rests_ties_and_tuplets_are_written() {
        check(
            "3/4 c'4 r8 g''8. C16~ C4 trip{e-8 f# g} c'8.. b--32",
            -3,
            "\\key ees \\major \\time 3/4 c''4 r8 g'''8. c16~ c8~ | c8 \\tuplet 3/2 { ees'8 fis'8 g'8 } c''8.. \
             beses'32 |",
        );
        check("5/8 c'2~ c'8 d'2 d'8", 7, "\\key cis \\major \\time 5/8 c''2~ c''8 | d''2 d''8 |");
    }

    #[test]
    fn a_pickup_says_how_long_it_is() {
        let mut score = tiny_notation::read("3/4 c4 d e f g a").unwrap();
        let part = &mut score.parts[0];
        part.measures[0].length = 768;
        part.measures[0].notes = 0..1;
        part.times[0].value = TimeSignature::sum(&[(2, 8), (3, 8), (1, 4)]).unwrap();
        let ly = String::from_utf8(write(&score)).unwrap();
        assert!(ly.contains("\\compoundMeter #'((2 3 8) (1 4)) \\partial 4 c"), "{ly}");
    }

    #[test]
    fn a_length_without_a_note_value_is_scaled() {
        let item = |ticks| Item { rows: 0..0, ticks, kind: Kind::Rest, tuplet: None };
        let cases = [(4, "1"), (1, "4"), (3, "2."), (7, "1.."), (5, "1*5/4"), (8, "1*2/1")];
        for (quarters, expected) in cases {
            assert_eq!(length(&item(quarters), 1), expected);
        }
        assert_eq!(length(&item(1), 3), "1*1/12");
    }

    #[test]
    fn minor_keys_have_their_names() {
        let name = |fifths, mode| key_name(Some(KeySignature::new(fifths, mode)));
        assert_eq!(name(3, Some(Mode::Minor)), "fis \\minor");
        assert_eq!(name(-7, Some(Mode::Major)), "ces \\major");
        assert_eq!(name(0, None), "c \\major");
        assert_eq!(name(-4, Some(Mode::Minor)), "f \\minor");
        assert_eq!(name(0, Some(Mode::Dorian)), "d \\dorian");
        assert_eq!(name(1, Some(Mode::Lydian)), "c \\lydian");
    }
}
