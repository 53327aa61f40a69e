//! The part list's entries, attributes, tempos, chord symbols and barlines.

use super::text::Text;
use crate::{Barred, Clef, Harmony, KeySignature, Part, Step, Tempo, TimeSignature, Transpose};

/// A `<score-part>`.
pub(super) fn score_part(text: &mut Text, part: &Part) {
    let instrument = &part.instrument;
    text.push("<score-part id=\"").escaped(&part.id).push("\">\n<part-name>");
    text.escaped(&part.name).push("</part-name>\n");
    if !part.abbreviation.is_empty() {
        text.push("<part-abbreviation>").escaped(&part.abbreviation).push("</part-abbreviation>\n");
    }
    text.push("<score-instrument id=\"").escaped(&part.id).push("-I1\">\n<instrument-name>");
    text.escaped(&instrument.name).push("</instrument-name>\n</score-instrument>\n");
    let midi = [
        ("midi-channel", instrument.midi_channel),
        ("midi-program", instrument.midi_program),
        ("midi-unpitched", instrument.midi_unpitched),
    ];
    if midi.iter().any(|(_, value)| value.is_some()) {
        text.push("<midi-instrument id=\"").escaped(&part.id).push("-I1\">\n");
        for (name, value) in midi {
            if let Some(value) = value {
                text.element(name, value);
            }
        }
        text.push("</midi-instrument>\n");
    }
    text.push("</score-part>\n");
}

pub(super) fn key(text: &mut Text, key: KeySignature) {
    text.push("<key>\n").element("fifths", key.fifths);
    match key.major {
        Some(true) => text.push("<mode>major</mode>\n"),
        Some(false) => text.push("<mode>minor</mode>\n"),
        None => text,
    };
    text.push("</key>\n");
}

pub(super) fn time(text: &mut Text, time: TimeSignature) {
    text.push("<time>\n").element("beats", time.beats);
    text.element("beat-type", time.beat_type).push("</time>\n");
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
    text.push("<direction placement=\"above\">\n<direction-type>\n<metronome>\n");
    text.push("<beat-unit>quarter</beat-unit>\n<per-minute>").push(&quarters);
    text.push("</per-minute>\n</metronome>\n</direction-type>\n<sound tempo=\"");
    text.push(&quarters).push("\"/>\n</direction>\n");
}

pub(super) fn harmony(text: &mut Text, harmony: &Harmony) {
    text.push("<harmony>\n");
    spelled(text, "root", harmony.root, harmony.root_alter);
    text.push("<kind>").escaped(&harmony.kind).push("</kind>\n");
    if let Some((step, alter)) = harmony.bass {
        spelled(text, "bass", step, alter);
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
    if barred.repeat_start {
        text.push(
            "<barline location=\"left\">\n<bar-style>heavy-light</bar-style>\n\
             <repeat direction=\"forward\"/>\n</barline>\n",
        );
    }
}

pub(super) fn right_barline(text: &mut Text, barred: Barred) {
    if barred.final_bar || barred.repeat_end {
        text.push("<barline location=\"right\">\n<bar-style>light-heavy</bar-style>\n");
        if barred.repeat_end {
            text.push("<repeat direction=\"backward\"/>\n");
        }
        text.push("</barline>\n");
    }
}
