//! `<attributes>`: divisions, key, time, clef, transposition, staves.

use super::cursor::Tag;
use super::draft::{Draft, gcd};
use super::error::Problem;
use super::number::{decimal, invalid, parse, semitones};
use super::staves::MAX_STAVES;
use crate::{Clef, KeySignature, TimeSignature, Timed, Transpose};

type Result<T> = std::result::Result<T, Problem>;

/// The finest note value a time signature may count in.
const MAX_BEAT_TYPE: u16 = 1024;

impl Draft<'_> {
    pub(super) fn attributes(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "divisions" => self.divisions()?,
                "key" => self.key(&tag)?,
                "time" => self.time_signature(&tag)?,
                "clef" => self.clef(&tag)?,
                "transpose" => self.transpose()?,
                "staves" => {
                    let staves = self.cursor.text()?;
                    let count = parse(&staves, "staves", "a whole number, 1 to 16")?;
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
        self.now.high = self.now.high.max(self.now.at);
        Ok(Timed { at: self.time()?, value })
    }

    /// The staff a `number` attribute names, or `default`.
    fn staff_attribute(&mut self, tag: &Tag<'_>, default: u8) -> Result<u8> {
        match tag.attribute("number")? {
            Some(number) => self.see_staff(&number),
            None => Ok(default),
        }
    }

    /// A staff's number; remembers that it was named.
    pub(super) fn see_staff(&mut self, text: &str) -> Result<u8> {
        let staff: u8 = parse(text, "staff", "a whole number, 0 to 16")?;
        if staff > MAX_STAVES {
            return Err(invalid(text, "staff", "a whole number, 0 to 16"));
        }
        if staff > 0 {
            self.staves.seen |= 1_u32 << staff;
        }
        Ok(staff)
    }

    fn divisions(&mut self) -> Result<()> {
        const EXPECTED: &str = "a whole number, 1 or more";
        let text = self.cursor.text()?;
        let divisions = match decimal(&text) {
            Some(number) if number.places == 0 && number.mantissa > 0 => number.mantissa,
            _ => return Err(invalid(&text, "divisions", EXPECTED)),
        };
        let overflow = || Problem::Overflow { value: format!("{text} divisions") };
        let divisions = u32::try_from(divisions).map_err(|_| overflow())?;
        self.refine(divisions).ok_or_else(overflow)?;
        self.now.divisions = divisions;
        Ok(())
    }

    fn key(&mut self, tag: &Tag<'_>) -> Result<()> {
        let staff = self.staff_attribute(tag, 0)?;
        let mut fifths: Option<i8> = None;
        let mut major = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "fifths" => {
                    fifths = Some(parse(&self.cursor.text()?, "fifths", "a whole number, -11 to 11")?);
                }
                "mode" => {
                    major = match &*self.cursor.text()? {
                        "major" => Some(true),
                        "minor" => Some(false),
                        _ => None,
                    }
                }
                _ => self.cursor.skip()?,
            }
        }
        // A key of single altered steps has no fifths, and no place in the model.
        if let Some(fifths) = fifths {
            if !(-11..=11).contains(&fifths) {
                return Err(invalid(&fifths.to_string(), "fifths", "a whole number, -11 to 11"));
            }
            let mark = self.mark(KeySignature { fifths, major })?;
            self.part.keys.push(mark);
            self.staves.keys.push(staff);
        }
        Ok(())
    }

    fn time_signature(&mut self, tag: &Tag<'_>) -> Result<()> {
        let staff = self.staff_attribute(tag, 0)?;
        let mut total: Option<TimeSignature> = None;
        let mut beats = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "beats" => {
                    let text = self.cursor.text()?;
                    beats =
                        Some(sum(&text).ok_or_else(|| invalid(&text, "beats", "whole numbers joined by +"))?);
                }
                "beat-type" => {
                    let text = self.cursor.text()?;
                    let one = beats.take().and_then(|beats| fraction(beats, &text));
                    let new = match (one, total) {
                        (Some(one), None) => Some(one),
                        (Some(one), Some(sum)) => plus(sum, one),
                        (None, _) => None,
                    };
                    total =
                        Some(new.ok_or_else(|| invalid(&text, "beat-type", "a power of two, 1 to 1024"))?);
                }
                _ => self.cursor.skip()?,
            }
        }
        if let Some(value) = total {
            self.set_bar(value)?;
            let mark = self.mark(value)?;
            self.part.times.push(mark);
            self.staves.times.push(staff);
        }
        Ok(())
    }

    /// The length of a full measure, which must be a whole number of ticks.
    fn set_bar(&mut self, time: TimeSignature) -> Result<()> {
        let quarters = 4 * u64::from(time.beats);
        let denominator = u64::from(time.beat_type) / gcd(u64::from(time.beat_type), quarters);
        let overflow = || Problem::Overflow { value: format!("{}/{}", time.beats, time.beat_type) };
        self.refine(denominator as u32).ok_or_else(overflow)?;
        let bar = quarters * u64::from(self.score.divisions) / u64::from(time.beat_type);
        self.now.bar = u32::try_from(bar).map_err(|_| overflow())?;
        Ok(())
    }

    fn clef(&mut self, tag: &Tag<'_>) -> Result<()> {
        // A clef without a number is the first staff's.
        let staff = self.staff_attribute(tag, 1)?;
        if staff == 1 {
            self.staves.seen |= 1 << 1;
        }
        let mut clef = Clef { sign: 0, line: 0, octave_change: 0 };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "sign" => clef.sign = sign(&self.cursor.text()?),
                "line" => clef.line = parse(&self.cursor.text()?, "line", "a whole number")?,
                "clef-octave-change" => {
                    let text = self.cursor.text()?;
                    clef.octave_change = parse(&text, "clef-octave-change", "a whole number")?;
                }
                _ => self.cursor.skip()?,
            }
        }
        match clef.sign {
            0 => return Err(Problem::Missing { element: "clef", child: "sign" }),
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

    fn transpose(&mut self) -> Result<()> {
        let mut diatonic: Option<i8> = None;
        let mut chromatic = 0_i8;
        let mut octaves = 0_i8;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "diatonic" => diatonic = Some(parse(&self.cursor.text()?, "diatonic", "a number of steps")?),
                "chromatic" => chromatic = semitones(&self.cursor.text()?, "chromatic")?,
                "octave-change" => octaves = parse(&self.cursor.text()?, "octave-change", "a whole number")?,
                _ => self.cursor.skip()?,
            }
        }
        let steps = i32::from(diatonic.unwrap_or_else(|| usual_steps(chromatic))) + 7 * i32::from(octaves);
        let semitones = i32::from(chromatic) + 12 * i32::from(octaves);
        let (Ok(diatonic), Ok(chromatic)) = (i8::try_from(steps), i8::try_from(semitones)) else {
            return Err(invalid(&octaves.to_string(), "octave-change", "a few octaves"));
        };
        let mark = self.mark(Transpose { diatonic, chromatic })?;
        self.part.transpositions.push(mark);
        Ok(())
    }
}

/// The steps of the interval that so many semitones usually are: 2 is a second, 3 a minor third.
fn usual_steps(semitones: i8) -> i8 {
    const STEPS: [i8; 12] = [0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6];
    let size = semitones.unsigned_abs();
    (STEPS[usize::from(size % 12)] + 7 * (size / 12) as i8) * semitones.signum()
}

/// `3+2` is 5.
fn sum(text: &str) -> Option<u16> {
    text.split('+').try_fold(0_u16, |total, beats| total.checked_add(beats.trim().parse().ok()?))
}

fn fraction(beats: u16, beat_type: &str) -> Option<TimeSignature> {
    let beat_type: u16 = beat_type.parse().ok()?;
    let valid = beats > 0 && beat_type.is_power_of_two() && beat_type <= MAX_BEAT_TYPE;
    valid.then_some(TimeSignature { beats, beat_type })
}

/// The sum of two time signatures, in the finer unit.
fn plus(a: TimeSignature, b: TimeSignature) -> Option<TimeSignature> {
    let beat_type = a.beat_type.max(b.beat_type);
    let scaled = |time: TimeSignature| time.beats.checked_mul(beat_type / time.beat_type);
    Some(TimeSignature { beats: scaled(a)?.checked_add(scaled(b)?)?, beat_type })
}

/// The model's letter for a `<sign>`; percussion for those without a pitch.
fn sign(text: &str) -> u8 {
    match text.as_bytes() {
        [letter @ (b'G' | b'F' | b'C')] => *letter,
        _ => b'P',
    }
}
