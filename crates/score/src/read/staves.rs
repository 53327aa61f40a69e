//! A part of several staves becomes several parts, as music21's `separateOutPartStaves` does it:
//! what names a staff goes there, what names none goes to every staff.

use super::draft::Draft;
use super::error::Problem;
use super::measure::push_rest;
use crate::{Lyric, NoteFlags, Notes, Part, Timed, Tuplet};

/// More staves than any keyboard or divided section; the limit keeps the copies of staff-less rows few.
pub(super) const MAX_STAVES: u8 = 16;

/// The staff of each row of a part's columns; 0 where none is named.
#[derive(Debug, Clone, Default)]
pub(super) struct StaffColumns {
    /// The largest `<staves>` declared.
    pub(super) declared: u8,
    /// Bit `n`: staff `n` was named.
    pub(super) seen: u32,
    pub(super) notes: Vec<u8>,
    pub(super) clefs: Vec<u8>,
    pub(super) keys: Vec<u8>,
    pub(super) times: Vec<u8>,
    pub(super) tempos: Vec<u8>,
    pub(super) harmonies: Vec<u8>,
    pub(super) words: Vec<u8>,
}

impl Draft<'_> {
    /// Moves the finished part into the score, one part a staff.
    pub(super) fn finish_part(&mut self) -> Result<(), Problem> {
        let part = std::mem::take(&mut self.part);
        let staves = std::mem::take(&mut self.staves);
        self.kit.clear();
        if staves.declared <= 1 || staves.seen == 0 {
            self.score.parts.push(in_order(part));
            return Ok(());
        }
        for staff in (1..=MAX_STAVES).filter(|staff| staves.seen & (1 << staff) != 0) {
            let one = extract(&part, &staves, staff);
            self.rows += one.notes.len() + one.measures.len();
            if self.rows > self.limits.rows {
                return Err(Problem::TooMany(self.limits.rows));
            }
            self.score.parts.push(in_order(one));
        }
        Ok(())
    }
}

/// Marks by time: an offset, or a `<backup>`, may have put one before its predecessor.
fn in_order(mut part: Part) -> Part {
    part.clefs.sort_by_key(|mark| mark.at);
    part.keys.sort_by_key(|mark| mark.at);
    part.times.sort_by_key(|mark| mark.at);
    part.tempos.sort_by_key(|mark| mark.at);
    part.words.sort_by_key(|mark| mark.at);
    part
}

fn extract(part: &Part, staves: &StaffColumns, staff: u8) -> Part {
    let mut one = Part {
        id: format!("{}-Staff{staff}", part.id),
        name: part.name.clone(),
        abbreviation: part.abbreviation.clone(),
        instrument: part.instrument.clone(),
        measures: Vec::with_capacity(part.measures.len()),
        clefs: on_staff(&part.clefs, &staves.clefs, staff),
        keys: on_staff(&part.keys, &staves.keys, staff),
        times: on_staff(&part.times, &staves.times, staff),
        transpositions: part.transpositions.clone(),
        tempos: on_staff(&part.tempos, &staves.tempos, staff),
        harmonies: Vec::new(),
        words: on_staff(&part.words, &staves.words, staff),
        notes: Notes::default(),
    };
    let mut extras = Extras::of(&part.notes);
    for measure in &part.measures {
        let first = one.notes.len() as u32;
        for row in measure.notes.clone() {
            let here = matches!(staves.notes[row as usize], of if of == staff || of == 0);
            extras.copy(row, if here { Some(&mut one.notes) } else { None });
            if here {
                copy_row(&part.notes, row as usize, &mut one.notes);
            }
        }
        let new = first as usize..one.notes.len();
        let ends = new.clone().map(|row| one.notes.onset[row] + one.notes.duration[row]);
        let end = ends.max().unwrap_or(measure.start);
        let full = measure.start + measure.length;
        // A staff that falls silent before the others is written with a rest, or what follows would move.
        if end < full || new.is_empty() {
            let voice = one.notes.voice.get(first as usize).copied().unwrap_or(1);
            push_rest(&mut one.notes, end, full - end, NoteFlags::REST, voice);
        }
        let symbols = measure.harmonies.start as usize..measure.harmonies.end as usize;
        let from = one.harmonies.len() as u32;
        one.harmonies.extend(on_staff(&part.harmonies[symbols.clone()], &staves.harmonies[symbols], staff));
        let harmonies = from..one.harmonies.len() as u32;
        let notes = first..one.notes.len() as u32;
        one.measures.push(crate::Measure { notes, harmonies, ..measure.clone() });
    }
    one
}

/// What only some rows have, taken along row by row.
struct Extras<'n> {
    tuplets: &'n [(u32, Tuplet)],
    lyrics: &'n [(u32, Lyric)],
    kit: &'n [(u32, u8)],
}

impl<'n> Extras<'n> {
    fn of(notes: &'n Notes) -> Self {
        Self { tuplets: &notes.tuplets, lyrics: &notes.lyrics, kit: &notes.kit }
    }

    /// Goes past a row, which becomes the next one of `to` if it is there.
    fn copy(&mut self, row: u32, mut to: Option<&mut Notes>) {
        let next = to.as_ref().map_or(0, |to| to.len() as u32);
        take(&mut self.tuplets, row, next, to.as_deref_mut().map(|to| &mut to.tuplets));
        take(&mut self.lyrics, row, next, to.as_deref_mut().map(|to| &mut to.lyrics));
        take(&mut self.kit, row, next, to.map(|to| &mut to.kit));
    }
}

fn take<T: Clone>(from: &mut &[(u32, T)], row: u32, next: u32, to: Option<&mut Vec<(u32, T)>>) {
    let count = from.iter().take_while(|(at, _)| *at <= row).count();
    let (passed, rest) = from.split_at(count);
    *from = rest;
    if let Some(to) = to {
        to.extend(passed.iter().filter(|(at, _)| *at == row).map(|(_, value)| (next, value.clone())));
    }
}

fn copy_row(from: &Notes, row: usize, to: &mut Notes) {
    to.onset.push(from.onset[row]);
    to.duration.push(from.duration[row]);
    to.pitch.push(from.pitch[row]);
    to.flags.push(from.flags[row]);
    to.voice.push(from.voice[row]);
}

fn on_staff<T: Clone>(marks: &[Timed<T>], of: &[u8], staff: u8) -> Vec<Timed<T>> {
    let here = marks.iter().zip(of).filter(|&(_, &of)| of == staff || of == 0);
    here.map(|(mark, _)| mark.clone()).collect()
}
