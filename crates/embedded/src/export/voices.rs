//! A measure as text formats want it: voices, each an unbroken row of chords, rests and gaps.

use std::ops::Range;

use music21_mcp_score::{Measure, NoteFlags, Part, Tick, Tuplet};

/// One step of a voice. Items tile the measure: the next begins where this one ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Rows that sound together; empty for a gap.
    pub(super) rows: Range<usize>,
    /// Ticks taken; 0 for a grace note.
    pub(super) ticks: Tick,
    pub(super) kind: Kind,
    pub(super) tuplet: Option<Tuplet>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sound,
    Rest,
    /// Nothing is written here.
    Gap,
    Grace,
}

/// The voices of a measure, in order of first appearance; none for an empty measure.
pub(super) fn voices(part: &Part, measure: &Measure, divisions: u32) -> Vec<Vec<Item>> {
    let notes = &part.notes;
    let mut voices: Vec<(u8, Tick, Vec<Item>)> = Vec::new();
    let mut row = measure.notes.start as usize;
    let last = measure.notes.end as usize;
    while row < last {
        let end = (row + 1..last).find(|&next| !notes.flags[next].has(NoteFlags::CHORD)).unwrap_or(last);
        let rows = row..end;
        row = end;
        let voice = notes.voice[rows.start];
        let index = voices.iter().position(|known| known.0 == voice).unwrap_or_else(|| {
            voices.push((voice, measure.start, Vec::new()));
            voices.len() - 1
        });
        let (_, now, items) = &mut voices[index];
        push(part, rows, divisions, now, items);
    }
    let end = measure.start + measure.length;
    voices
        .into_iter()
        .map(|(_, now, mut items)| {
            items.extend(gap(now, end, divisions));
            items
        })
        .collect()
}

fn push(part: &Part, rows: Range<usize>, divisions: u32, now: &mut Tick, items: &mut Vec<Item>) {
    let notes = &part.notes;
    let (onset, ticks, flags) =
        (notes.onset[rows.start], notes.duration[rows.start], notes.flags[rows.start]);
    items.extend(gap(*now, onset, divisions));
    let kind = if flags.has(NoteFlags::REST) {
        Kind::Rest
    } else if flags.has(NoteFlags::GRACE) || ticks == 0 {
        Kind::Grace
    } else {
        Kind::Sound
    };
    let tuplet = notes
        .tuplets
        .binary_search_by_key(&(rows.start as u32), |(row, _)| *row)
        .ok()
        .map(|index| notes.tuplets[index].1)
        .or_else(|| implied_tuplet(ticks, divisions));
    // A note that begins before the voice has ended (a faulty document) is cut to what is left.
    let end = (onset + ticks).max(*now);
    let ticks = end - onset.max(*now);
    if ticks > 0 || kind == Kind::Grace {
        *now = end;
        items.push(Item { rows, ticks, kind, tuplet });
    }
}

/// The tuplet of a length that no note value has, such as a third of a quarter note: as many in the time
/// of the next smaller power of two.
fn implied_tuplet(ticks: Tick, divisions: u32) -> Option<Tuplet> {
    let denominator = u64::from(divisions) / gcd(u64::from(ticks), u64::from(divisions)).max(1);
    let odd = u16::try_from(denominator >> denominator.trailing_zeros().min(63)).ok()?;
    (odd > 1).then(|| Tuplet { actual: odd, normal: 1 << odd.ilog2() })
}

fn gap(from: Tick, to: Tick, divisions: u32) -> Option<Item> {
    let tuplet = implied_tuplet(to.saturating_sub(from), divisions);
    (to > from).then(|| Item { rows: 0..0, ticks: to - from, kind: Kind::Gap, tuplet })
}

/// How far an item is from a plain fraction of a whole note: `(numerator, denominator)`, reduced;
/// tuplets are written at their nominal length.
pub(super) fn whole_notes(item: &Item, divisions: u32) -> (u64, u64) {
    let (actual, normal) = item.tuplet.map_or((1, 1), |tuplet| (tuplet.actual, tuplet.normal));
    let numerator = u64::from(item.ticks) * u64::from(actual);
    let denominator = u64::from(divisions.max(1)) * 4 * u64::from(normal.max(1));
    let common = gcd(numerator, denominator).max(1);
    (numerator / common, denominator / common)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tiny_notation;

    #[test]
    fn a_voice_tiles_its_measure() {
        let mut score = tiny_notation::read("4/4 c4 d r trip{e8 f g}").unwrap();
        let part = &mut score.parts[0];
        part.notes.voice[1] = 2;
        let voices = voices(part, &part.measures[0], 768);
        let shape: Vec<Vec<(Kind, Tick)>> =
            voices.iter().map(|voice| voice.iter().map(|item| (item.kind, item.ticks)).collect()).collect();
        assert_eq!(
            shape,
            [
                vec![
                    (Kind::Sound, 768),
                    (Kind::Gap, 768),
                    (Kind::Rest, 768),
                    (Kind::Sound, 256),
                    (Kind::Sound, 256),
                    (Kind::Sound, 256)
                ],
                vec![(Kind::Gap, 768), (Kind::Sound, 768), (Kind::Gap, 1536)],
            ]
        );
        assert_eq!(whole_notes(&voices[0][3], score.divisions), (1, 8));
    }
}
