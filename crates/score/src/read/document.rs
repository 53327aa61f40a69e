//! The root element, the header and the part list.

use super::ReadLimits;
use super::cursor::{Cursor, Tag};
use super::draft::{Draft, Now};
use super::error::{Place, Problem, ReadError};
use super::number::parse;
use super::staves::StaffColumns;
use crate::{Instrument, Part, Score};

type Result<T> = std::result::Result<T, Problem>;

/// Reads a document in UTF-8.
pub(super) fn read(document: &[u8], limits: &ReadLimits) -> std::result::Result<Score, ReadError> {
    let mut draft = Draft {
        cursor: Cursor::new(document, limits.depth),
        limits,
        score: Score { divisions: 1, ..Score::default() },
        part: Part::default(),
        staves: StaffColumns::default(),
        now: Now::default(),
        rows: 0,
        finale: false,
    };
    match draft.document() {
        Ok(()) => Ok(draft.score),
        Err(problem) => Err(ReadError::Document { place: draft.place(&problem), problem }),
    }
}

impl Draft<'_> {
    fn place(&self, problem: &Problem) -> Place {
        let byte = match problem {
            Problem::Xml(_) => self.cursor.error_byte(),
            _ => self.cursor.byte(),
        };
        let part = (!self.part.id.is_empty()).then(|| self.part.id.clone());
        let measure = self.part.measures.last().map(|measure| measure.number.clone());
        Place { byte, part, measure }
    }

    fn document(&mut self) -> Result<()> {
        let root = self.cursor.root()?;
        if root.name() != "score-partwise" {
            return Err(Problem::WrongRoot(root.name().to_owned()));
        }
        let mut listed: Vec<Part> = Vec::new();
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "work" => self.work()?,
                "movement-title" => self.score.movement_title = Some(self.name()?),
                "identification" => self.identification()?,
                "part-list" => listed = self.part_list()?,
                "part" => self.part(&tag, &mut listed)?,
                _ => self.cursor.skip()?,
            }
        }
        self.cursor.finish()
    }

    /// Text as a title or name: on one line.
    fn name(&mut self) -> Result<String> {
        Ok(self.cursor.text()?.replace('\n', " "))
    }

    fn work(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "work-title" => self.score.work_title = Some(self.name()?),
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    fn identification(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "creator" if tag.attribute("type")?.as_deref() == Some("composer") => {
                    self.score.composer = Some(self.name()?);
                }
                "encoding" => self.encoding()?,
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    /// Finds whether the first program named is Finale.
    fn encoding(&mut self) -> Result<()> {
        let mut first = true;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "software" => {
                    let finale = self.cursor.text()?.contains("Finale");
                    self.finale |= first && finale;
                    first = false;
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    fn part_list(&mut self) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "score-part" => {
                    let id = tag.attribute("id")?.unwrap_or_default().into_owned();
                    parts.push(self.score_part(id)?);
                    self.count_row()?;
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(parts)
    }

    fn score_part(&mut self, id: String) -> Result<Part> {
        let mut part = Part { id, ..Part::default() };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "part-name" => part.name = self.name()?,
                "part-abbreviation" => part.abbreviation = self.name()?,
                "score-instrument" if part.instrument.name.is_empty() => {
                    part.instrument.name = self.instrument_name()?;
                }
                "midi-instrument" if part.instrument.midi_program.is_none() => {
                    self.midi_instrument(&mut part.instrument)?;
                }
                _ => self.cursor.skip()?,
            }
        }
        if part.instrument.name.is_empty() {
            part.instrument.name.clone_from(&part.name);
        }
        Ok(part)
    }

    fn instrument_name(&mut self) -> Result<String> {
        let mut name = String::new();
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "instrument-name" => name = self.name()?,
                _ => self.cursor.skip()?,
            }
        }
        Ok(name)
    }

    fn midi_instrument(&mut self, instrument: &mut Instrument) -> Result<()> {
        let value = |cursor: &mut Cursor<'_>, element| {
            parse(&cursor.text()?, element, "a whole number, 1 to 128").map(Some)
        };
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "midi-channel" => instrument.midi_channel = value(&mut self.cursor, "midi-channel")?,
                "midi-program" => instrument.midi_program = value(&mut self.cursor, "midi-program")?,
                "midi-unpitched" => instrument.midi_unpitched = value(&mut self.cursor, "midi-unpitched")?,
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    fn part(&mut self, tag: &Tag<'_>, listed: &mut [Part]) -> Result<()> {
        let id = tag.attribute("id")?;
        // As music21: a part without an id is the first of the list.
        let found = match &id {
            Some(id) => listed.iter().find(|part| part.id == **id),
            None => listed.first(),
        };
        let Some(found) = found else {
            return Err(Problem::UnknownPart(id.unwrap_or_default().into_owned()));
        };
        self.part = found.clone();
        self.now = Now { bar: self.score.divisions.saturating_mul(4), ..Now::default() };
        self.reserve();
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "measure" => self.measure(&tag)?,
                _ => self.cursor.skip()?,
            }
        }
        self.end_of_part();
        self.finish_part()
    }

    /// The parts of a score have about as many rows each.
    fn reserve(&mut self) {
        let Some(last) = self.score.parts.last() else { return };
        self.part.measures.reserve(last.measures.len());
        let notes = &mut self.part.notes;
        let rows = last.notes.len();
        notes.onset.reserve(rows);
        notes.duration.reserve(rows);
        notes.pitch.reserve(rows);
        notes.flags.reserve(rows);
        notes.voice.reserve(rows);
        self.staves.notes.reserve(rows);
    }
}
