//! Chords that the score itself writes, as chords of notes or as chord symbols.

use music21_mcp_score::{NoteFlags, Part, Tick};

use super::chord_symbol::{self, Symbol};
use super::chordify::symbols_in;
use super::meter::Meter;

/// A chord that the score writes.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Index of the measure.
    pub(super) measure: usize,
    /// Ticks from the measure's start.
    pub(super) offset: Tick,
    pub(super) duration: Tick,
    pub(super) beat: f64,
    /// As a symbol, with the root and bass that it says.
    pub(super) chord: Symbol,
}

/// A part's written chords: measure by measure, in a measure voice by voice, in a voice by time.
/// A chord with an unpitched member is percussion and no chord.
pub(super) fn written_chords(part: &Part, divisions: u32) -> Vec<Written> {
    let notes = &part.notes;
    let meter = Meter::of(part, divisions);
    let mut chords = Vec::new();
    for (index, measure) in part.measures.iter().enumerate() {
        let rows = measure.notes.start as usize..measure.notes.end as usize;
        let voices = &notes.voice[rows.clone()];
        let has_voices = voices.iter().any(|voice| *voice != voices[0]);
        let mut in_measure: Vec<(u8, Written)> = Vec::new();
        // Before the notes of their moment; where the measure has voices, before these.
        let voice = if has_voices { 0 } else { voices.first().copied().unwrap_or_default() };
        for symbol in symbols_in(part, measure) {
            let offset = symbol.at - measure.start;
            let chord = chord_symbol::symbol(&symbol.value).unwrap_or_default();
            let beat = meter.beat(index, offset);
            in_measure.push((voice, Written { measure: index, offset, duration: 0, beat, chord }));
        }
        let mut row = rows.start;
        while row < rows.end {
            let members = (row + 1..rows.end).take_while(|&at| notes.flags[at].has(NoteFlags::CHORD)).count();
            let chord = row..=row + members;
            let unpitched = notes.flags[chord.clone()].iter().any(|flags| flags.has(NoteFlags::UNPITCHED));
            if (members > 0 || notes.flags[row].has(NoteFlags::LONE_CHORD)) && !unpitched {
                let onset = notes.onset[row];
                let offset = onset - measure.start;
                let beat = if has_voices { meter.beat_in_voice(onset) } else { meter.beat(index, offset) };
                let pitches = notes.pitch[chord].to_vec();
                let chord = Symbol { pitches, root: None, bass: None };
                let duration = notes.duration[row];
                in_measure
                    .push((notes.voice[row], Written { measure: index, offset, duration, beat, chord }));
            }
            row += members + 1;
        }
        in_measure.sort_by_key(|(voice, written)| (*voice, written.offset));
        chords.extend(in_measure.into_iter().map(|(_, written)| written));
    }
    chords
}
