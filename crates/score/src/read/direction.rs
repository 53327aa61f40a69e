//! `<direction>` and `<sound>` as far as they set a tempo, and `<harmony>`.

use super::cursor::Tag;
use super::draft::{Draft, add};
use super::error::Problem;
use super::number::{invalid, semitones};
use crate::{Harmony, Step, Tempo, Tick, Timed};

type Result<T> = std::result::Result<T, Problem>;

impl Draft<'_> {
    pub(super) fn direction(&mut self) -> Result<()> {
        let mut metronome = None;
        let mut sound = None;
        let mut staff = 0;
        let mut at = self.now.at;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "direction-type" => metronome = self.direction_type()?.or(metronome),
                "sound" => {
                    sound = sound.or(tempo_attribute(&tag)?);
                    self.cursor.skip()?;
                }
                "offset" => at = self.offset()?,
                "staff" => staff = self.staff()?,
                _ => self.cursor.skip()?,
            }
        }
        self.now.high = self.now.high.max(at);
        match metronome.or(sound) {
            Some(tempo) => self.tempo(tempo, at, staff),
            None => Ok(()),
        }
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
        match tempo {
            Some(tempo) => {
                self.now.high = self.now.high.max(at);
                self.tempo(tempo, at, 0)
            }
            None => Ok(()),
        }
    }

    fn tempo(&mut self, quarters_per_minute: f64, at: Tick, staff: u8) -> Result<()> {
        self.count_row()?;
        let at = add(self.now.start, at)?;
        self.part.tempos.push(Timed { at, value: Tempo { quarters_per_minute } });
        self.staves.tempos.push(staff);
        Ok(())
    }

    /// The text of `<staff>`.
    pub(super) fn staff(&mut self) -> Result<u8> {
        let text = self.cursor.text()?;
        self.see_staff(&text)
    }

    /// The text of `<offset>`, which may be negative, as ticks from the measure's start.
    fn offset(&mut self) -> Result<Tick> {
        let text = self.cursor.text()?;
        match text.strip_prefix('-') {
            Some(back) => Ok(self.now.at.saturating_sub(self.ticks(back, "offset")?)),
            None => {
                let ahead = self.ticks(&text, "offset")?;
                add(self.now.at, ahead)
            }
        }
    }

    fn direction_type(&mut self) -> Result<Option<f64>> {
        let mut tempo = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "metronome" => tempo = self.metronome()?.or(tempo),
                _ => self.cursor.skip()?,
            }
        }
        Ok(tempo)
    }

    /// Quarter notes per minute, if a number is given for one beat unit.
    fn metronome(&mut self) -> Result<Option<f64>> {
        let mut unit: Option<f64> = None;
        let mut dots = 0;
        let mut per_minute = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "beat-unit" => unit = quarters(&self.cursor.text()?),
                "beat-unit-dot" => {
                    dots += 1;
                    self.cursor.skip()?;
                }
                "per-minute" => per_minute = positive(&self.cursor.text()?),
                _ => self.cursor.skip()?,
            }
        }
        // n dots lengthen a note by the factor 2 - 1/2^n.
        let dotted = 2.0 - 0.5_f64.powi(dots);
        Ok(unit.zip(per_minute).map(|(unit, per_minute)| unit * dotted * per_minute))
    }

    pub(super) fn harmony(&mut self) -> Result<()> {
        let mut harmony = Harmony { root: Step::C, root_alter: 0, kind: String::new(), bass: None };
        let mut at = self.now.at;
        let mut staff = 0;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "root" => (harmony.root, harmony.root_alter) = self.spelled("root-step", "root-alter")?,
                "kind" => harmony.kind = self.cursor.text()?.into_owned(),
                "bass" => harmony.bass = Some(self.spelled("bass-step", "bass-alter")?),
                "offset" => at = self.offset()?,
                "staff" => staff = self.staff()?,
                _ => self.cursor.skip()?,
            }
        }
        self.count_row()?;
        self.now.high = self.now.high.max(at);
        let at = add(self.now.start, at)?;
        self.part.harmonies.push(Timed { at, value: harmony });
        self.staves.harmonies.push(staff);
        Ok(())
    }

    fn spelled(&mut self, step_name: &'static str, alter_name: &'static str) -> Result<(Step, i8)> {
        let mut step = Step::C;
        let mut alter = 0;
        while let Some(tag) = self.cursor.child()? {
            if tag.name() == step_name {
                let text = self.cursor.text()?;
                let letter = text.bytes().next().filter(|_| text.len() == 1).and_then(Step::from_letter);
                step = letter.ok_or_else(|| invalid(&text, step_name, "a letter, A to G"))?;
            } else if tag.name() == alter_name {
                alter = semitones(&self.cursor.text()?, alter_name)?;
            } else {
                self.cursor.skip()?;
            }
        }
        Ok((step, alter))
    }
}

fn tempo_attribute(tag: &Tag<'_>) -> Result<Option<f64>> {
    Ok(tag.attribute("tempo")?.and_then(|text| positive(&text)))
}

/// A tempo: finite and above zero. Texts such as `c. 120` give none, as in music21.
fn positive(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0)
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
