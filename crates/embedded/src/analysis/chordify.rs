//! Chordify: a score cut wherever a note begins or ends, as music21's `chordify` does, measure by
//! measure.

use music21_mcp_score::{Harmony, Measure, NoteFlags, Part, Pitch, Score, Tick, Timed, Transpose};

use super::chord_symbol;
use super::meter::Meter;

/// The slices in which something pitched sounds, in order; one column per property.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slices {
    /// Index of the measure; [`NO_MEASURE`] if there are none.
    measure: Vec<u32>,
    /// Ticks from the measure's start.
    offset: Vec<Tick>,
    duration: Vec<Tick>,
    beat: Vec<f64>,
    /// Where the slice's pitches end in `pitches`.
    end: Vec<u32>,
    /// By staff step, then height; each once.
    pitches: Vec<Pitch>,
}

const NO_MEASURE: u32 = u32::MAX;

/// One slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slice<'a> {
    /// Index of the measure in the first part; `None` if that has no measures.
    pub measure: Option<usize>,
    /// Ticks from the measure's start.
    pub offset: Tick,
    /// Ticks to the next slice.
    pub duration: Tick,
    /// Beat, from 1.
    pub beat: f64,
    /// What sounds, by staff step, then height; each spelling once.
    pub pitches: &'a [Pitch],
}

impl Slices {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.measure.len()
    }

    /// In order of time.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Slice<'_>> {
        (0..self.len()).map(|row| {
            let from = row.checked_sub(1).map_or(0, |before| self.end[before]);
            Slice {
                measure: Some(self.measure[row] as usize).filter(|&index| index != NO_MEASURE as usize),
                offset: self.offset[row],
                duration: self.duration[row],
                beat: self.beat[row],
                pitches: &self.pitches[from as usize..self.end[row] as usize],
            }
        })
    }
}

/// Cuts a score into slices. The measures are the first part's, the others' are laid on them by
/// index. The pitch is as sounded if the first part transposes, else as written in all parts: so
/// does music21.
#[must_use]
pub fn chordify(score: &Score) -> Slices {
    let Some(first) = score.parts.first() else { return Slices::default() };
    let sounding = !first.transpositions.is_empty();
    let mut slices = Slices::default();
    let mut cut = Cut::default();
    cut.clear();
    if first.measures.is_empty() {
        // Then the whole score is cut at once.
        for part in &score.parts {
            part.measures.iter().for_each(|measure| cut.add(part, measure, 0, sounding));
        }
        cut.finish(NO_MEASURE, |_| f64::NAN, &mut slices);
        return slices;
    }
    let meter = Meter::of(first, score.divisions);
    for index in 0..first.measures.len() {
        cut.clear();
        for part in &score.parts {
            if let Some(measure) = part.measures.get(index) {
                cut.add(part, measure, measure.start, sounding);
            }
        }
        cut.finish(index as u32, |offset| meter.beat(index, offset), &mut slices);
    }
    slices
}

/// The measure being cut; its buffers are used again for the next.
#[derive(Default)]
struct Cut {
    /// Where anything begins or ends, rests and grace notes included.
    edges: Vec<Tick>,
    sounding: Vec<(Tick, Tick, Pitch)>,
    /// Slice and pitch packed so that their order is the chord's.
    packed: Vec<u64>,
}

impl Cut {
    fn clear(&mut self) {
        self.edges.clear();
        self.edges.push(0);
        self.sounding.clear();
        self.packed.clear();
    }

    /// A part's measure, as ticks from `start`.
    fn add(&mut self, part: &Part, measure: &Measure, start: Tick, sounding: bool) {
        let notes = &part.notes;
        for row in measure.notes.start as usize..measure.notes.end as usize {
            let from = notes.onset[row] - start;
            let to = from + notes.duration[row];
            self.edges.extend([from, to]);
            if !notes.flags[row].any(NoteFlags::REST.with(NoteFlags::UNPITCHED)) {
                let pitch = notes.pitch[row];
                let pitch =
                    if sounding { pitch.transposed(transposition(part, notes.onset[row])) } else { pitch };
                self.sounding.push((from, to, pitch));
            }
        }
        self.add_symbols(part, measure, start, sounding);
    }

    /// A chord symbol lasts no time, as a grace note.
    fn add_symbols(&mut self, part: &Part, measure: &Measure, start: Tick, sounding: bool) {
        for symbol in symbols_in(part, measure) {
            let at = symbol.at - start;
            let by = if sounding { transposition(part, symbol.at) } else { Transpose::default() };
            self.edges.push(at);
            let symbol = chord_symbol::symbol(&symbol.value).unwrap_or_default();
            self.sounding.extend(symbol.pitches.into_iter().map(|pitch| (at, at, pitch.transposed(by))));
        }
    }

    fn finish(&mut self, measure: u32, beat: impl Fn(Tick) -> f64, slices: &mut Slices) {
        self.edges.sort_unstable();
        self.edges.dedup();
        for &(from, to, pitch) in &self.sounding {
            let first = self.edges.partition_point(|&edge| edge < from);
            let covered = self.edges[first..].iter().take_while(|&&edge| edge < to).count();
            // A grace note lasts no time and still belongs to the slice that begins with it.
            let covered = first..first + covered.max(1);
            self.packed.extend(covered.map(|slice| pack(slice, pitch)));
        }
        self.packed.sort_unstable();
        self.packed.dedup();
        for of_slice in self.packed.chunk_by(|a, b| a >> 32 == b >> 32) {
            let slice = (of_slice[0] >> 32) as usize;
            let Some(&end) = self.edges.get(slice + 1) else { continue };
            let offset = self.edges[slice];
            slices.measure.push(measure);
            slices.offset.push(offset);
            slices.duration.push(end - offset);
            slices.beat.push(beat(offset));
            slices.pitches.extend(of_slice.iter().map(|&packed| unpack(packed)));
            slices.end.push(slices.pitches.len() as u32);
        }
    }
}

/// A part's chord symbols in one of its measures.
pub(super) fn symbols_in<'a>(part: &'a Part, measure: &Measure) -> &'a [Timed<Harmony>] {
    &part.harmonies[measure.harmonies.start as usize..measure.harmonies.end as usize]
}

/// The transposition that holds at a time.
fn transposition(part: &Part, at: Tick) -> Transpose {
    let later = part.transpositions.partition_point(|timed: &Timed<Transpose>| timed.at <= at);
    later.checked_sub(1).map_or_else(Transpose::default, |row| part.transpositions[row].value)
}

/// Slice, staff step above C-128, quarter tones above -256.
fn pack(slice: usize, pitch: Pitch) -> u64 {
    let step = (pitch.diatonic() + 7 * 128) as u64;
    let quarters = (2 * i32::from(pitch.alter) - i32::from(pitch.quarter_below) + 256) as u64;
    (slice as u64) << 32 | step << 16 | quarters
}

fn unpack(packed: u64) -> Pitch {
    let step = (packed as u32 >> 16) as i32 - 7 * 128;
    let quarters = (packed & 0xffff) as i32 - 256;
    Pitch {
        step: music21_mcp_score::Step::ALL[step.rem_euclid(7) as usize],
        alter: ((quarters + 1) >> 1) as i8,
        octave: step.div_euclid(7) as i8,
        quarter_below: quarters & 1 == 1,
    }
}
