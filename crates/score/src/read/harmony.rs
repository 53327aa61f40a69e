//! `<harmony>`: chord symbols.

use super::attributes::letter;
use super::draft::{Draft, add};
use super::error::Problem;
use super::number::{integer, invalid, semitones};
use crate::{Change, Degree, Harmony, Step, Timed};

type Result<T> = std::result::Result<T, Problem>;

impl Draft<'_> {
    pub(super) fn harmony(&mut self) -> Result<()> {
        let mut harmony = Harmony::default();
        let mut at = self.now.at;
        let mut staff = 0;
        // Of several roots, kinds, … the first counts.
        let (mut rooted, mut kind) = (false, None);
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "root" if !rooted => {
                    rooted = true;
                    harmony.root = self.spelled("root-step", "root-alter")?;
                }
                "kind" if kind.is_none() => kind = Some(self.cursor.text()?.into_owned()),
                "bass" if harmony.bass.is_none() => harmony.bass = self.spelled("bass-step", "bass-alter")?,
                "inversion" => {
                    let number = integer(&self.cursor.text()?).and_then(|number| u8::try_from(number).ok());
                    harmony.inversion = harmony.inversion.or(number);
                }
                "degree" => {
                    let degree = self.degree()?;
                    harmony.degrees.extend(degree);
                }
                "frame" => {
                    harmony.framed = true;
                    self.cursor.skip()?;
                }
                "offset" => at = self.offset()?,
                "staff" => staff = self.staff()?,
                _ => self.cursor.skip()?,
            }
        }
        harmony.kind = kind.unwrap_or_default();
        self.count_row()?;
        self.reach(at);
        self.see_staff(staff);
        let at = add(self.now.start, at)?;
        self.part.harmonies.push(Timed { at, value: harmony });
        self.staves.harmonies.push(staff);
        Ok(())
    }

    fn spelled(&mut self, step_name: &'static str, alter_name: &'static str) -> Result<Option<(Step, i8)>> {
        let mut step = None;
        let mut alter = 0;
        while let Some(tag) = self.cursor.child()? {
            if tag.name() == step_name {
                // The letter may also stand in the attribute that is for display.
                let shown = tag.attribute("text")?.map(|text| text.into_owned());
                let text = self.cursor.text()?;
                let text = if text.is_empty() { shown.unwrap_or_default().into() } else { text };
                step = Some(letter(&text).ok_or_else(|| invalid(&text, step_name, "a letter, A to G"))?);
            } else if tag.name() == alter_name {
                let text = self.cursor.text()?;
                alter = if text.is_empty() { 0 } else { semitones(&text, alter_name)?.0 };
            } else {
                self.cursor.skip()?;
            }
        }
        Ok(step.map(|step| (step, alter)))
    }

    /// `None` for one that does not say what is done with it: as music21 reads it, nothing is.
    fn degree(&mut self) -> Result<Option<Degree>> {
        let mut degree = Degree { value: 0, alter: 0, change: Change::Add };
        // Of several values, alterations and types in one element the first count.
        let (mut alter, mut change) = (None, None);
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "degree-value" if degree.value == 0 => {
                    let text = self.cursor.text()?;
                    let value = integer(&text).and_then(|value| u8::try_from(value).ok());
                    degree.value =
                        value.ok_or_else(|| invalid(&text, "degree-value", "a whole number, 1 to 255"))?;
                }
                "degree-alter" if alter.is_none() => {
                    let text = self.cursor.text()?;
                    alter = Some(if text.is_empty() { 0 } else { semitones(&text, "degree-alter")?.0 });
                }
                "degree-type" if change.is_none() => {
                    let text = self.cursor.text()?;
                    change = Some(match text.to_ascii_lowercase().as_str() {
                        "add" => Change::Add,
                        "alter" => Change::Alter,
                        "subtract" => Change::Subtract,
                        _ => return Err(invalid(&text, "degree-type", "add, alter or subtract")),
                    });
                }
                _ => self.cursor.skip()?,
            }
        }
        if degree.value == 0 {
            return Err(invalid("", "degree-value", "a whole number, 1 to 255"));
        }
        Ok(change.map(|change| Degree { alter: alter.unwrap_or(0), change, ..degree }))
    }
}
