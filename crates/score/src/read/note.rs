//! `<note>`: the element that a score mostly consists of.

use super::draft::{Draft, FirstRest, add};
use super::error::Problem;
use super::measure::REST_PITCH;
use super::number::{invalid, parse, semitones};
use crate::{NoteFlags, Pitch, Step, Tick, Tuplet};

type Result<T> = std::result::Result<T, Problem>;

/// What a `<note>` says.
struct Written {
    flags: NoteFlags,
    pitch: Option<Pitch>,
    duration: Tick,
    voice: Option<u8>,
    staff: u8,
    tuplet: Option<Tuplet>,
    /// Whether `<type>` is whole or breve; `None` without a type.
    whole: Option<bool>,
    dotted: bool,
}

impl Draft<'_> {
    pub(super) fn note(&mut self) -> Result<()> {
        let mut note = Written {
            flags: NoteFlags::default(),
            pitch: None,
            duration: 0,
            voice: None,
            staff: 0,
            tuplet: None,
            whole: None,
            dotted: false,
        };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "pitch" => note.pitch = Some(self.pitch()?),
                "duration" => {
                    let text = self.cursor.text()?;
                    note.duration = self.ticks(&text, "duration")?;
                }
                "voice" => {
                    let text = self.cursor.text()?;
                    note.voice = Some(self.voice(&text));
                }
                "type" => note.whole = Some(matches!(&*self.cursor.text()?, "whole" | "breve")),
                "staff" => note.staff = self.staff()?,
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
                "tie" => {
                    match tag.attribute("type")?.as_deref() {
                        Some("start") => note.flags = note.flags.with(NoteFlags::TIE_START),
                        Some("stop") => note.flags = note.flags.with(NoteFlags::TIE_STOP),
                        _ => {}
                    }
                    self.cursor.skip()?;
                }
                "unpitched" => {
                    note.pitch = Some(self.pitch()?);
                    note.flags = note.flags.with(NoteFlags::UNPITCHED);
                }
                "time-modification" => note.tuplet = self.time_modification()?,
                "grace" => self.flag(&mut note, NoteFlags::GRACE)?,
                "cue" => self.flag(&mut note, NoteFlags::CUE)?,
                _ => self.cursor.skip()?,
            }
        }
        self.place_note(note)
    }

    #[inline]
    fn flag(&mut self, note: &mut Written, flag: NoteFlags) -> Result<()> {
        note.flags = note.flags.with(flag);
        self.cursor.skip()
    }

    /// A row for the note, at the cursor or with the chord's first note.
    fn place_note(&mut self, mut note: Written) -> Result<()> {
        self.count_row()?;
        if note.flags.has(NoteFlags::GRACE) {
            note.duration = 0;
        }
        let row = self.part.notes.len();
        let pitch = if note.flags.has(NoteFlags::REST) {
            self.settle_rest(&mut note, row);
            REST_PITCH
        } else {
            note.pitch.ok_or(Problem::Missing { element: "note", child: "pitch" })?
        };
        if let Some(voice) = note.voice {
            self.now.voice = voice;
            self.now.measure.voices.see(voice);
        }
        // Only a note directly before can be the head of a chord.
        let head = self.now.measure.chord_head.filter(|_| note.flags.has(NoteFlags::CHORD));
        if let Some(head) = head {
            self.join_chord(&note, pitch, head);
            return Ok(());
        }
        note.flags = NoteFlags(note.flags.0 & !NoteFlags::CHORD.0);
        if !note.flags.has(NoteFlags::REST) {
            self.now.measure.single_notes += 1;
        }
        let onset = self.time()?;
        let end = add(self.now.at, note.duration)?;
        // The end in the score must be a tick, too.
        add(onset, note.duration)?;
        self.push(onset, &note, pitch, self.now.voice, note.staff);
        self.now.at = end;
        self.now.high = self.now.high.max(end);
        self.now.measure.forward_rest = None;
        self.now.measure.chord_head = Some(row);
        Ok(())
    }

    fn join_chord(&mut self, note: &Written, pitch: Pitch, head: usize) {
        if self.part.notes.len() == head + 1 {
            // The head was counted alone; music21 counts no member of a chord.
            self.now.measure.single_notes = self.now.measure.single_notes.saturating_sub(1);
        }
        let notes = &self.part.notes;
        let (onset, voice, staff) = (notes.onset[head], notes.voice[head], self.staves.notes[head]);
        // A chord is as long as its first note.
        let note = Written { duration: notes.duration[head], tuplet: note.tuplet, ..*note };
        self.push(onset, &note, pitch, voice, staff);
    }

    fn push(&mut self, onset: Tick, note: &Written, pitch: Pitch, voice: u8, staff: u8) {
        let notes = &mut self.part.notes;
        if let Some(tuplet) = note.tuplet {
            notes.tuplets.push((notes.len() as u32, tuplet));
        }
        notes.onset.push(onset);
        notes.duration.push(note.duration);
        notes.pitch.push(pitch);
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

    /// The children of `<pitch>` and of `<unpitched>`, where a missing position is the middle line.
    fn pitch(&mut self) -> Result<Pitch> {
        let mut pitch = Pitch { step: Step::B, alter: 0, octave: 4 };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "step" | "display-step" => {
                    let text = self.cursor.text()?;
                    pitch.step = match text.as_bytes() {
                        [letter] => Step::from_letter(*letter),
                        _ => None,
                    }
                    .ok_or_else(|| invalid(&text, "step", "a letter, A to G"))?;
                }
                "octave" | "display-octave" => {
                    let text = self.cursor.text()?;
                    pitch.octave = match text.as_bytes() {
                        [digit @ b'0'..=b'9'] => (digit - b'0') as i8,
                        _ => return Err(invalid(&text, "octave", "a digit, 0 to 9")),
                    };
                }
                "alter" => pitch.alter = semitones(&self.cursor.text()?, "alter")?,
                _ => self.cursor.skip()?,
            }
        }
        Ok(pitch)
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
        const EXPECTED: &str = "a whole number, 1 to 255";
        let mut tuplet = Tuplet { actual: 1, normal: 1 };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "actual-notes" => tuplet.actual = parse(&self.cursor.text()?, "actual-notes", EXPECTED)?,
                "normal-notes" => tuplet.normal = parse(&self.cursor.text()?, "normal-notes", EXPECTED)?,
                _ => self.cursor.skip()?,
            }
        }
        if tuplet.actual == 0 || tuplet.normal == 0 {
            return Err(invalid("0", "time-modification", EXPECTED));
        }
        Ok((tuplet.actual != tuplet.normal).then_some(tuplet))
    }
}
