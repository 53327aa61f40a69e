//! A part of several staves becomes several parts, as music21's `separateOutPartStaves` does it:
//! what names a staff goes there, what names none goes to every staff.

use super::draft::Draft;
use super::error::Problem;
use super::measure::push_rest;
use crate::{NoteFlags, Notes, Part, Timed, Tuplet};

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
}

impl Draft<'_> {
    /// Moves the finished part into the score, one part a staff.
    pub(super) fn finish_part(&mut self) -> Result<(), Problem> {
        let part = std::mem::take(&mut self.part);
        let staves = std::mem::take(&mut self.staves);
        if staves.declared <= 1 || staves.seen == 0 {
            self.score.parts.push(part);
            return Ok(());
        }
        for staff in (1..=MAX_STAVES).filter(|staff| staves.seen & (1 << staff) != 0) {
            let one = extract(&part, &staves, staff);
            self.rows += one.notes.len() + one.measures.len();
            if self.rows > self.limits.rows {
                return Err(Problem::TooMany(self.limits.rows));
            }
            self.score.parts.push(one);
        }
        Ok(())
    }
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
        harmonies: on_staff(&part.harmonies, &staves.harmonies, staff),
        notes: Notes::default(),
    };
    let mut tuplets = part.notes.tuplets.iter().peekable();
    for measure in &part.measures {
        let first = one.notes.len() as u32;
        for row in measure.notes.clone() {
            while tuplets.next_if(|(tuplet_row, _)| *tuplet_row < row).is_some() {}
            let tuplet = tuplets.peek().filter(|(tuplet_row, _)| *tuplet_row == row).map(|(_, t)| *t);
            let row = row as usize;
            if staves.notes[row] == staff || staves.notes[row] == 0 {
                copy_row(&part.notes, row, tuplet, &mut one.notes);
            }
        }
        if one.notes.len() as u32 == first {
            push_rest(&mut one.notes, measure.start, measure.length, NoteFlags::REST, 1);
        }
        let notes = first..one.notes.len() as u32;
        one.measures.push(crate::Measure { notes, ..measure.clone() });
    }
    one
}

fn copy_row(from: &Notes, row: usize, tuplet: Option<Tuplet>, to: &mut Notes) {
    if let Some(tuplet) = tuplet {
        to.tuplets.push((to.len() as u32, tuplet));
    }
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
