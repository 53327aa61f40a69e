//! Chords that the score itself writes, as chords of notes or as chord symbols.

use music21_mcp_score::{NoteFlags, Part, Pitch, Tick};

use super::chord_symbol;
use super::chordify::{Slice, symbols_in};
use super::meter::Meter;

/// Where a written chord stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) measure: usize,
    offset: Tick,
    duration: Tick,
    beat: f64,
}

impl At {
    pub(super) fn slice(self, pitches: &[Pitch]) -> Slice<'_> {
        Slice {
            measure: self.measure,
            offset: self.offset,
            duration: self.duration,
            beat: self.beat,
            pitches,
        }
    }
}

/// A part's written chords: measure by measure, in a measure voice by voice, in a voice by time.
/// A chord with an unpitched member is percussion and no chord.
pub(super) fn written_chords(part: &Part, divisions: u32) -> Vec<(At, Vec<Pitch>)> {
    let notes = &part.notes;
    let meter = Meter::of(part, divisions);
    let mut chords = Vec::new();
    for (index, measure) in part.measures.iter().enumerate() {
        let rows = measure.notes.start as usize..measure.notes.end as usize;
        let voices = &notes.voice[rows.clone()];
        let has_voices = voices.iter().any(|voice| *voice != voices[0]);
        let mut in_measure: Vec<(u8, At, Vec<Pitch>)> = Vec::new();
        // Before the notes of their moment; where the measure has voices, before these.
        let voice = if has_voices { 0 } else { voices.first().copied().unwrap_or_default() };
        for symbol in symbols_in(part, measure) {
            let offset = symbol.at - measure.start;
            let at = At { measure: index, offset, duration: 0, beat: meter.beat(index, offset) };
            in_measure.push((voice, at, chord_symbol::pitches(&symbol.value)));
        }
        let mut row = rows.start;
        while row < rows.end {
            let members = (row + 1..rows.end).take_while(|&at| notes.flags[at].has(NoteFlags::CHORD)).count();
            let chord = row..=row + members;
            let unpitched = notes.flags[chord.clone()].iter().any(|flags| flags.has(NoteFlags::UNPITCHED));
            if members > 0 && !unpitched {
                let onset = notes.onset[row];
                let offset = onset - measure.start;
                let beat =
                    if has_voices { meter.beat_in_voice(index, onset) } else { meter.beat(index, offset) };
                let at = At { measure: index, offset, duration: notes.duration[row], beat };
                in_measure.push((notes.voice[row], at, notes.pitch[chord].to_vec()));
            }
            row += members + 1;
        }
        in_measure.sort_by_key(|(voice, at, _)| (*voice, at.offset));
        chords.extend(in_measure.into_iter().map(|(_, at, pitches)| (at, pitches)));
    }
    chords
}
