//! One part: the plan's chords in the instrument's range and its family's figures.

use super::OrchestraSpec;
use super::harmony::{Harmony, fifths_up};
use super::plan::{Bar, Plan};
use super::random::Random;
use super::rhythm::{Figure, cell, figure};
use super::roster::Player;
use crate::{
    Barred, KeySignature, Measure, NoteFlags, Notes, Part, Pitch, Step, Tempo, Tick, Timed, Transpose, Tuplet,
};

/// A figure lasts so many measures.
const FIGURE_MEASURES: usize = 4;

/// Fills a part, whose columns are cleared first.
pub(super) fn compose(spec: &OrchestraSpec, plan: &Plan, player: &Player, index: usize, part: &mut Part) {
    part.notes.truncate(0);
    part.measures.clear();
    marks(plan, player, index, part);
    let mut composer = Composer {
        random: Random::new(spec.seed, index as u64 + 1),
        player,
        at: (player.model.range.0 + player.model.range.1) / 2,
        upwards: true,
        held: None,
    };
    let mut start = 0;
    let mut figure_now = Figure::Rest;
    for (number, bar) in plan.bars.iter().enumerate() {
        if number % FIGURE_MEASURES == 0 {
            figure_now = figure(player.model.family, &mut composer.random);
        }
        let first = part.notes.len() as u32;
        composer.measure(bar, figure_now, start, &mut part.notes);
        let length = bar.metre.beat * bar.metre.beats;
        part.measures.push(Measure {
            number: (number + 1).to_string(),
            start,
            length,
            implicit: false,
            barred: Barred { final_bar: number + 1 == plan.bars.len(), ..Barred::default() },
            notes: first..part.notes.len() as u32,
            harmonies: 0..0,
        });
        start += length;
    }
}

/// Clef, keys, times, transposition; tempos stand in the first part.
fn marks(plan: &Plan, player: &Player, index: usize, part: &mut Part) {
    let transpose = player.model.transpose;
    part.clefs = vec![Timed { at: 0, value: player.model.clef }];
    part.transpositions.clear();
    if transpose != Transpose::default() {
        part.transpositions.push(Timed { at: 0, value: transpose });
    }
    part.keys.clear();
    part.times.clear();
    part.tempos.clear();
    let mut at = 0;
    for bar in &plan.bars {
        let key = if player.is_pitched() {
            let signature = bar.key.signature();
            KeySignature { fifths: signature.fifths + fifths_up(transpose), ..signature }
        } else {
            KeySignature::default()
        };
        if part.keys.last().is_none_or(|last| last.value != key) {
            part.keys.push(Timed { at, value: key });
        }
        if part.times.last().is_none_or(|last| last.value != bar.metre.signature) {
            part.times.push(Timed { at, value: bar.metre.signature });
        }
        if let Some(tempo) = bar.tempo.filter(|_| index == 0) {
            part.tempos.push(Timed { at, value: Tempo::quarters(tempo.into()) });
        }
        at += bar.metre.beat * bar.metre.beats;
    }
}

struct Composer<'p> {
    random: Random,
    player: &'p Player,
    /// Where the hand is, in written staff steps above C0.
    at: i32,
    upwards: bool,
    /// The note held to the end of the last measure, which may be tied over.
    held: Option<(Pitch, usize)>,
}

impl Composer<'_> {
    fn measure(&mut self, bar: &Bar, figure: Figure, start: Tick, notes: &mut Notes) {
        let length = bar.metre.beat * bar.metre.beats;
        match figure {
            Figure::Rest => {
                self.held = None;
                let rest = NoteFlags::REST.with(NoteFlags::MEASURE_REST);
                push(notes, start, length, Pitch::new(Step::C, 0, 4), rest);
            }
            Figure::Long => self.long(bar, start, notes),
            _ => self.moving(bar, figure, start, notes),
        }
    }

    /// One note as long as the measure, tied from the last if it is the same.
    fn long(&mut self, bar: &Bar, start: Tick, notes: &mut Notes) {
        let harmony = Harmony::new(bar, bar.chords[0], self.player.model.transpose);
        self.seek_chord_note(&harmony);
        let pitch = harmony.pitch(self.at);
        let tied_from = self.held.filter(|(held, _)| *held == pitch && self.player.is_pitched());
        let mut flags = self.sound();
        if let Some((_, row)) = tied_from {
            notes.flags[row] = notes.flags[row].with(NoteFlags::TIE_START);
            flags = flags.with(NoteFlags::TIE_STOP);
        }
        let (last, before) = match bar.metre.whole.split_last() {
            Some((last, before)) => (*last, before),
            None => return,
        };
        let mut onset = start;
        for &ticks in before {
            push(notes, onset, ticks, pitch, flags.with(NoteFlags::TIE_START));
            flags = self.sound().with(NoteFlags::TIE_STOP);
            onset += ticks;
        }
        self.held = Some((pitch, notes.len()));
        push(notes, onset, last, pitch, flags);
    }

    /// Beat by beat.
    fn moving(&mut self, bar: &Bar, figure: Figure, start: Tick, notes: &mut Notes) {
        self.held = None;
        let metre = bar.metre;
        let transpose = self.player.model.transpose;
        let mut harmony = Harmony::new(bar, bar.chords[0], transpose);
        let half = metre.beats.div_ceil(2);
        let mut onset = start;
        for beat in 0..metre.beats {
            if beat == half && bar.chords[1] != bar.chords[0] {
                harmony = Harmony::new(bar, bar.chords[1], transpose);
            }
            if beat == 0 && self.player.model.bass {
                self.seek_root(&harmony);
            }
            let (values, tuplet) = cell(figure, metre.beat, &mut self.random);
            for (index, &ticks) in values.iter().enumerate() {
                self.step(figure, index == 0, &harmony);
                if let Some(tuplet) = tuplet {
                    notes.tuplets.push((notes.len() as u32, tuplet));
                }
                push(notes, onset, ticks, harmony.pitch(self.at), self.sound());
                if figure == Figure::Chords {
                    self.stack(&harmony, onset, ticks, tuplet, notes);
                }
                onset += ticks;
            }
        }
    }

    /// Moves the hand to the next note of a figure.
    #[inline]
    fn step(&mut self, figure: Figure, on_beat: bool, harmony: &Harmony) {
        match figure {
            Figure::Run | Figure::Melody if !on_beat => self.turned_step(1),
            Figure::Melody => {
                self.upwards = self.random.once_in(2);
                self.turned_step(1);
                self.seek_chord_note(harmony);
            }
            Figure::Run if self.random.once_in(4) => {
                self.upwards = !self.upwards;
                self.turned_step(1);
            }
            Figure::Run => self.turned_step(1),
            Figure::Arpeggio | Figure::Fanfare => {
                self.turned_step(1);
                while !harmony.has(self.at) && self.can_turn() {
                    self.turned_step(1);
                }
            }
            Figure::Repeat if !on_beat => {}
            _ => self.seek_chord_note(harmony),
        }
    }

    fn can_turn(&self) -> bool {
        self.player.model.range.1 - self.player.model.range.0 >= 7
    }

    /// A step in the hand's direction, which turns at the ends of the range.
    #[inline]
    fn turned_step(&mut self, size: i32) {
        let (low, high) = self.player.model.range;
        if self.upwards && self.at + size > high {
            self.upwards = false;
        } else if !self.upwards && self.at - size < low {
            self.upwards = true;
        }
        self.at = (self.at + if self.upwards { size } else { -size }).clamp(low, high);
    }

    /// The nearest chord note; an unpitched instrument has one position only.
    #[inline]
    fn seek_chord_note(&mut self, harmony: &Harmony) {
        let (low, high) = self.player.model.range;
        for distance in 0..7 {
            for position in [self.at + distance, self.at - distance] {
                if (low..=high).contains(&position) && harmony.has(position) {
                    self.at = position;
                    return;
                }
            }
        }
    }

    /// The root in the lower half of the range.
    fn seek_root(&mut self, harmony: &Harmony) {
        let low = self.player.model.range.0;
        self.at = low + (harmony.root - low).rem_euclid(7);
    }

    /// One or two chord notes above.
    fn stack(
        &mut self,
        harmony: &Harmony,
        onset: Tick,
        ticks: Tick,
        tuplet: Option<Tuplet>,
        notes: &mut Notes,
    ) {
        let members = 1 + self.random.below(2);
        let mut position = self.at;
        for _ in 0..members {
            position += 2;
            while !harmony.has(position) {
                position += 1;
            }
            if position > self.player.model.range.1 {
                return;
            }
            if let Some(tuplet) = tuplet {
                notes.tuplets.push((notes.len() as u32, tuplet));
            }
            push(notes, onset, ticks, harmony.pitch(position), self.sound().with(NoteFlags::CHORD));
        }
    }

    #[inline]
    fn sound(&self) -> NoteFlags {
        if self.player.is_pitched() { NoteFlags::default() } else { NoteFlags::UNPITCHED }
    }
}

#[inline]
fn push(notes: &mut Notes, onset: Tick, duration: Tick, pitch: Pitch, flags: NoteFlags) {
    // What stands on no line that sounds has no alteration.
    let alter = if flags.any(NoteFlags::UNPITCHED) { 0 } else { pitch.alter };
    notes.onset.push(onset);
    notes.duration.push(duration);
    notes.pitch.push(Pitch { alter, ..pitch });
    notes.flags.push(flags);
    notes.voice.push(1);
}
