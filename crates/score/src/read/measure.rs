//! `<measure>`: its content in order, and how long it turns out to be.

use super::cursor::Tag;
use super::draft::{Draft, InMeasure, VoicesSeen, add};
use super::error::Problem;
use super::number::integer;
use crate::{Barred, Measure, NoteFlags, Notes, Pitch, Step, Tick};

type Result<T> = std::result::Result<T, Problem>;

impl Draft<'_> {
    pub(super) fn measure(&mut self, tag: &Tag<'_>) -> Result<()> {
        self.count_row()?;
        let first = self.part.notes.len() as u32;
        let symbol = self.part.harmonies.len() as u32;
        self.part.measures.push(Measure {
            number: tag.attribute("number")?.unwrap_or_default().into_owned(),
            start: self.now.start,
            length: 0,
            implicit: tag.attribute("implicit")?.as_deref() == Some("yes"),
            barred: Barred::default(),
            notes: first..first,
            harmonies: symbol..symbol,
        });
        self.now.at = 0;
        self.now.high = 0;
        self.now.measure = InMeasure::default();
        while let Some(tag) = self.cursor.child()? {
            if tag.name() == "note" {
                self.note()?;
                continue;
            }
            self.now.measure.chord_head = None;
            match tag.name() {
                "attributes" => self.attributes()?,
                "backup" => self.backup()?,
                "forward" => self.forward()?,
                "direction" => self.direction()?,
                "sound" => self.sound(&tag)?,
                "harmony" => self.harmony()?,
                "barline" => self.barline(&tag)?,
                "print" => self.print()?,
                _ => self.cursor.skip()?,
            }
        }
        self.settle_transposition()?;
        self.lone_rest();
        let length = self.length()?;
        self.now.start = add(self.now.start, length)?;
        let last = self.part.notes.len() as u32;
        if let Some(measure) = self.part.measures.last_mut() {
            measure.length = length;
            measure.notes.end = last;
            measure.harmonies.end = self.part.harmonies.len() as u32;
        }
        Ok(())
    }

    /// A staff that only a layout names is a staff all the same.
    fn print(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            if tag.name() == "staff-layout" {
                self.staff_attribute(&tag, 0)?;
            }
            self.cursor.skip()?;
        }
        Ok(())
    }

    /// The children of `<backup>` and `<forward>`: ticks and staff.
    fn step(&mut self) -> Result<(Tick, u8)> {
        let (mut ticks, mut staff) = (0, 0);
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "duration" => {
                    let text = self.cursor.text()?;
                    // Without a text it is no step at all.
                    if !text.is_empty() {
                        ticks = self.ticks(&text, "duration")?;
                    }
                }
                "voice" => {
                    let text = self.cursor.text()?;
                    self.now.voice = self.voice(&text);
                    self.now.measure.voices.see(self.now.voice);
                }
                "staff" => staff = self.staff()?,
                _ => self.cursor.skip()?,
            }
        }
        Ok((ticks, staff))
    }

    /// Back, and no further than the measure's start, as in music21.
    fn backup(&mut self) -> Result<()> {
        let (ticks, _) = self.step()?;
        self.now.at = self.now.at.saturating_sub(ticks);
        Ok(())
    }

    /// Ahead; Finale means a rest by it.
    fn forward(&mut self) -> Result<()> {
        let (ticks, staff) = self.step()?;
        let onset = self.time()?;
        let from = self.now.at;
        self.now.at = add(from, ticks)?;
        if self.finale {
            // music21's rest of length 0 lasts its default, a quarter, and lengthens the measure.
            let ticks = if ticks == 0 { self.score.divisions } else { ticks };
            add(onset, ticks)?;
            self.count_row()?;
            self.now.measure.forward_rest = Some(self.part.notes.len());
            self.now.high = self.now.high.max(add(from, ticks)?);
            push_rest(&mut self.part.notes, onset, ticks, NoteFlags::REST, self.now.voice);
            self.staves.notes.push(staff);
        }
        Ok(())
    }

    fn barline(&mut self, tag: &Tag<'_>) -> Result<()> {
        let left = tag.attribute("location")?.as_deref() == Some("left");
        let mut said = Barred::default();
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "bar-style" => said.final_bar = self.cursor.text()? == "light-heavy",
                "repeat" => {
                    match tag.attribute("direction")?.as_deref() {
                        Some("forward") => said.repeat_start = true,
                        Some("backward") => said.repeat_end = true,
                        _ => {}
                    }
                    let times = tag.attribute("times")?.and_then(|times| integer(&times));
                    said.times = times.and_then(|times| u8::try_from(times).ok()).unwrap_or(0);
                    self.cursor.skip()?;
                }
                "ending" => {
                    match tag.attribute("type")?.as_deref() {
                        Some("start") => said.ending = endings(&tag.attribute("number")?.unwrap_or_default()),
                        _ => said.ending_stop = true,
                    }
                    self.cursor.skip()?;
                }
                _ => self.cursor.skip()?,
            }
        }
        if let Some(measure) = self.part.measures.last_mut() {
            let barred = &mut measure.barred;
            barred.repeat_start |= said.repeat_start;
            if said.repeat_end {
                (barred.repeat_end, barred.times) = (true, said.times);
            }
            barred.final_bar |= said.final_bar && !left && !said.repeat_end;
            barred.ending |= said.ending;
            barred.ending_stop |= said.ending_stop;
        }
        Ok(())
    }

    /// A rest alone in its measure, or one that says so, lasts the whole measure whatever its
    /// duration (music21: `xmlMeasureToMeasure`). Programs write a whole rest in 3/4.
    fn lone_rest(&mut self) {
        let measure = &self.now.measure;
        let lone = measure.rests == 1 && measure.single_notes == 0;
        let Some(rest) = measure.first_rest.filter(|_| lone || measure.says_full) else { return };
        let bar = self.now.bar;
        let notes = &mut self.part.notes;
        if rest.full || (rest.whole && notes.duration[rest.row] != bar) {
            let at = notes.onset[rest.row] - self.now.start;
            notes.duration[rest.row] = bar;
            notes.flags[rest.row] = notes.flags[rest.row].with(NoteFlags::MEASURE_REST);
            self.now.high = self.highest_note_end().max(at.saturating_add(bar));
        }
    }

    /// The latest end of the last measure's notes, in ticks from its start.
    fn highest_note_end(&self) -> Tick {
        let Some(measure) = self.part.measures.last() else { return 0 };
        let first = measure.notes.start as usize;
        let notes = &self.part.notes;
        let ends = notes.onset[first..]
            .iter()
            .zip(&notes.duration[first..])
            .map(|(&on, &long)| on.saturating_add(long));
        ends.max().map_or(0, |end| end - measure.start)
    }

    /// How far the next measure begins after this one (music21: `adjustTimeAttributesFromMeasure`).
    fn length(&mut self) -> Result<Tick> {
        let (high, bar) = (self.now.high, self.now.bar);
        let empty =
            self.part.measures.last().is_some_and(|m| m.notes.start as usize == self.part.notes.len());
        if empty && high == 0 {
            self.fill(0, bar, NoteFlags::REST.with(NoteFlags::MEASURE_REST))?;
            return Ok(bar);
        }
        // A mark after the last note counts, so that the notes alone would not tell the length.
        let end = self.highest_note_end();
        if end < high {
            self.fill(end, high - end, NoteFlags::REST)?;
        }
        // Overfull by a crumb is bad arithmetic and not music.
        if high > bar && is_crumb(high - bar, self.score.divisions) { Ok(bar) } else { Ok(high) }
    }

    /// A rest from a tick of the measure on.
    fn fill(&mut self, at: Tick, ticks: Tick, flags: NoteFlags) -> Result<()> {
        self.count_row()?;
        let onset = add(self.now.start, at)?;
        add(onset, ticks)?;
        let first = self.part.measures.last().map_or(0, |measure| measure.notes.start as usize);
        let voice = self.part.notes.voice.get(first).copied().unwrap_or(1);
        push_rest(&mut self.part.notes, onset, ticks, flags, voice);
        self.staves.notes.push(0);
        Ok(())
    }

    pub(super) fn end_of_part(&mut self) {
        self.last_forward();
        // No measure begins after this one, so that its crumb is not left out.
        let end = self.highest_note_end();
        if let Some(measure) = self.part.measures.last_mut() {
            measure.length = measure.length.max(end);
        }
    }

    /// Finale ends an incomplete last measure with a `<forward>`, which is no rest then.
    fn last_forward(&mut self) {
        let Some(row) = self.now.measure.forward_rest else { return };
        if self.now.measure.voices == VoicesSeen::Several || row + 1 != self.part.notes.len() {
            return;
        }
        if self.part.measures.last().is_some_and(|measure| measure.notes.start as usize == row) {
            // Alone, it leaves an empty measure, which lasts no time.
            self.part.notes.duration[row] = 0;
            if let Some(measure) = self.part.measures.last_mut() {
                measure.length = 0;
            }
            return;
        }
        self.part.notes.truncate(row);
        self.staves.notes.truncate(row);
        let length = self.highest_note_end();
        if let Some(measure) = self.part.measures.last_mut() {
            measure.length = length;
            measure.notes.end = row as u32;
        }
    }
}

impl VoicesSeen {
    pub(super) fn see(&mut self, voice: u8) {
        *self = match *self {
            Self::None => Self::One(voice),
            Self::One(only) if only == voice => Self::One(only),
            _ => Self::Several,
        };
    }
}

/// The times an ending is for, `1, 2`, as bits.
fn endings(number: &str) -> u32 {
    let times = number.split([',', ' ']).filter_map(|time| time.trim_end_matches('.').parse::<u32>().ok());
    times.filter(|time| (1..32).contains(time)).fold(0, |all, time| all | 1 << time)
}

/// Whether an excess is at most half a quarter and no multiple of a 64th or of a triplet 32nd.
fn is_crumb(excess: Tick, divisions: u32) -> bool {
    let (excess, divisions) = (u64::from(excess), u64::from(divisions));
    2 * excess <= divisions && (16 * excess) % divisions != 0 && (12 * excess) % divisions != 0
}

/// Appends a rest.
pub(super) fn push_rest(notes: &mut Notes, onset: Tick, duration: Tick, flags: NoteFlags, voice: u8) {
    notes.onset.push(onset);
    notes.duration.push(duration);
    notes.pitch.push(REST_PITCH);
    notes.flags.push(flags);
    notes.voice.push(voice);
}

/// What stands in the pitch column of a rest.
pub(super) const REST_PITCH: Pitch = Pitch::new(Step::C, 0, 4);
