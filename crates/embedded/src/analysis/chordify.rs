//! Chordify: a score cut wherever a note begins or ends, as music21's `chordify` does, measure by
//! measure.

use music21_mcp_score::{Harmony, Measure, NoteFlags, Part, Pitch, Score, Tick, Timed, Transpose};

use super::chord_symbol;
use super::meter::Meter;

/// The slices in which something pitched sounds, in order; one column per property.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slices {
    /// Index of the measure.
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

/// One slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slice<'a> {
    /// Index of the measure in the first part.
    pub measure: usize,
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
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.measure.len()
    }

    /// In order of time.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Slice<'_>> {
        (0..self.len()).map(|row| {
            let from = row.checked_sub(1).map_or(0, |before| self.end[before]);
            Slice {
                measure: self.measure[row] as usize,
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
    let sounding = first.transpositions.iter().any(|timed| timed.value != Transpose::default());
    let meter = Meter::of(first, score.divisions);
    let mut slices = Slices::default();
    let mut cut = Cut::default();
    for measure in 0..first.measures.len() {
        cut.clear();
        for part in &score.parts {
            cut.add(part, measure, sounding);
        }
        cut.finish(measure, &meter, &mut slices);
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

    fn add(&mut self, part: &Part, measure: usize, sounding: bool) {
        let Some(measure) = part.measures.get(measure) else { return };
        let notes = &part.notes;
        for row in measure.notes.start as usize..measure.notes.end as usize {
            let from = notes.onset[row] - measure.start;
            let to = from + notes.duration[row];
            self.edges.extend([from, to]);
            if !notes.flags[row].any(NoteFlags::REST.with(NoteFlags::UNPITCHED)) {
                let by = if sounding { transposition(part, notes.onset[row]) } else { Transpose::default() };
                self.sounding.push((from, to, notes.pitch[row].transposed(by)));
            }
        }
        self.add_symbols(part, measure, sounding);
    }

    /// A chord symbol lasts no time, as a grace note.
    fn add_symbols(&mut self, part: &Part, measure: &Measure, sounding: bool) {
        for symbol in symbols_in(part, measure) {
            let at = symbol.at - measure.start;
            let by = if sounding { transposition(part, symbol.at) } else { Transpose::default() };
            self.edges.push(at);
            let pitches = chord_symbol::pitches(&symbol.value).into_iter();
            self.sounding.extend(pitches.map(|pitch| (at, at, pitch.transposed(by))));
        }
    }

    fn finish(&mut self, measure: usize, meter: &Meter<'_>, slices: &mut Slices) {
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
            slices.measure.push(measure as u32);
            slices.offset.push(offset);
            slices.duration.push(end - offset);
            slices.beat.push(meter.beat(measure, offset));
            slices.pitches.extend(of_slice.iter().map(|&packed| unpack(packed)));
            slices.end.push(slices.pitches.len() as u32);
        }
    }
}

/// A part's chord symbols in one of its measures.
pub(super) fn symbols_in<'a>(part: &'a Part, measure: &Measure) -> &'a [Timed<Harmony>] {
    let from = part.harmonies.partition_point(|symbol| symbol.at < measure.start);
    let end = part.harmonies.partition_point(|symbol| symbol.at < measure.start + measure.length);
    &part.harmonies[from..end.max(from)]
}

/// The transposition that holds at a time.
fn transposition(part: &Part, at: Tick) -> Transpose {
    let later = part.transpositions.partition_point(|timed: &Timed<Transpose>| timed.at <= at);
    later.checked_sub(1).map_or_else(Transpose::default, |row| part.transpositions[row].value)
}

/// Slice, staff step above C-128, alteration above -128.
fn pack(slice: usize, pitch: Pitch) -> u64 {
    let step = (pitch.diatonic() + 7 * 128) as u64;
    let alter = (i32::from(pitch.alter) + 128) as u64;
    (slice as u64) << 32 | step << 8 | alter
}

fn unpack(packed: u64) -> Pitch {
    let step = (packed as u32 >> 8) as i32 - 7 * 128;
    Pitch {
        step: music21_mcp_score::Step::ALL[step.rem_euclid(7) as usize],
        alter: ((packed & 0xff) as i32 - 128) as i8,
        octave: step.div_euclid(7) as i8,
    }
}
