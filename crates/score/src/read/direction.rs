//! `<direction>` and `<sound>`: tempos, dynamics, rehearsal marks, and what else has a place in time.
//!
//! What begins or ends between notes only (wedges, brackets, dashes, octave shifts) has none in music21,
//! and does not lengthen its measure.

use super::attributes::staff_number;
use super::cursor::Tag;
use super::draft::{Draft, add};
use super::error::Problem;
use super::number::{decimal, signed_decimal};
use crate::{Tempo, Tick, Timed, Word};

type Result<T> = std::result::Result<T, Problem>;

/// A pedal mark that has not ended.
#[derive(Debug)]
pub(super) struct Pedal {
    number: Option<String>,
    /// Drawn as a sign, without a line so far.
    sign: bool,
    /// Part, measure and tick where it began.
    start: (usize, usize, Tick),
}

/// What a `<direction>` holds that has a place in time.
#[derive(Default)]
struct Directions {
    words: Vec<Word>,
    tempos: Vec<Tempo>,
    /// A sign of no further interest, or any of the above.
    placed: bool,
    /// A metronome mark, which a sound's tempo does not add to.
    metronome: bool,
    pedals: Vec<PedalChange>,
}

struct PedalChange {
    number: Option<String>,
    kind: String,
    sign: bool,
}

impl Draft<'_> {
    pub(super) fn direction(&mut self) -> Result<()> {
        let mut found = Directions::default();
        let mut sound = None;
        let mut staff = 0;
        let mut at = self.now.at;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "direction-type" => self.direction_type(&mut found)?,
                "sound" => {
                    sound = sound.or(tempo_attribute(&tag)?);
                    self.cursor.skip()?;
                }
                "offset" => at = self.offset()?,
                "staff" => staff = self.staff()?,
                _ => self.cursor.skip()?,
            }
        }
        for pedal in std::mem::take(&mut found.pedals) {
            found.placed |= self.pedal(pedal, at);
        }
        if !found.metronome {
            found.tempos.extend(sound.and_then(playback));
        }
        if found.placed || !found.tempos.is_empty() {
            self.reach(at);
            self.see_staff(staff);
        }
        for tempo in found.tempos {
            self.tempo(tempo, at, staff)?;
        }
        for word in found.words {
            self.count_row()?;
            let at = add(self.now.start, at)?;
            self.part.words.push(Timed { at, value: word });
            self.staves.words.push(staff);
        }
        Ok(())
    }

    pub(super) fn sound(&mut self, tag: &Tag<'_>) -> Result<()> {
        let tempo = tempo_attribute(tag)?;
        let mut at = self.now.at;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "offset" => at = self.offset()?,
                _ => self.cursor.skip()?,
            }
        }
        let Some(tempo) = tempo.and_then(playback) else { return Ok(()) };
        self.reach(at);
        self.tempo(tempo, at, 0)
    }

    fn tempo(&mut self, tempo: Tempo, at: Tick, staff: u8) -> Result<()> {
        self.count_row()?;
        let at = add(self.now.start, at)?;
        self.part.tempos.push(Timed { at, value: tempo });
        self.staves.tempos.push(staff);
        Ok(())
    }

    /// The number in `<staff>`; 0 if it is none.
    pub(super) fn staff(&mut self) -> Result<u8> {
        Ok(staff_number(&self.cursor.text()?)?.unwrap_or(0))
    }

    /// The text of `<offset>`, which may be negative, as ticks from the measure's start. What is no
    /// number is no offset.
    pub(super) fn offset(&mut self) -> Result<Tick> {
        let text = self.cursor.text()?;
        let number = decimal(&text).map(|number| (false, number)).or_else(|| signed_decimal(&text));
        let Some((back, size)) = number else { return Ok(self.now.at) };
        let ticks = self.fraction(size).ok_or_else(|| Problem::Overflow { value: text.into_owned() })?;
        if back { Ok(self.now.at.saturating_sub(ticks)) } else { add(self.now.at, ticks) }
    }

    fn direction_type(&mut self, found: &mut Directions) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "metronome" => {
                    (found.placed, found.metronome) = (true, true);
                    found.tempos.extend(self.metronome()?);
                    continue;
                }
                "dynamics" => {
                    self.dynamics(found)?;
                    continue;
                }
                "rehearsal" => {
                    found.words.push(Word::Rehearsal(self.cursor.text()?.into_owned()));
                    found.placed = true;
                    continue;
                }
                "words" | "coda" | "segno" => found.placed = true,
                "pedal" => found.pedals.push(PedalChange {
                    number: tag.attribute("number")?.map(|number| number.into_owned()),
                    kind: tag.attribute("type")?.unwrap_or_default().into_owned(),
                    sign: tag.attribute("line")?.as_deref() == Some("no")
                        || tag.attribute("sign")?.as_deref() == Some("yes"),
                }),
                _ => {}
            }
            self.cursor.skip()?;
        }
        Ok(())
    }

    fn dynamics(&mut self, found: &mut Directions) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            let name = tag.name().to_owned();
            let text = self.cursor.text()?;
            let named = if name == "other-dynamic" && !text.is_empty() { text.into_owned() } else { name };
            found.words.push(Word::Dynamic(named));
            found.placed = true;
        }
        Ok(())
    }

    /// Whether the change has a place of its own in time, as music21's bounces and gaps have.
    fn pedal(&mut self, change: PedalChange, at: Tick) -> bool {
        let here = (self.score.parts.len(), self.part.measures.len(), at);
        let open = self.pedals.iter().position(|pedal| pedal.number == change.number);
        match (change.kind.as_str(), open) {
            ("start" | "sostenuto", _) => {
                self.pedals.push(Pedal { number: change.number, sign: change.sign, start: here });
                false
            }
            ("stop", Some(open)) => {
                self.pedals.remove(open);
                false
            }
            ("discontinue" | "change", Some(_)) => true,
            ("resume", Some(open)) => {
                let pedal = &mut self.pedals[open];
                let at_start = pedal.sign && pedal.start == here;
                pedal.sign &= !at_start;
                !at_start
            }
            _ => false,
        }
    }

    /// A tempo of one beat unit; a text in place of a number gives a mark without one, two units none.
    fn metronome(&mut self) -> Result<Option<Tempo>> {
        let mut units: Vec<f64> = Vec::new();
        let mut dots = 0;
        let mut per_minute = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "beat-unit" => units.push(quarters(&self.cursor.text()?).unwrap_or(1.0)),
                "beat-unit-dot" => {
                    dots += 1;
                    self.cursor.skip()?;
                }
                "per-minute" => per_minute = per_minute.or(number(&self.cursor.text()?)),
                _ => self.cursor.skip()?,
            }
        }
        if units.len() > 1 {
            return Ok(None);
        }
        // n dots lengthen a note by the factor 2 - 1/2^n.
        let beat = units.first().copied().unwrap_or(1.0) * (2.0 - 0.5_f64.powi(dots));
        let quarters_per_minute =
            per_minute.filter(|&number| number > 0.0).map_or(0.0, |number| number * beat);
        Ok(Some(Tempo { quarters_per_minute, beat: Some(beat) }))
    }
}

/// A tempo for playback; 0 is none.
fn playback(quarters_per_minute: f64) -> Option<Tempo> {
    (quarters_per_minute > 0.0).then_some(Tempo { quarters_per_minute, beat: None })
}

fn tempo_attribute(tag: &Tag<'_>) -> Result<Option<f64>> {
    Ok(tag.attribute("tempo")?.and_then(|text| number(&text)))
}

/// A finite number. Texts such as `c. 120` are none, as in music21.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// The length of a note type in quarter notes.
fn quarters(note_type: &str) -> Option<f64> {
    const TYPES: [&str; 14] = [
        "maxima", "long", "breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th", "128th",
        "256th", "512th", "1024th",
    ];
    let index = TYPES.iter().position(|&name| name == note_type)?;
    Some(0.5_f64.powi(index as i32 - 5))
}
