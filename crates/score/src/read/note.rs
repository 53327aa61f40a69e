//! `<note>`: the element that a score mostly consists of.

use super::cursor::Tag;
use super::draft::{Draft, FirstRest, add};
use super::error::Problem;
use super::measure::REST_PITCH;
use super::number::{invalid, whole};
use super::pitch::{Height, alteration};
use crate::{Lyric, NoteFlags, Pitch, Step, Tick, Tuplet};

type Result<T> = std::result::Result<T, Problem>;

/// What a `<note>` says.
struct Written {
    flags: NoteFlags,
    height: Height,
    duration: Tick,
    voice: Option<u8>,
    staff: u8,
    tuplet: Option<Tuplet>,
    /// Whether `<type>` is whole or breve; `None` without a type.
    whole: Option<bool>,
    dotted: bool,
    kit: Option<u8>,
}

/// What music21 gives a note that has no `<pitch>`: middle C.
const NO_PITCH: Pitch = Pitch::new(Step::C, 0, 4);

const COUNT: &str = "a whole number, 1 to 65535";

impl Draft<'_> {
    pub(super) fn note(&mut self) -> Result<()> {
        let mut note = Written {
            flags: NoteFlags::default(),
            height: Height::of(NO_PITCH),
            duration: 0,
            voice: None,
            staff: 0,
            tuplet: None,
            whole: None,
            dotted: false,
            kit: None,
        };
        let mut accidental = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "pitch" => self.pitch(&mut note.height)?,
                "duration" => {
                    let text = self.cursor.text()?;
                    note.duration = self.ticks(&text, "duration")?;
                }
                "voice" => {
                    let text = self.cursor.text()?;
                    if !text.is_empty() {
                        note.voice = Some(self.voice(&text));
                    }
                }
                "type" => {
                    let text = self.cursor.text()?;
                    note.whole = (!text.is_empty()).then(|| matches!(&*text, "whole" | "breve"));
                }
                "staff" => {
                    note.staff = self.staff()?;
                    self.see_staff(note.staff);
                }
                "chord" => self.flag(&mut note, NoteFlags::CHORD)?,
                "rest" => {
                    if tag.attribute("measure")?.as_deref() == Some("yes") {
                        note.flags = note.flags.with(NoteFlags::MEASURE_REST);
                    }
                    self.flag(&mut note, NoteFlags::REST)?;
                }
                "dot" => {
                    note.dotted = true;
                    self.cursor.skip()?;
                }
                "tie" => self.tie(&tag, &mut note)?,
                "unpitched" => {
                    note.height = Height::of(Pitch::new(Step::B, 0, 4));
                    self.pitch(&mut note.height)?;
                    note.flags = note.flags.with(NoteFlags::UNPITCHED);
                }
                "time-modification" => note.tuplet = self.time_modification()?,
                "accidental" => accidental = alteration(&self.cursor.text()?),
                "grace" => {
                    if tag.attribute("slash")?.as_deref() == Some("yes") {
                        note.flags = note.flags.with(NoteFlags::SLASHED);
                    }
                    self.flag(&mut note, NoteFlags::GRACE)?;
                }
                "cue" => self.flag(&mut note, NoteFlags::CUE)?,
                "instrument" => {
                    note.kit = self.kit_key(&tag)?;
                    self.cursor.skip()?;
                }
                "lyric" => self.lyric(&tag)?,
                _ => self.cursor.skip()?,
            }
        }
        note.height.settle(accidental)?;
        self.place_note(note)
    }

    #[inline]
    fn flag(&mut self, note: &mut Written, flag: NoteFlags) -> Result<()> {
        note.flags = note.flags.with(flag);
        self.cursor.skip()
    }

    fn tie(&mut self, tag: &Tag<'_>, note: &mut Written) -> Result<()> {
        match tag.attribute("type")?.as_deref() {
            Some("start") => note.flags = note.flags.with(NoteFlags::TIE_START),
            Some("stop") => note.flags = note.flags.with(NoteFlags::TIE_STOP),
            _ => {}
        }
        self.cursor.skip()
    }

    /// A row for the note, at the cursor or with the chord's first note.
    fn place_note(&mut self, mut note: Written) -> Result<()> {
        self.count_row()?;
        if note.flags.has(NoteFlags::GRACE) {
            note.duration = 0;
        }
        if let Some(voice) = note.voice {
            self.now.voice = voice;
            self.now.measure.voices.see(voice);
        }
        if note.flags.has(NoteFlags::CHORD) {
            // Only a note directly before can be the head of a chord.
            if let Some(head) = self.now.measure.chord_head {
                self.join_chord(note, head);
                return Ok(());
            }
            note.flags = NoteFlags(note.flags.0 & !NoteFlags::CHORD.with(NoteFlags::REST).0);
            note.flags = note.flags.with(NoteFlags::LONE_CHORD);
        } else if note.flags.has(NoteFlags::REST) {
            let row = self.part.notes.len();
            self.settle_rest(&mut note, row);
            note.height.pitch = REST_PITCH;
        } else {
            self.now.measure.single_notes += 1;
        }
        let onset = self.time()?;
        let end = add(self.now.at, note.duration)?;
        // The end in the score must be a tick, too.
        add(onset, note.duration)?;
        self.now.measure.forward_rest = None;
        self.now.measure.chord_head = Some(self.part.notes.len());
        self.push(onset, &note, self.now.voice, note.staff);
        self.now.at = end;
        self.reach(end);
        Ok(())
    }

    fn join_chord(&mut self, mut note: Written, head: usize) {
        if self.part.notes.len() == head + 1 {
            self.head_of_chord(head);
        }
        let notes = &self.part.notes;
        let (onset, voice, staff) = (notes.onset[head], notes.voice[head], self.staves.notes[head]);
        // A chord is as long as its first note, and a rest in it is a note.
        note.duration = notes.duration[head];
        note.flags = NoteFlags(note.flags.0 & !NoteFlags::REST.with(NoteFlags::MEASURE_REST).0);
        self.push(onset, &note, voice, staff);
    }

    /// A row turns out to head a chord: it was counted alone, and music21 counts no member of a chord.
    fn head_of_chord(&mut self, head: usize) {
        let flags = &mut self.part.notes.flags[head];
        let measure = &mut self.now.measure;
        if flags.has(NoteFlags::REST) {
            flags.0 &= !NoteFlags::REST.with(NoteFlags::MEASURE_REST).0;
            measure.rests = measure.rests.saturating_sub(1);
            measure.first_rest = measure.first_rest.filter(|rest| rest.row != head);
        } else if flags.has(NoteFlags::LONE_CHORD) {
            flags.0 &= !NoteFlags::LONE_CHORD.0;
        } else {
            measure.single_notes = measure.single_notes.saturating_sub(1);
        }
    }

    fn push(&mut self, onset: Tick, note: &Written, voice: u8, staff: u8) {
        let notes = &mut self.part.notes;
        if let Some(tuplet) = note.tuplet {
            notes.tuplets.push((notes.len() as u32, tuplet));
        }
        if let Some(key) = note.kit {
            notes.kit.push((notes.len() as u32, key));
        }
        notes.onset.push(onset);
        notes.duration.push(note.duration);
        notes.pitch.push(note.height.pitch);
        notes.flags.push(note.flags);
        notes.voice.push(voice);
        self.staves.notes.push(staff);
    }

    /// Remembers what decides whether a rest lasts the whole measure.
    fn settle_rest(&mut self, note: &mut Written, row: usize) {
        self.now.measure.rests += 1;
        let full = note.flags.has(NoteFlags::MEASURE_REST) && note.whole != Some(false);
        if !full {
            // Finale says `measure="yes"` of a pickup's quarter rest.
            note.flags = NoteFlags(note.flags.0 & !NoteFlags::MEASURE_REST.0);
        }
        let whole = match note.whole {
            Some(whole) => whole && !note.dotted && note.tuplet.is_none(),
            None => {
                [4, 8].contains(&(note.duration / self.score.divisions))
                    && note.duration.is_multiple_of(self.score.divisions)
            }
        };
        self.now.measure.says_full |= full;
        self.now.measure.first_rest.get_or_insert(FirstRest { row, full, whole });
    }

    /// A voice's number. Names and numbers beyond 200 are counted from 201 in order of appearance.
    pub(super) fn voice(&mut self, text: &str) -> u8 {
        match text.parse::<u8>() {
            Ok(voice @ 1..=200) => voice,
            _ => self.named_voice(text),
        }
    }

    #[cold]
    fn named_voice(&mut self, text: &str) -> u8 {
        let names = &mut self.now.voice_names;
        let known = names.iter().position(|name| name == text);
        // 54 named voices in a part; any more share the last number.
        let index = known.unwrap_or_else(|| {
            if names.len() < 54 {
                names.push(text.to_owned());
            }
            names.len() - 1
        });
        201 + index as u8
    }

    fn time_modification(&mut self) -> Result<Option<Tuplet>> {
        // What is empty is music21's triplet.
        let mut tuplet = Tuplet { actual: 3, normal: 2 };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "actual-notes" => tuplet.actual = self.count("actual-notes")?.unwrap_or(3),
                "normal-notes" => tuplet.normal = self.count("normal-notes")?.unwrap_or(2),
                _ => self.cursor.skip()?,
            }
        }
        if tuplet.actual == 0 || tuplet.normal == 0 {
            return Err(invalid("0", "time-modification", COUNT));
        }
        Ok((tuplet.actual != tuplet.normal).then_some(tuplet))
    }

    fn count(&mut self, element: &'static str) -> Result<Option<u16>> {
        let text = self.cursor.text()?;
        if text.is_empty() { Ok(None) } else { whole(&text, element, COUNT).map(Some) }
    }

    /// The percussion key of the part's instrument that a note names, if it is one of a kit.
    fn kit_key(&self, tag: &Tag<'_>) -> Result<Option<u8>> {
        let Some(id) = tag.attribute("id")? else { return Ok(None) };
        let key = self.kit.iter().find(|(known, _)| *known == id).map(|&(_, key)| key);
        Ok(key.filter(|&key| self.part.instrument.midi_unpitched != Some(key)))
    }

    /// A syllable of the note being read, which becomes the next row.
    #[cold]
    fn lyric(&mut self, tag: &Tag<'_>) -> Result<()> {
        let number = tag.attribute("number")?.unwrap_or_default().into_owned();
        let mut lyric = Lyric { number, ..Lyric::default() };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "syllabic" if lyric.text.is_empty() => lyric.syllabic = self.cursor.text()?.into_owned(),
                "text" | "elision" => lyric.text.push_str(&self.cursor.text()?),
                _ => self.cursor.skip()?,
            }
        }
        let row = self.part.notes.len() as u32;
        self.part.notes.lyrics.push((row, lyric));
        Ok(())
    }
}
