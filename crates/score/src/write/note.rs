//! `<note>`. A score repeats few pitches and few durations, so both are written once as fragments
//! and then copied.

use super::text::Text;
use crate::{Lyric, NoteFlags, Pitch, Tick, Tuplet};

/// The note types from the longest, which lasts 32 quarters, each half the one before.
pub(super) const TYPES: [&str; 14] = [
    "maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th",
    "256th", "512th", "1024th",
];

/// Octaves, steps and alterations (-2 to 2) that have a ready fragment.
const READY: usize = 10 * 7 * 5;

/// Everything of a note but its pitch and ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rhythm {
    duration: Tick,
    voice: u8,
    tuplet: Tuplet,
    kind: Kind,
}

/// What decides which elements a note has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Grace,
    MeasureRest,
}

/// The parts of a `<note>` that do not depend on its neighbours.
#[derive(Debug, Clone)]
pub(super) struct NoteWriter {
    divisions: u32,
    pitches: Vec<Vec<u8>>,
    /// Fragments before and after the `<tie>` elements; a part uses a dozen.
    rhythms: Vec<(Rhythm, [Vec<u8>; 2])>,
}

/// A row of the note columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'p> {
    pub(super) duration: Tick,
    pub(super) pitch: Pitch,
    pub(super) flags: NoteFlags,
    pub(super) voice: u8,
    pub(super) tuplet: Tuplet,
    /// The part's id and the key of its kit that the row names.
    pub(super) kit: Option<(&'p str, u8)>,
    pub(super) lyrics: &'p [(u32, Lyric)],
}

impl NoteWriter {
    pub(super) fn new(divisions: u32) -> Self {
        Self { divisions, pitches: vec![Vec::new(); READY], rhythms: Vec::new() }
    }

    /// Forgets the last part's rhythms, so that the list stays short.
    pub(super) fn next_part(&mut self) {
        self.rhythms.clear();
    }

    #[inline]
    pub(super) fn note(&mut self, text: &mut Text, row: &Row<'_>) {
        let flags = row.flags;
        if flags.any(Self::MARKED) {
            self.marked(text, flags);
        } else {
            text.push("<note>\n");
        }
        if flags.has(NoteFlags::REST) {
            let full = flags.has(NoteFlags::MEASURE_REST);
            text.push(if full { "<rest measure=\"yes\"/>\n" } else { "<rest/>\n" });
        } else if flags.has(NoteFlags::UNPITCHED) {
            unpitched(text, row.pitch);
        } else {
            self.pitch(text, row.pitch);
        }
        // MusicXML allows no tie on a cue note, which does not sound.
        let ties = if flags.has(NoteFlags::CUE) { NoteFlags::default() } else { flags };
        let rhythm = self.rhythm(row);
        let [before, after] = &self.rhythms[rhythm].1;
        text.push_bytes(before);
        let tied = ties.any(NoteFlags::TIE_STOP.with(NoteFlags::TIE_START));
        if tied {
            tie(text, ties, "tie");
        }
        if let Some((part, key)) = row.kit {
            text.push("<instrument id=\"").escaped(part).push("-K").number(key).push("\"/>\n");
        }
        text.push_bytes(after);
        if tied {
            text.push("<notations>\n");
            tie(text, ties, "tied");
            text.push("</notations>\n");
        }
        for (_, verse) in row.lyrics {
            lyric(text, verse);
        }
        text.push("</note>\n");
    }

    /// What has an element of its own before the pitch.
    const MARKED: NoteFlags =
        NoteFlags::GRACE.with(NoteFlags::CUE).with(NoteFlags::CHORD).with(NoteFlags::LONE_CHORD);

    /// The start of a note that is one of those.
    fn marked(&self, text: &mut Text, flags: NoteFlags) {
        // Directly after a note a lone member would join that.
        text.push(if flags.has(NoteFlags::LONE_CHORD) { "<print/>\n<note>\n" } else { "<note>\n" });
        if flags.has(NoteFlags::GRACE) {
            let slashed = flags.has(NoteFlags::SLASHED);
            text.push(if slashed { "<grace slash=\"yes\"/>\n" } else { "<grace/>\n" });
        }
        if flags.has(NoteFlags::CUE) {
            text.push("<cue/>\n");
        }
        if flags.any(NoteFlags::CHORD.with(NoteFlags::LONE_CHORD)) {
            text.push("<chord/>\n");
        }
    }

    #[inline]
    fn pitch(&mut self, text: &mut Text, pitch: Pitch) {
        let ready = (-2..=2).contains(&pitch.alter) && pitch.octave >= 0 && !pitch.quarter_below;
        let index = (pitch.octave as u8 as usize * 7 + pitch.step as usize) * 5
            + pitch.alter.wrapping_add(2) as u8 as usize;
        match self.pitches.get_mut(if ready { index } else { READY }) {
            Some(ready) => {
                if ready.is_empty() {
                    *ready = pitch_fragment(pitch);
                }
                text.push_bytes(ready);
            }
            None => {
                text.push_bytes(&pitch_fragment(pitch));
            }
        }
    }

    /// The index of the row's fragments, which are made if they are new.
    #[inline]
    fn rhythm(&mut self, row: &Row<'_>) -> usize {
        let kind = if row.flags.has(NoteFlags::GRACE) {
            Kind::Grace
        } else if row.flags.has(NoteFlags::MEASURE_REST) {
            Kind::MeasureRest
        } else {
            Kind::Plain
        };
        let rhythm = Rhythm { duration: row.duration, voice: row.voice, tuplet: row.tuplet, kind };
        match self.rhythms.iter().position(|(known, _)| *known == rhythm) {
            Some(index) => index,
            None => {
                // Bounded for the sake of a part of odd durations, where the search would be slow.
                if self.rhythms.len() == 64 {
                    self.rhythms.clear();
                }
                self.rhythms.push((rhythm, self.fragments(&rhythm)));
                self.rhythms.len() - 1
            }
        }
    }

    #[cold]
    fn fragments(&self, rhythm: &Rhythm) -> [Vec<u8>; 2] {
        let mut before = Text::default();
        if rhythm.kind != Kind::Grace {
            before.element("duration", rhythm.duration);
        }
        let mut after = Text::default();
        after.element("voice", rhythm.voice);
        let written = match rhythm.kind {
            Kind::Plain => self.note_type(rhythm.duration, rhythm.tuplet),
            Kind::Grace => Some(("eighth", 0)),
            Kind::MeasureRest => None,
        };
        if let Some((name, dots)) = written {
            after.push("<type>").push(name).push("</type>\n");
            for _ in 0..dots {
                after.push("<dot/>\n");
            }
        }
        if rhythm.tuplet.actual != rhythm.tuplet.normal {
            after.push("<time-modification>\n");
            after.element("actual-notes", rhythm.tuplet.actual);
            after.element("normal-notes", rhythm.tuplet.normal);
            after.push("</time-modification>\n");
        }
        [before.bytes().to_vec(), after.bytes().to_vec()]
    }

    /// The type and dots (at most 3) that last so long; `None` if none do.
    fn note_type(&self, duration: Tick, tuplet: Tuplet) -> Option<(&'static str, u32)> {
        // Type `i` lasts 2^(5 - i) quarters, and `dots` make it (2^(dots + 1) - 1) / 2^dots of that.
        // Both sides are times 2^11 and `normal`, so that all is whole down to a 1024th with 3 dots.
        let written = (u128::from(duration) * u128::from(tuplet.actual)) << 11;
        TYPES.iter().enumerate().find_map(|(index, &name)| {
            let undotted = (u128::from(self.divisions) * u128::from(tuplet.normal)) << (16 - index);
            let dots = (0..=3).find(|&dots| (undotted * ((2 << dots) - 1)) >> dots == written)?;
            Some((name, dots))
        })
    }
}

fn pitch_fragment(pitch: Pitch) -> Vec<u8> {
    let mut text = Text::default();
    text.push("<pitch>\n<step>").push_bytes(&[pitch.step.letter()]).push("</step>\n");
    let quarters = 2 * i32::from(pitch.alter) - i32::from(pitch.quarter_below);
    if quarters != 0 {
        text.push("<alter>").halves(quarters).push("</alter>\n");
    }
    text.element("octave", pitch.octave).push("</pitch>\n");
    text.bytes().to_vec()
}

fn unpitched(text: &mut Text, at: Pitch) {
    text.push("<unpitched>\n<display-step>").push_bytes(&[at.step.letter()]);
    text.push("</display-step>\n").element("display-octave", at.octave);
    text.push("</unpitched>\n");
}

fn tie(text: &mut Text, flags: NoteFlags, name: &str) {
    for (flag, kind) in [(NoteFlags::TIE_STOP, "stop"), (NoteFlags::TIE_START, "start")] {
        if flags.has(flag) {
            text.push("<").push(name).push(" type=\"").push(kind).push("\"/>\n");
        }
    }
}

fn lyric(text: &mut Text, lyric: &Lyric) {
    text.push("<lyric");
    if !lyric.number.is_empty() {
        text.push(" number=\"").escaped(&lyric.number).push("\"");
    }
    text.push(">\n");
    if !lyric.syllabic.is_empty() {
        text.push("<syllabic>").escaped(&lyric.syllabic).push("</syllabic>\n");
    }
    text.push("<text>").escaped(&lyric.text).push("</text>\n</lyric>\n");
}
