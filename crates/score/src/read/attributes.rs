//! `<attributes>`: divisions, key, time, clef, transposition, staves.

use super::cursor::Tag;
use super::draft::{Draft, gcd};
use super::error::Problem;
use super::number::{decimal, invalid, semitones, signed_decimal, whole};
use super::staves::MAX_STAVES;
use crate::{Clef, KeySignature, Mode, Step, TimeSignature, Timed, Transpose};

type Result<T> = std::result::Result<T, Problem>;

impl Draft<'_> {
    pub(super) fn attributes(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "divisions" => self.divisions()?,
                "key" => self.key(&tag)?,
                "time" => self.time_signature(&tag)?,
                "clef" => self.clef(&tag)?,
                "transpose" => self.transpose()?,
                "staff-details" => {
                    self.staff_attribute(&tag, 1)?;
                    self.reach(self.now.at);
                    self.cursor.skip()?;
                }
                "staves" => {
                    let staves = self.cursor.text()?;
                    let count = whole(&staves, "staves", "a whole number, 1 to 16")?;
                    if count > MAX_STAVES {
                        return Err(invalid(&staves, "staves", "a whole number, 1 to 16"));
                    }
                    self.staves.declared = self.staves.declared.max(count);
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    /// A mark stands where the cursor is.
    fn mark<T>(&mut self, value: T) -> Result<Timed<T>> {
        self.count_row()?;
        self.reach(self.now.at);
        Ok(Timed { at: self.time()?, value })
    }

    /// Something stands at a time of the measure, which therefore lasts to there at least.
    #[inline]
    pub(super) fn reach(&mut self, at: crate::Tick) {
        self.now.high = self.now.high.max(at);
    }

    /// The staff a `number` attribute names, or `default`; remembers that it was named.
    pub(super) fn staff_attribute(&mut self, tag: &Tag<'_>, default: u8) -> Result<u8> {
        let staff = match tag.attribute("number")? {
            Some(number) => staff_number(&number)?.unwrap_or(default),
            None => default,
        };
        self.see_staff(staff);
        Ok(staff)
    }

    /// Remembers that a staff was named.
    pub(super) fn see_staff(&mut self, staff: u8) {
        if staff > 0 {
            self.staves.seen |= 1_u32 << staff;
        }
    }

    fn divisions(&mut self) -> Result<()> {
        let text = self.cursor.text()?;
        let number = decimal(&text)
            .or_else(|| signed_decimal(&text).filter(|(negative, _)| !negative).map(|(_, number)| number));
        let number = number.filter(|number| number.mantissa > 0);
        let number = number.ok_or_else(|| invalid(&text, "divisions", "a number above 0"))?;
        self.set_divisions(number).ok_or_else(|| Problem::Overflow { value: format!("{text} divisions") })
    }

    fn key(&mut self, tag: &Tag<'_>) -> Result<()> {
        const FIFTHS: &str = "a whole number, -100 to 100";
        let staff = self.staff_attribute(tag, 0)?;
        let mut key = KeySignature::default();
        let mut steps = [0; 7];
        let mut traditional = false;
        let mut step = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "fifths" => {
                    traditional = true;
                    let text = self.cursor.text()?;
                    key.fifths = if text.is_empty() { 0 } else { whole(&text, "fifths", FIFTHS)? };
                }
                "mode" => key.mode = Mode::from_name(&self.cursor.text()?),
                "key-step" => step = letter(&self.cursor.text()?),
                "key-alter" => {
                    let (above, below) = semitones(&self.cursor.text()?, "key-alter")?;
                    if let Some(step) = step.take() {
                        steps[step as usize] = above.saturating_mul(2) - i8::from(below);
                    }
                }
                _ => self.cursor.skip()?,
            }
        }
        if key.fifths.unsigned_abs() > 100 {
            return Err(invalid(&key.fifths.to_string(), "fifths", FIFTHS));
        }
        if !traditional {
            key.steps = Some(steps);
        }
        let mark = self.mark(key)?;
        self.part.keys.push(mark);
        self.staves.keys.push(staff);
        Ok(())
    }

    fn time_signature(&mut self, tag: &Tag<'_>) -> Result<()> {
        let staff = self.staff_attribute(tag, 0)?;
        // The first numbers of beats belong to the first beats, wherever they stand; what has no other is passed over.
        let (mut beats, mut units): (Vec<String>, Vec<String>) = Default::default();
        let mut free = false;
        let mut over = false;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "beats" if !over => beats.push(self.cursor.text()?.into_owned()),
                "beat-type" if !over => units.push(self.cursor.text()?.into_owned()),
                "interchangeable" => {
                    over = true;
                    self.cursor.skip()?;
                }
                "senza-misura" => {
                    free = true;
                    self.cursor.skip()?;
                }
                _ => self.cursor.skip()?,
            }
        }
        if free {
            self.reach(self.now.at);
            return Ok(());
        }
        let mut terms: Vec<(u16, u16)> = Vec::new();
        for (beats, unit) in beats.iter().zip(&units) {
            let unit = whole(unit, "beat-type", "a whole number, 1 or more")?;
            for summand in beats.split('+') {
                terms.push((whole(summand.trim(), "beats", "whole numbers joined by +")?, unit));
            }
        }
        let value = TimeSignature::sum(&terms)
            .ok_or_else(|| invalid(&format!("{terms:?}"), "time", "one to eight fractions above 0"))?;
        if self.now.at == 0 && !self.now.measure.metre {
            self.now.measure.metre = true;
            self.set_bar(value)?;
        }
        let mark = self.mark(value)?;
        self.part.times.push(mark);
        self.staves.times.push(staff);
        Ok(())
    }

    /// The length of a full measure.
    fn set_bar(&mut self, time: TimeSignature) -> Result<()> {
        let quarters = 4 * u64::from(time.beats);
        let unit = u64::from(time.beat_type);
        self.refine((unit / gcd(unit, quarters)) as u32);
        let bar = quarters * u64::from(self.score.divisions) / unit;
        let overflow = || Problem::Overflow { value: format!("{}/{}", time.beats, time.beat_type) };
        self.now.bar = u32::try_from(bar).map_err(|_| overflow())?;
        Ok(())
    }

    fn clef(&mut self, tag: &Tag<'_>) -> Result<()> {
        // A clef without a number is the first staff's.
        let staff = self.staff_attribute(tag, 1)?;
        let mut clef = Clef { sign: 0, line: 0, octave_change: 0 };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "sign" => clef.sign = sign(&self.cursor.text()?),
                "line" => clef.line = whole(&self.cursor.text()?, "line", "a whole number").unwrap_or(0),
                "clef-octave-change" => {
                    let text = self.cursor.text()?;
                    clef.octave_change = whole(&text, "clef-octave-change", "a whole number").unwrap_or(0);
                }
                _ => self.cursor.skip()?,
            }
        }
        match clef.sign {
            0 => return Err(invalid("", "sign", "a clef's sign")),
            b'G' if clef.line == 0 => clef.line = 2,
            b'F' | b'C' if clef.line == 0 => clef.line = 4,
            b'G' | b'F' | b'C' => {}
            _ => clef.line = 0,
        }
        let mark = self.mark(clef)?;
        self.part.clefs.push(mark);
        self.staves.clefs.push(staff);
        Ok(())
    }

    /// What sounds; the last of a measure holds in all of it.
    fn transpose(&mut self) -> Result<()> {
        let mut diatonic: Option<i16> = None;
        let mut chromatic: Option<i16> = None;
        let mut octaves = 0_i16;
        while let Some(tag) = self.cursor.child()? {
            let (into, element) = match tag.name() {
                "diatonic" => (&mut diatonic, "diatonic"),
                "chromatic" => (&mut chromatic, "chromatic"),
                "octave-change" => {
                    octaves = whole(&self.cursor.text()?, "octave-change", "a whole number")?;
                    continue;
                }
                _ => {
                    self.cursor.skip()?;
                    continue;
                }
            };
            *into = Some(whole(&self.cursor.text()?, element, "a whole number")?);
        }
        // Steps alone are counted from 1, as music21 counts them.
        let alone = diatonic.map_or(0, |steps| steps - steps.signum());
        let semitones = chromatic.unwrap_or_else(|| usual_semitones(alone));
        let steps = match (diatonic, chromatic) {
            (Some(steps), Some(_)) => steps,
            (Some(_), None) => alone,
            (None, _) => usual_steps(semitones),
        };
        let respelled = diatonic.is_none() && chromatic.is_some();
        let by =
            |one: i16, octave: i16| i8::try_from(i32::from(one) + i32::from(octave) * i32::from(octaves));
        let (Ok(diatonic), Ok(chromatic)) = (by(steps, 7), by(semitones, 12)) else {
            return Err(invalid(&octaves.to_string(), "octave-change", "a few octaves"));
        };
        self.now.measure.transpose = Some(Transpose { diatonic, chromatic, respelled });
        Ok(())
    }

    /// The measure's transposition, from its start, unless it holds already.
    pub(super) fn settle_transposition(&mut self) -> Result<()> {
        let Some(value) = self.now.measure.transpose else { return Ok(()) };
        let last = self.part.transpositions.last();
        if last.is_none_or(|last| last.value != value) {
            self.count_row()?;
            self.part.transpositions.push(Timed { at: self.now.start, value });
        }
        Ok(())
    }
}

/// The steps of the interval that so many semitones usually are: 2 is a second, 3 a minor third.
fn usual_steps(semitones: i16) -> i16 {
    const STEPS: [i16; 12] = [0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6];
    let size = semitones.unsigned_abs();
    (STEPS[usize::from(size % 12)] + 7 * (size / 12) as i16) * semitones.signum()
}

/// The semitones of the perfect or major interval of so many steps.
fn usual_semitones(steps: i16) -> i16 {
    let size = steps.unsigned_abs();
    let semitones = Step::ALL[usize::from(size % 7)].semitones();
    (i16::from(semitones) + 12 * (size / 7) as i16) * steps.signum()
}

/// A staff's number; `None` if there is none or it is no number.
pub(super) fn staff_number(text: &str) -> Result<Option<u8>> {
    const EXPECTED: &str = "a whole number, 0 to 16";
    let Some(number) = super::number::integer(text) else { return Ok(None) };
    let staff = u8::try_from(number).ok().filter(|&staff| staff <= MAX_STAVES);
    staff.map(Some).ok_or_else(|| invalid(text, "staff", EXPECTED))
}

/// A step by its letter, alone.
pub(super) fn letter(text: &str) -> Option<Step> {
    match text.as_bytes() {
        [letter] => Step::from_letter(*letter),
        _ => None,
    }
}

/// The model's letter for a `<sign>`; percussion for those without a pitch.
fn sign(text: &str) -> u8 {
    match text.as_bytes() {
        [letter @ (b'G' | b'F' | b'C')] => *letter,
        _ => b'P',
    }
}
