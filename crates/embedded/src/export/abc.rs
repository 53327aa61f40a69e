//! ABC notation (standard 2.1, <https://abcnotation.com/wiki/abc:standard:v2.1>) at sounding pitch.
//!
//! Each part is a voice; more voices in a part are written as overlays (`&`).

use std::fmt::Write;

use music21_mcp_score::{KeySignature, Measure, NoteFlags, Part, Pitch, Score, TimeSignature};

use super::abc_pitch::{Accidentals, write_pitch};
use super::marks::{at, sounding_key};
use super::voices::{Item, Kind, voices, whole_notes};

/// The file.
pub(super) fn write(score: &Score) -> Vec<u8> {
    let mut abc = String::from("%abc-2.1\nX:1\n");
    field(
        &mut abc,
        'T',
        score.work_title.as_deref().or(score.movement_title.as_deref()).unwrap_or("Untitled"),
    );
    if let Some(composer) = &score.composer {
        field(&mut abc, 'C', composer);
    }
    let first = score.parts.first();
    let time = first.and_then(|part| at(&part.times, 0)).unwrap_or(TimeSignature::new(4, 4));
    field(&mut abc, 'M', &metre(time));
    field(&mut abc, 'L', "1/4");
    let tempo = score.parts.iter().find_map(|part| part.tempos.first());
    if let Some(tempo) = tempo.filter(|tempo| tempo.value.quarters_per_minute > 0.0) {
        field(&mut abc, 'Q', &format!("1/4={}", tempo.value.quarters_per_minute.round()));
    }
    for (index, part) in score.parts.iter().enumerate() {
        let name = plain(&part.name).replace('"', "'");
        field(&mut abc, 'V', &format!("{} name=\"{name}\" {}", index + 1, clef(part)));
    }
    field(&mut abc, 'K', key_name(first.map_or(0, |part| key_at(part, 0).fifths)));
    for (index, part) in score.parts.iter().enumerate() {
        field(&mut abc, 'V', &(index + 1).to_string());
        write_part(&mut abc, part, score.divisions);
    }
    abc.into_bytes()
}

fn field(abc: &mut String, name: char, value: &str) {
    abc.push(name);
    abc.push(':');
    abc.push_str(&plain(value));
    abc.push('\n');
}

/// One line, without what begins a comment.
fn plain(text: &str) -> String {
    text.replace(['\n', '\r', '%', '\\'], " ")
}

fn clef(part: &Part) -> &'static str {
    match at(&part.clefs, 0).map(|clef| (clef.sign, clef.line)) {
        Some((b'F', _)) => "clef=bass",
        Some((b'C', 4)) => "clef=tenor",
        Some((b'C', _)) => "clef=alto",
        Some((b'P', _)) => "clef=perc",
        _ => "clef=treble",
    }
}

fn key_at(part: &Part, time: u32) -> KeySignature {
    let written = at(&part.keys, time).unwrap_or_default();
    sounding_key(written, at(&part.transpositions, time).unwrap_or_default())
}

/// The major key of so many sharps. ABC has none beyond seven: those become accidentals.
fn key_name(fifths: i8) -> &'static str {
    const NAMES: [&str; 15] =
        ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"];
    NAMES[(fifths.clamp(-7, 7) + 7) as usize]
}

/// `3/4`, or `(3+2)/8`; summands of several units are added up, which ABC cannot write.
fn metre(time: TimeSignature) -> String {
    let TimeSignature { beats, beat_type, .. } = time;
    let terms = time.terms();
    if terms.is_empty() || terms.iter().any(|&(_, unit)| unit != beat_type) {
        return format!("{beats}/{beat_type}");
    }
    let terms: Vec<String> = terms.iter().map(|(beats, _)| beats.to_string()).collect();
    format!("({})/{beat_type}", terms.join("+"))
}

fn write_part(abc: &mut String, part: &Part, divisions: u32) {
    const MEASURES_A_LINE: usize = 4;
    let mut key = None;
    let mut time = at(&part.times, 0);
    for (index, measure) in part.measures.iter().enumerate() {
        let fifths = key_at(part, measure.start).fifths.clamp(-7, 7);
        if key.replace(fifths) != Some(fifths) {
            // OK because a String takes whatever is written.
            write!(abc, "[K:{}] ", key_name(fifths)).expect("a string");
        }
        let now = at(&part.times, measure.start);
        if now != time {
            time = now;
            if let Some(now) = now {
                write!(abc, "[M:{}] ", metre(now)).expect("a string");
            }
        }
        if measure.barred.repeat_start {
            abc.push_str("|: ");
        }
        let next = part.measures.get(index + 1);
        write_measure(abc, part, [Some(measure), next], fifths, divisions);
        let last = index + 1 == part.measures.len();
        abc.push_str(match (measure.barred.repeat_end, measure.barred.final_bar || last) {
            (true, _) => ":|",
            (false, true) => "|]",
            (false, false) => "|",
        });
        abc.push(if (index + 1) % MEASURES_A_LINE == 0 || last { '\n' } else { ' ' });
    }
}

/// The first of two measures; the second tells which ties go on.
fn write_measure(
    abc: &mut String,
    part: &Part,
    [measure, next]: [Option<&Measure>; 2],
    fifths: i8,
    divisions: u32,
) {
    let of = |measure: Option<&Measure>| measure.map(|measure| voices(part, measure, divisions));
    let (voices, next) = (of(measure).unwrap_or_default(), of(next).unwrap_or_default());
    let length = measure.map_or(0, |measure| measure.length);
    if voices.is_empty() && length > 0 {
        let rest = Item { rows: 0..0, ticks: length, kind: Kind::Rest, tuplet: None };
        write_item(abc, part, &rest, None, &mut Accidentals::new(fifths), divisions);
    }
    for (index, voice) in voices.iter().enumerate() {
        if index > 0 {
            abc.push_str("& ");
        }
        let mut accidentals = Accidentals::new(fifths);
        let mut left_of_tuplet = 0;
        let next = next.get(index).map_or(&[][..], Vec::as_slice);
        for (position, item) in voice.iter().enumerate() {
            let after = &voice[position + 1..];
            if item.kind == Kind::Grace {
                let before = position.checked_sub(1).map(|before| voice[before].kind);
                let group = [before, after.first().map(|after| after.kind)];
                write_grace(abc, part, item, group, &mut accidentals);
                continue;
            }
            if left_of_tuplet == 0
                && let Some(tuplet) = item.tuplet
            {
                left_of_tuplet = group(&voice[position..], item);
                write!(abc, "({}:{}:{left_of_tuplet}", tuplet.actual, tuplet.normal).expect("a string");
            }
            left_of_tuplet = left_of_tuplet.saturating_sub(1);
            let follower = after.iter().chain(next).find(|item| item.kind != Kind::Grace);
            write_item(abc, part, item, follower, &mut accidentals, divisions);
        }
    }
}

/// Grace notes that follow each other stand in one pair of braces.
fn write_grace(
    abc: &mut String,
    part: &Part,
    item: &Item,
    [before, after]: [Option<Kind>; 2],
    accidentals: &mut Accidentals,
) {
    if before != Some(Kind::Grace) {
        let slashed = part.notes.flags[item.rows.start].has(NoteFlags::SLASHED);
        abc.push_str(if slashed { "{/" } else { "{" });
    }
    write_pitches(abc, part, item, None, accidentals);
    if after != Some(Kind::Grace) {
        abc.push_str("} ");
    }
}

/// How many items in a row share the first one's tuplet; ABC counts to nine.
fn group(items: &[Item], first: &Item) -> usize {
    let timed = items.iter().filter(|item| item.kind != Kind::Grace);
    timed.take_while(|item| item.tuplet == first.tuplet).count().min(9)
}

/// `follower` is what comes next in the voice: only to that can a tie go on.
fn write_item(
    abc: &mut String,
    part: &Part,
    item: &Item,
    follower: Option<&Item>,
    accidentals: &mut Accidentals,
    divisions: u32,
) {
    let follower = follower.filter(|item| item.kind == Kind::Sound);
    match item.kind {
        Kind::Rest => abc.push('z'),
        Kind::Gap => abc.push('x'),
        Kind::Sound | Kind::Grace => write_pitches(abc, part, item, follower, accidentals),
    }
    write_length(abc, item, divisions);
    if item.kind == Kind::Sound && item.rows.len() == 1 && goes_on(part, item.rows.start, follower) {
        abc.push('-');
    }
    abc.push(' ');
}

fn write_pitches(
    abc: &mut String,
    part: &Part,
    item: &Item,
    follower: Option<&Item>,
    accidentals: &mut Accidentals,
) {
    let chord = item.rows.len() > 1;
    if chord {
        abc.push('[');
    }
    for row in item.rows.clone() {
        write_pitch(abc, sounding_pitch(part, row), accidentals);
        if chord && goes_on(part, row, follower) {
            abc.push('-');
        }
    }
    if chord {
        abc.push(']');
    }
}

/// Whether a row is tied to one of the same pitch in the item that follows.
fn goes_on(part: &Part, row: usize, follower: Option<&Item>) -> bool {
    let pitch = sounding_pitch(part, row);
    let same = |item: &Item| item.rows.clone().any(|row| sounding_pitch(part, row) == pitch);
    part.notes.flags[row].has(NoteFlags::TIE_START) && follower.is_some_and(same)
}

fn sounding_pitch(part: &Part, row: usize) -> Pitch {
    let by = at(&part.transpositions, part.notes.onset[row]).unwrap_or_default();
    part.notes.pitch[row].transposed(by)
}

/// In quarter notes, the file's unit.
fn write_length(abc: &mut String, item: &Item, divisions: u32) {
    let (numerator, denominator) = match whole_notes(item, divisions) {
        (n, d) if d % 4 == 0 => (n, d / 4),
        (n, d) if d % 2 == 0 => (2 * n, d / 2),
        (n, d) => (4 * n, d),
    };
    if numerator != 1 {
        write!(abc, "{numerator}").expect("a string");
    }
    if denominator != 1 {
        write!(abc, "/{denominator}").expect("a string");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tiny_notation;

    fn check(notation: &str, change: impl Fn(&mut Part), body: &str) {
        let mut score = tiny_notation::read(notation).unwrap();
        change(&mut score.parts[0]);
        let abc = String::from_utf8(write(&score)).unwrap();
        let seen = abc.split_once("V:1\n").unwrap().1;
        assert_eq!(seen, body, "{abc}");
    }

    #[test]
    fn notes_rests_ties_and_tuplets_are_written() {
        check(
            "3/4 c4 r8 g'8. C16~ C4 trip{e8 f g}",
            |_| (),
            "[K:C] C z/2 g3/4 C,/4- C,/2- | C,/2 (3:2:3E/2 F/2 G/2 |]\n",
        );
    }

    #[test]
    fn an_accidental_is_written_where_the_key_does_not_say_it() {
        let in_d = |part: &mut Part| {
            part.keys = vec![music21_mcp_score::Timed { at: 0, value: KeySignature::new(2, None) }];
        };
        check("2/4 f#8 f f' f# c# c c'# b--", in_d, "[K:D] F/2 =F/2 =f/2 ^F/2 | C/2 =C/2 ^c/2 __B/2 |]\n");
    }

    #[test]
    fn grace_notes_stand_together_and_thirds_are_triplets() {
        let grace = |part: &mut Part| {
            for row in 0..2 {
                part.notes.flags[row] = NoteFlags::GRACE.with(NoteFlags::SLASHED);
                part.notes.duration[row] = 0;
            }
            part.notes.onset = vec![0, 0, 0, 256, 512];
            part.notes.duration[2..].fill(256);
        };
        check("3/4 e8 f g8 a b", grace, "[K:C] {/EF} (3:2:3G/2 A/2 B/2 x3/2 |]\n");
    }

    #[test]
    fn a_tie_goes_on_in_its_voice_only() {
        let voices = |part: &mut Part| {
            part.notes.flags[0] = NoteFlags::TIE_START;
            part.notes.flags[2] = NoteFlags::TIE_START;
            part.notes.voice[1] = 2;
        };
        check("3/4 c4 c d d4 e f", voices, "[K:C] C x D- & x C x | D E F |]\n");
    }

    #[test]
    fn additive_metres_are_written() {
        let time = |terms: &[(u16, u16)]| metre(TimeSignature::sum(terms).unwrap());
        assert_eq!(time(&[(3, 8), (2, 8)]), "(3+2)/8");
        assert_eq!(time(&[(2, 4), (3, 8)]), "7/8");
    }

    #[test]
    fn a_second_voice_is_an_overlay() {
        let two = |part: &mut Part| {
            part.notes.voice[1] = 2;
            part.notes.onset[1] = 0;
            part.notes.flags[2] = NoteFlags::CHORD;
            part.notes.onset[2] = 0;
            part.notes.voice[2] = 2;
        };
        check("3/4 g4 c e", two, "[K:C] G x2 & [CE] x2 |]\n");
    }
}
