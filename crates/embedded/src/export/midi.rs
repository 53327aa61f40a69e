//! Standard MIDI files: format 1, a conductor's track and one track a part, at sounding pitch.
//!
//! Tied notes are joined, repeats and endings played. Grace notes, which take no time in the model, are not.

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};
use music21_mcp_score::{KeySignature, Mode, NoteFlags, Part, Score, Tick, TimeSignature, Timed};

use super::marks::{at, sounding_key};
use super::repeats::{order, played, unfold};

/// The file.
pub(super) fn write(score: &Score) -> Vec<u8> {
    let clock = Clock::new(score.divisions);
    let channels = channels(&score.parts);
    let order = order(&score.parts);
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(clock.per_quarter)));
    let mut bytes = file_of_one(header, conductor(score, &order, clock));
    // One at a time: to have memory for the events of a whole orchestra took longer than to fill it.
    for (part, channel) in score.parts.iter().zip(channels) {
        bytes.extend_from_slice(&file_of_one(header, track(part, channel, &order, clock))[HEADER_BYTES..]);
    }
    let tracks = u16::try_from(score.parts.len() + 1).unwrap_or(u16::MAX);
    bytes[TRACK_COUNT].copy_from_slice(&tracks.to_be_bytes());
    bytes
}

/// The header is a chunk as long in every file; behind its format is how many tracks follow.
const HEADER_BYTES: usize = 14;
const TRACK_COUNT: std::ops::Range<usize> = 10..12;

fn file_of_one(header: Header, track: Vec<TrackEvent<'_>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // OK because writing to memory does not fail, and no track is longer than 4 GiB.
    Smf { header, tracks: vec![track] }.write(&mut bytes).expect("memory takes the file");
    bytes
}

/// From score ticks to MIDI ticks.
#[derive(Debug, Clone, Copy)]
struct Clock {
    per_quarter: u16,
    divisions: u32,
}

impl Clock {
    /// Exact where MIDI's 15 bits allow it, else music21's 10080 to the quarter note.
    fn new(divisions: u32) -> Self {
        let divisions = divisions.max(1);
        // At least 96, below which some sequencers play badly.
        let exact = divisions * 96_u32.div_ceil(divisions);
        Self {
            per_quarter: u16::try_from(exact).ok().filter(|&ticks| ticks < 1 << 15).unwrap_or(10_080),
            divisions,
        }
    }

    fn ticks(self, tick: Tick) -> u32 {
        let half = u64::from(self.divisions) / 2;
        let ticks = (u64::from(tick) * u64::from(self.per_quarter) + half) / u64::from(self.divisions);
        ticks.min(u64::from(u32::MAX)) as u32
    }
}

/// One channel for each program, as far as fifteen go; the tenth is for percussion.
fn channels(parts: &[Part]) -> Vec<u8> {
    let mut programs: Vec<u8> = Vec::new();
    let mut channel = |part: &Part| {
        if is_percussion(part) {
            return 9;
        }
        let program = program(part);
        let index = programs.iter().position(|&known| known == program).unwrap_or_else(|| {
            programs.push(program);
            programs.len() - 1
        });
        let channel = (index % 15) as u8;
        channel + u8::from(channel >= 9)
    };
    parts.iter().map(&mut channel).collect()
}

fn program(part: &Part) -> u8 {
    part.instrument.midi_program.unwrap_or(1).saturating_sub(1).min(127)
}

fn is_percussion(part: &Part) -> bool {
    part.instrument.midi_channel == Some(10)
        || part.instrument.midi_unpitched.is_some()
        || part.notes.flags.first().is_some_and(|flags| flags.has(NoteFlags::UNPITCHED))
}

fn conductor(score: &Score, order: &[usize], clock: Clock) -> Vec<TrackEvent<'static>> {
    let mut marks: Vec<(u32, MetaMessage<'static>)> = Vec::new();
    let times = |part| played(part, order).unwrap_or_default();
    let with_tempos = score.parts.iter().find(|part| !part.tempos.is_empty());
    let tempos = with_tempos.map(|part| unfold(part, &times(part), &part.tempos)).unwrap_or_default();
    for tempo in tempos.iter().filter(|tempo| tempo.value.quarters_per_minute > 0.0) {
        let microseconds = (60e6 / tempo.value.quarters_per_minute).clamp(1.0, 16_777_215.0);
        marks.push((clock.ticks(tempo.at), MetaMessage::Tempo(u24::new(microseconds as u32))));
    }
    if let Some(part) = score.parts.first() {
        let times = times(part);
        for time in unfold(part, &times, &part.times) {
            let TimeSignature { beats, beat_type, .. } = time.value;
            if !beat_type.is_power_of_two() {
                // MIDI has no such signature.
                continue;
            }
            let beats = u8::try_from(beats).unwrap_or(u8::MAX);
            let message = MetaMessage::TimeSignature(beats, beat_type.trailing_zeros() as u8, 24, 8);
            marks.push((clock.ticks(time.at), message));
        }
        let sounding = part.keys.iter().map(|key| {
            let by = at(&part.transpositions, key.at).unwrap_or_default();
            Timed { at: key.at, value: sounding_key(key.value, by) }
        });
        for key in unfold(part, &times, &sounding.collect::<Vec<_>>()) {
            let KeySignature { fifths, mode, steps } = key.value;
            if steps.is_none() && (-7..=7).contains(&fifths) {
                marks.push((
                    clock.ticks(key.at),
                    MetaMessage::KeySignature(fifths, mode == Some(Mode::Minor)),
                ));
            }
        }
    }
    marks.sort_by_key(|(time, _)| *time);
    finish(marks.into_iter().map(|(time, message)| (time, TrackEventKind::Meta(message))))
}

fn track<'p>(part: &'p Part, channel: u8, order: &[usize], clock: Clock) -> Vec<TrackEvent<'p>> {
    let channel = u4::new(channel);
    let name = TrackEventKind::Meta(MetaMessage::TrackName(part.name.as_bytes()));
    let message = MidiMessage::ProgramChange { program: u7::new(program(part)) };
    let head = [(0, name), (0, TrackEventKind::Midi { channel, message })];
    let sounding = sounding(part, order);
    let begin = sounding.iter().map(|note| Stroke::new(clock.ticks(note.start), true, note.key));
    let end = sounding.iter().map(|note| Stroke::new(clock.ticks(note.end), false, note.key));
    let mut strokes: Vec<Stroke> = Vec::with_capacity(sounding.len() * 2);
    strokes.extend(begin.chain(end));
    // Where one note follows the other both halves are in order, and the stable sort merges what is in order.
    strokes.sort();
    finish(head.into_iter().chain(strokes.into_iter().map(|stroke| {
        let (key, vel) = (u7::new(stroke.key()), u7::new(if stroke.is_on() { 90 } else { 0 }));
        // A note-on without velocity ends a note and lets the running status go on.
        (stroke.time(), TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel } })
    })))
}

/// Delta times and the end of the track.
fn finish<'a>(events: impl Iterator<Item = (u32, TrackEventKind<'a>)>) -> Vec<TrackEvent<'a>> {
    let mut now = 0;
    let mut track: Vec<TrackEvent<'a>> = events
        .map(|(time, kind)| {
            let delta = u28::new((time - now).min((1 << 28) - 1));
            now = time;
            TrackEvent { delta, kind }
        })
        .collect();
    track.push(TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}

/// A note's beginning or end, packed so that sorting is by time, ends first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stroke(u64);

impl Stroke {
    fn new(time: u32, on: bool, key: u8) -> Self {
        Self(u64::from(time) << 16 | u64::from(on) << 8 | u64::from(key))
    }

    fn time(self) -> u32 {
        (self.0 >> 16) as u32
    }

    fn is_on(self) -> bool {
        self.0 & 1 << 8 != 0
    }

    fn key(self) -> u8 {
        self.0 as u8
    }
}

/// A note as it sounds, in score ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sounding {
    start: Tick,
    end: Tick,
    key: u8,
}

fn sounding(part: &Part, order: &[usize]) -> Vec<Sounding> {
    let notes = &part.notes;
    let percussion = is_percussion(part);
    let mut sounding: Vec<Sounding> = Vec::with_capacity(notes.len());
    // Notes waiting for their tie to go on: index into `sounding`, by key.
    let mut tied: Vec<Option<usize>> = vec![None; 128];
    for play in played(part, order).unwrap_or_default() {
        let measure = &part.measures[play.measure];
        for row in measure.notes.start as usize..measure.notes.end as usize {
            let flags = notes.flags[row];
            let start = play.at.saturating_add(notes.onset[row] - measure.start);
            let end = start.saturating_add(notes.duration[row]);
            if flags.any(NoteFlags::REST.with(NoteFlags::GRACE)) || end == start {
                continue;
            }
            let key = key(part, row, percussion);
            // The tie's end need not be written: as in music21 the same pitch is enough.
            let waiting = tied[usize::from(key)].take().filter(|&index| sounding[index].end == start);
            let index = waiting.unwrap_or(sounding.len());
            match waiting {
                Some(index) => sounding[index].end = end,
                None => sounding.push(Sounding { start, end, key }),
            }
            if flags.has(NoteFlags::TIE_START) {
                tied[usize::from(key)] = Some(index);
            }
        }
    }
    sounding
}

fn key(part: &Part, row: usize, percussion: bool) -> u8 {
    let (pitch, flags) = (part.notes.pitch[row], part.notes.flags[row]);
    let of_kit = || {
        let found = part.notes.kit.binary_search_by_key(&(row as u32), |(row, _)| *row).ok();
        found.map(|index| part.notes.kit[index].1).or(part.instrument.midi_unpitched)
    };
    // Nothing is looked up for the notes of most parts.
    let drum = if percussion && flags.has(NoteFlags::UNPITCHED) { of_kit() } else { None };
    let midi = match drum {
        Some(key) => i32::from(key) - 1,
        None if part.transpositions.is_empty() => pitch.midi(),
        None => {
            let by = at(&part.transpositions, part.notes.onset[row]).unwrap_or_default();
            pitch.midi() + i32::from(by.chromatic)
        }
    };
    midi.clamp(0, 127) as u8
}

#[cfg(test)]
mod tests {
    use music21_mcp_score::{Barred, Transpose};

    use super::*;
    use crate::source::tiny_notation;

    /// (track, start, end, key) of every note of a file, as midly reads it.
    fn parsed(bytes: &[u8]) -> (u16, Vec<(usize, u32, u32, u8)>) {
        let smf = Smf::parse(bytes).unwrap();
        let Timing::Metrical(per_quarter) = smf.header.timing else { panic!("not metrical") };
        let mut notes = Vec::new();
        for (index, track) in smf.tracks.iter().enumerate() {
            let mut now = 0;
            let mut open: Vec<(u8, u32)> = Vec::new();
            for event in track {
                now += event.delta.as_int();
                let TrackEventKind::Midi { message: MidiMessage::NoteOn { key, vel }, .. } = event.kind
                else {
                    continue;
                };
                if vel.as_int() > 0 {
                    open.push((key.as_int(), now));
                } else {
                    let begun = open.iter().position(|(k, _)| *k == key.as_int()).unwrap();
                    notes.push((index, open.remove(begun).1, now, key.as_int()));
                }
            }
            assert!(open.is_empty(), "a note never ends");
        }
        notes.sort_unstable();
        (per_quarter.as_int(), notes)
    }

    #[test]
    fn notes_come_back_with_their_times_and_pitches() {
        let score = tiny_notation::read("3/4 c4 e8 r g4~ g2. trip{c'8 d' e'}").unwrap();
        let (per_quarter, notes) = parsed(&write(&score));
        assert_eq!(per_quarter, 768);
        assert_eq!(
            notes,
            [
                (1, 0, 768, 60),
                (1, 768, 1152, 64),
                (1, 1536, 4608, 67),
                (1, 4608, 4864, 72),
                (1, 4864, 5120, 74),
                (1, 5120, 5376, 76)
            ]
        );
    }

    #[test]
    fn a_transposing_part_sounds() {
        let mut score = tiny_notation::read("c4 c#").unwrap();
        let value = Transpose::new(-1, -2);
        score.parts[0].transpositions = vec![Timed { at: 0, value }];
        let keys: Vec<u8> = parsed(&write(&score)).1.iter().map(|note| note.3).collect();
        assert_eq!(keys, [58, 59]);
    }

    #[test]
    fn repeats_are_played_and_a_tie_needs_no_end() {
        let mut score = tiny_notation::read("2/4 c4 d e f").unwrap();
        score.parts[0].measures[0].barred = Barred { repeat_end: true, ..Barred::default() };
        let keys: Vec<u8> = parsed(&write(&score)).1.iter().map(|note| note.3).collect();
        assert_eq!(keys, [60, 62, 60, 62, 64, 65]);
        let mut score = tiny_notation::read("2/4 c4 c d d").unwrap();
        score.parts[0].notes.flags[0] = NoteFlags::TIE_START;
        assert_eq!(parsed(&write(&score)).1.len(), 3);
    }

    #[test]
    fn each_instrument_of_a_kit_has_its_key() {
        let mut score = tiny_notation::read("2/4 c4 d").unwrap();
        let part = &mut score.parts[0];
        part.notes.flags = vec![NoteFlags::UNPITCHED; 2];
        part.instrument.midi_unpitched = Some(39);
        part.notes.kit = vec![(1, 37)];
        let keys: Vec<u8> = parsed(&write(&score)).1.iter().map(|note| note.3).collect();
        assert_eq!(keys, [38, 36]);
    }

    #[test]
    fn divisions_beyond_midi_are_rounded_to_music21s() {
        let mut score = tiny_notation::read("c4 d").unwrap();
        score.divisions = 40_000;
        let part = &mut score.parts[0];
        part.notes.onset = vec![0, 40_000];
        part.notes.duration = vec![40_000, 20_000];
        let (per_quarter, notes) = parsed(&write(&score));
        assert_eq!((per_quarter, notes), (10_080, vec![(1, 0, 10_080, 60), (1, 10_080, 15_120, 62)]));
    }
}
