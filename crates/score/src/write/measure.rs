//! `<part>` and `<measure>`: rows in their order, and each mark where its time comes.

use super::marks;
use super::note::{NoteWriter, Row};
use super::text::Text;
use crate::{Lyric, Measure, NoteFlags, Part, Tick, Timed, Tuplet};

/// Writes parts of one score.
#[derive(Debug, Clone)]
pub(super) struct PartWriter {
    divisions: u32,
    notes: NoteWriter,
}

/// The marks of a part that are not written yet.
struct Pending<'p> {
    part: &'p Part,
    keys: usize,
    times: usize,
    clefs: usize,
    transpositions: usize,
    tempos: usize,
    words: usize,
    harmonies: usize,
    /// Where those of the measure end.
    symbols_end: usize,
    tuplets: usize,
    lyrics: usize,
    kit: usize,
    /// The earliest of them all, so that most notes ask one question only.
    next: Tick,
}

impl PartWriter {
    pub(super) fn new(divisions: u32) -> Self {
        Self { divisions, notes: NoteWriter::new(divisions) }
    }

    pub(super) fn part(&mut self, text: &mut Text, part: &Part) {
        self.notes.next_part();
        text.push("<part id=\"").escaped(&part.id).push("\">\n");
        let mut pending = Pending::new(part);
        for (index, measure) in part.measures.iter().enumerate() {
            text.push("<measure number=\"").escaped(&measure.number).push("\"");
            text.push(if measure.implicit { " implicit=\"yes\">\n" } else { ">\n" });
            let last = index + 1 == part.measures.len();
            self.measure(text, measure, &mut pending, index == 0, last);
            text.push("</measure>\n");
        }
        text.push("</part>\n");
    }

    fn measure(
        &mut self,
        text: &mut Text,
        measure: &Measure,
        pending: &mut Pending<'_>,
        first: bool,
        last: bool,
    ) {
        let part = pending.part;
        let divisions = first.then_some(self.divisions);
        marks::left_barline(text, measure.barred);
        pending.begin(measure);
        pending.write(text, measure.start, divisions);
        let mut at = measure.start;
        for row in measure.notes.clone() {
            let index = row as usize;
            let flags = part.notes.flags[index];
            let (onset, duration) = (part.notes.onset[index], part.notes.duration[index]);
            if !flags.has(NoteFlags::CHORD) {
                pending.write_until(text, onset, &mut at);
                step(text, at, onset);
                at = onset + duration;
            }
            let row = Row {
                duration,
                pitch: part.notes.pitch[index],
                flags,
                voice: part.notes.voice[index],
                tuplet: pending.tuplet(row),
                kit: pending.kit(row),
                lyrics: pending.lyrics(row),
            };
            self.notes.note(text, &row);
        }
        // A mark at the measure's end belongs to the next measure, unless there is none.
        let end = measure.start + measure.length;
        let until = if last { Tick::MAX } else { end.saturating_sub(1) };
        pending.write_until(text, until, &mut at);
        pending.end(text, &mut at);
        marks::right_barline(text, measure.barred);
    }
}

/// Moves from one time to another.
fn step(text: &mut Text, from: Tick, to: Tick) {
    let (name, ticks) = match to.checked_sub(from) {
        Some(0) => return,
        Some(ahead) => ("forward", ahead),
        None => ("backup", from - to),
    };
    text.push("<").push(name).push(">\n").element("duration", ticks);
    text.push("</").push(name).push(">\n");
}

impl<'p> Pending<'p> {
    fn new(part: &'p Part) -> Self {
        Self {
            part,
            keys: 0,
            times: 0,
            clefs: 0,
            transpositions: 0,
            tempos: 0,
            words: 0,
            harmonies: 0,
            symbols_end: 0,
            tuplets: 0,
            lyrics: 0,
            kit: 0,
            next: 0,
        }
    }

    /// The tuplet of a row; rows must be asked for in order.
    #[inline]
    fn tuplet(&mut self, row: u32) -> Tuplet {
        match self.part.notes.tuplets.get(self.tuplets) {
            Some(&(at, tuplet)) if at == row => {
                self.tuplets += 1;
                tuplet
            }
            _ => Tuplet { actual: 1, normal: 1 },
        }
    }

    /// The kit's key of a row, as above.
    #[inline]
    fn kit(&mut self, row: u32) -> Option<(&'p str, u8)> {
        if self.part.notes.kit.is_empty() {
            return None;
        }
        let &(at, key) = self.part.notes.kit.get(self.kit)?;
        if at != row {
            return None;
        }
        self.kit += 1;
        Some((&self.part.id, key))
    }

    /// The lyrics of a row, as above.
    #[inline]
    fn lyrics(&mut self, row: u32) -> &'p [(u32, Lyric)] {
        if self.part.notes.lyrics.is_empty() {
            return &[];
        }
        let from = self.lyrics;
        let rest = &self.part.notes.lyrics[from..];
        self.lyrics += rest.iter().take_while(|(at, _)| *at == row).count();
        &self.part.notes.lyrics[from..self.lyrics]
    }

    /// The symbols of a measure come due.
    fn begin(&mut self, measure: &Measure) {
        if !measure.harmonies.is_empty() {
            self.symbols_end = measure.harmonies.end as usize;
            self.next = self.earliest();
        }
    }

    /// Writes what is left of the measure's symbols: those at its end.
    fn end(&mut self, text: &mut Text, at: &mut Tick) {
        if self.harmonies == self.symbols_end {
            return;
        }
        for symbol in &self.part.harmonies[self.harmonies..self.symbols_end] {
            step(text, *at, symbol.at);
            *at = symbol.at;
            marks::harmony(text, &symbol.value);
        }
        self.harmonies = self.symbols_end;
        self.next = self.earliest();
    }

    /// Writes the marks up to `time`, each at its own, moving there from `at`.
    #[inline]
    fn write_until(&mut self, text: &mut Text, time: Tick, at: &mut Tick) {
        while self.next <= time && self.next < Tick::MAX {
            let next = self.next;
            step(text, *at, next);
            *at = next;
            self.write(text, next, None);
        }
    }

    /// Writes the marks at `time` or before.
    fn write(&mut self, text: &mut Text, time: Tick, divisions: Option<u32>) {
        let part = self.part;
        let keys = due(&part.keys, &mut self.keys, time);
        let times = due(&part.times, &mut self.times, time);
        let clefs = due(&part.clefs, &mut self.clefs, time);
        let transpositions = due(&part.transpositions, &mut self.transpositions, time);
        let attributes = keys.len() + times.len() + clefs.len() + transpositions.len();
        if attributes > 0 || divisions.is_some() {
            text.push("<attributes>\n");
            if let Some(divisions) = divisions {
                text.element("divisions", divisions);
            }
            keys.iter().for_each(|key| marks::key(text, key.value));
            times.iter().for_each(|time| marks::time(text, time.value));
            clefs.iter().for_each(|clef| marks::clef(text, clef.value));
            transpositions.iter().for_each(|by| marks::transpose(text, by.value));
            text.push("</attributes>\n");
        }
        due(&part.tempos, &mut self.tempos, time).iter().for_each(|tempo| marks::tempo(text, tempo.value));
        due(&part.words, &mut self.words, time).iter().for_each(|word| marks::word(text, &word.value));
        let symbols = &part.harmonies[..self.symbols_end];
        due(symbols, &mut self.harmonies, time).iter().for_each(|h| marks::harmony(text, &h.value));
        self.next = self.earliest();
    }

    fn earliest(&self) -> Tick {
        let part = self.part;
        [
            first(&part.keys, self.keys),
            first(&part.times, self.times),
            first(&part.clefs, self.clefs),
            first(&part.transpositions, self.transpositions),
            first(&part.tempos, self.tempos),
            first(&part.words, self.words),
            first(&part.harmonies[..self.symbols_end], self.harmonies),
        ]
        .into_iter()
        .fold(Tick::MAX, Tick::min)
    }
}

/// The marks from `next` that stand at `time` or before; moves `next` behind them.
fn due<'m, T>(marks: &'m [Timed<T>], next: &mut usize, time: Tick) -> &'m [Timed<T>] {
    let from = *next;
    *next += marks[from..].iter().take_while(|mark| mark.at <= time).count();
    &marks[from..*next]
}

fn first<T>(marks: &[Timed<T>], next: usize) -> Tick {
    marks.get(next).map_or(Tick::MAX, |mark| mark.at)
}
