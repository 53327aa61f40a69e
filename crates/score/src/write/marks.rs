//! The part list's entries, attributes, tempos, words, chord symbols and barlines.

use super::note::TYPES;
use super::text::Text;
use crate::{Barred, Change, Clef, Harmony, KeySignature, Part, Step, Tempo, TimeSignature, Transpose, Word};

/// A `<score-part>`: its instrument, and those of a kit that its notes name.
pub(super) fn score_part(text: &mut Text, part: &Part) {
    let instrument = &part.instrument;
    text.push("<score-part id=\"").escaped(&part.id).push("\">\n<part-name>");
    text.escaped(&part.name).push("</part-name>\n");
    if !part.abbreviation.is_empty() {
        text.push("<part-abbreviation>").escaped(&part.abbreviation).push("</part-abbreviation>\n");
    }
    let mut kit: Vec<u8> = part.notes.kit.iter().map(|&(_, key)| key).collect();
    kit.sort_unstable();
    kit.dedup();
    let midi = [
        ("midi-channel", instrument.midi_channel),
        ("midi-program", instrument.midi_program),
        ("midi-unpitched", instrument.midi_unpitched),
    ];
    let sounds = midi.iter().any(|(_, value)| value.is_some()) || !kit.is_empty();
    if sounds || !instrument.name.is_empty() || !instrument.abbreviation.is_empty() {
        text.push("<score-instrument id=\"").escaped(&part.id).push("-I1\">\n<instrument-name>");
        text.escaped(&instrument.name).push("</instrument-name>\n");
        if !instrument.abbreviation.is_empty() {
            text.push("<instrument-abbreviation>").escaped(&instrument.abbreviation);
            text.push("</instrument-abbreviation>\n");
        }
        text.push("</score-instrument>\n");
    }
    for &key in &kit {
        text.push("<score-instrument id=\"").escaped(&part.id).push("-K").number(key);
        text.push("\">\n<instrument-name>Key ").number(key);
        text.push("</instrument-name>\n</score-instrument>\n");
    }
    if sounds {
        text.push("<midi-instrument id=\"").escaped(&part.id).push("-I1\">\n");
        for (name, value) in midi {
            if let Some(value) = value {
                text.element(name, value);
            }
        }
        text.push("</midi-instrument>\n");
    }
    for &key in &kit {
        text.push("<midi-instrument id=\"").escaped(&part.id).push("-K").number(key).push("\">\n");
        text.element("midi-channel", 10_u8).element("midi-unpitched", key).push("</midi-instrument>\n");
    }
    text.push("</score-part>\n");
}

pub(super) fn key(text: &mut Text, key: KeySignature) {
    text.push("<key>\n");
    match key.steps {
        Some(steps) => {
            for (step, quarters) in Step::ALL.into_iter().zip(steps).filter(|&(_, quarters)| quarters != 0) {
                text.push("<key-step>").push_bytes(&[step.letter()]).push("</key-step>\n<key-alter>");
                text.halves(quarters.into()).push("</key-alter>\n");
            }
        }
        None => {
            text.element("fifths", key.fifths);
            if let Some(mode) = key.mode {
                text.push("<mode>").push(mode.name()).push("</mode>\n");
            }
        }
    }
    text.push("</key>\n");
}

/// Summands of one unit share it: `3+2` over 8.
pub(super) fn time(text: &mut Text, time: TimeSignature) {
    let plain = [(time.beats, time.beat_type)];
    let terms = if time.terms().is_empty() { &plain[..] } else { time.terms() };
    text.push("<time>\n");
    for same in terms.chunk_by(|a, b| a.1 == b.1) {
        text.push("<beats>");
        for (index, &(beats, _)) in same.iter().enumerate() {
            text.push(if index > 0 { "+" } else { "" }).number(beats);
        }
        text.push("</beats>\n").element("beat-type", same[0].1);
    }
    text.push("</time>\n");
}

pub(super) fn clef(text: &mut Text, clef: Clef) {
    let sign = match clef.sign {
        b'G' => "G",
        b'F' => "F",
        b'C' => "C",
        _ => "percussion",
    };
    text.push("<clef>\n<sign>").push(sign).push("</sign>\n");
    if clef.line > 0 {
        text.element("line", clef.line);
    }
    if clef.octave_change != 0 {
        text.element("clef-octave-change", clef.octave_change);
    }
    text.push("</clef>\n");
}

/// Whole octaves stand apart, since `<diatonic>` and `<chromatic>` leave them out.
pub(super) fn transpose(text: &mut Text, by: Transpose) {
    if by.respelled {
        text.push("<transpose>\n").element("chromatic", by.chromatic).push("</transpose>\n");
        return;
    }
    let octaves = by.chromatic / 12;
    // In i16: an absurd transposition may leave the range of i8.
    let diatonic = i16::from(by.diatonic) - 7 * i16::from(octaves);
    text.push("<transpose>\n").element("diatonic", diatonic);
    text.element("chromatic", by.chromatic % 12);
    if octaves != 0 {
        text.element("octave-change", octaves);
    }
    text.push("</transpose>\n");
}

pub(super) fn tempo(text: &mut Text, tempo: Tempo) {
    // The shortest decimal that reads back as the same number.
    let quarters = tempo.quarters_per_minute.to_string();
    let Some(beat) = tempo.beat else {
        text.push("<sound tempo=\"").push(&quarters).push("\"/>\n");
        return;
    };
    let (unit, dots) = beat_unit(beat);
    text.push("<direction placement=\"above\">\n<direction-type>\n<metronome>\n<beat-unit>").push(unit);
    text.push("</beat-unit>\n");
    (0..dots).for_each(|_| {
        text.push("<beat-unit-dot/>\n");
    });
    let printed = tempo.printed().map_or_else(String::new, |number| number.to_string());
    text.push("<per-minute>").push(&printed).push("</per-minute>\n</metronome>\n</direction-type>\n");
    if tempo.quarters_per_minute > 0.0 {
        text.push("<sound tempo=\"").push(&quarters).push("\"/>\n");
    }
    text.push("</direction>\n");
}

/// The note type and dots that last so many quarters; a quarter if none do.
fn beat_unit(beat: f64) -> (&'static str, i32) {
    let with_dots = (0..4).find_map(|dots| {
        let undotted = beat / (2.0 - 0.5_f64.powi(dots));
        let index =
            TYPES.iter().enumerate().position(|(index, _)| 0.5_f64.powi(index as i32 - 5) == undotted);
        index.map(|index| (TYPES[index], dots))
    });
    with_dots.unwrap_or(("quarter", 0))
}

pub(super) fn word(text: &mut Text, word: &Word) {
    /// The dynamics that are elements of their own.
    const DYNAMICS: [&str; 26] = [
        "p", "pp", "ppp", "pppp", "ppppp", "pppppp", "f", "ff", "fff", "ffff", "fffff", "ffffff", "mp", "mf",
        "sf", "sfp", "sfpp", "fp", "rf", "rfz", "sfz", "sffz", "fz", "n", "pf", "sfzp",
    ];
    text.push("<direction>\n<direction-type>\n");
    match word {
        Word::Rehearsal(mark) => text.push("<rehearsal>").escaped(mark).push("</rehearsal>\n"),
        Word::Dynamic(name) if DYNAMICS.contains(&name.as_str()) => {
            text.push("<dynamics>\n<").push(name).push("/>\n</dynamics>\n")
        }
        Word::Dynamic(name) => {
            text.push("<dynamics>\n<other-dynamic>").escaped(name).push("</other-dynamic>\n</dynamics>\n")
        }
    };
    text.push("</direction-type>\n</direction>\n");
}

pub(super) fn harmony(text: &mut Text, harmony: &Harmony) {
    text.push("<harmony>\n");
    if let Some((step, alter)) = harmony.root {
        spelled(text, "root", step, alter);
    }
    if !harmony.kind.is_empty() {
        text.push("<kind>").escaped(&harmony.kind).push("</kind>\n");
    }
    if let Some(inversion) = harmony.inversion {
        text.element("inversion", inversion);
    }
    if let Some((step, alter)) = harmony.bass {
        spelled(text, "bass", step, alter);
    }
    for degree in &harmony.degrees {
        let change = match degree.change {
            Change::Add => "add",
            Change::Alter => "alter",
            Change::Subtract => "subtract",
        };
        text.push("<degree>\n").element("degree-value", degree.value).element("degree-alter", degree.alter);
        text.push("<degree-type>").push(change).push("</degree-type>\n</degree>\n");
    }
    if harmony.framed {
        text.push("<frame>\n<frame-strings>6</frame-strings>\n<frame-frets>4</frame-frets>\n</frame>\n");
    }
    text.push("</harmony>\n");
}

fn spelled(text: &mut Text, name: &str, step: Step, alter: i8) {
    text.push("<").push(name).push(">\n<").push(name).push("-step>");
    text.push_bytes(&[step.letter()]).push("</").push(name).push("-step>\n");
    if alter != 0 {
        text.push("<").push(name).push("-alter>").number(alter);
        text.push("</").push(name).push("-alter>\n");
    }
    text.push("</").push(name).push(">\n");
}

pub(super) fn left_barline(text: &mut Text, barred: Barred) {
    if !barred.repeat_start && barred.ending == 0 {
        return;
    }
    text.push("<barline location=\"left\">\n");
    if barred.repeat_start {
        text.push("<bar-style>heavy-light</bar-style>\n");
    }
    if barred.ending != 0 {
        text.push("<ending number=\"");
        for (index, time) in (1_u8..32).filter(|&time| barred.ending & 1 << time != 0).enumerate() {
            text.push(if index > 0 { "," } else { "" }).number(time);
        }
        text.push("\" type=\"start\"/>\n");
    }
    if barred.repeat_start {
        text.push("<repeat direction=\"forward\"/>\n");
    }
    text.push("</barline>\n");
}

/// An ending that stops is not told its number, which music21 does not read and the schema wants.
pub(super) fn right_barline(text: &mut Text, barred: Barred) {
    if !barred.final_bar && !barred.repeat_end && !barred.ending_stop {
        return;
    }
    text.push("<barline location=\"right\">\n");
    if barred.final_bar || barred.repeat_end {
        text.push("<bar-style>light-heavy</bar-style>\n");
    }
    if barred.ending_stop {
        text.push("<ending number=\"1\" type=\"stop\"/>\n");
    }
    if barred.repeat_end {
        text.push("<repeat direction=\"backward\"");
        if barred.times > 0 {
            text.push(" times=\"").number(barred.times).push("\"");
        }
        text.push("/>\n");
    }
    text.push("</barline>\n");
}
