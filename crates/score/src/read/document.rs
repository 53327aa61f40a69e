//! The root element, the header and the part list.

use super::ReadLimits;
use super::cursor::{Cursor, Tag};
use super::draft::{Draft, Now};
use super::error::{Place, Problem, ReadError};
use super::number::integer;
use super::staves::StaffColumns;
use super::syntax::check_characters;
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
        pedals: Vec::new(),
        kit: Vec::new(),
    };
    match check_characters(document).and_then(|()| draft.document()) {
        Ok(()) => Ok(draft.score),
        Err(problem) => Err(ReadError::Document { place: draft.place(&problem), problem }),
    }
}

/// The `<part-list>`.
#[derive(Default)]
struct Listed {
    parts: Vec<ListedPart>,
    /// Ids in a `<part-group>`.
    grouped: Vec<String>,
}

struct ListedPart {
    part: Part,
    kit: Vec<(String, u8)>,
    /// It is in the document.
    found: bool,
}

/// What an element says first counts, if it says anything.
fn first(known: &mut Option<String>, text: String) {
    if known.is_none() && !text.is_empty() {
        *known = Some(text);
    }
}

/// Several are named together, as music21 names them.
fn and(known: &mut Option<String>, name: &str) {
    match known {
        Some(known) if !name.is_empty() => {
            known.push_str(" and ");
            known.push_str(name);
        }
        Some(_) => {}
        None => first(known, name.to_owned()),
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
        if root.attribute("xmlns")?.is_some_and(|space| !space.is_empty()) {
            return Err(Problem::WrongRoot(format!("{} of a namespace", root.name())));
        }
        let mut listed = None;
        // The first part, if it stands before the list: it and all behind it are read once the list is known.
        let mut first_part = None;
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "work" => self.work()?,
                "movement-number" => {
                    let text = self.cursor.verbatim()?;
                    first(&mut self.score.movement_number, text);
                }
                "movement-title" => {
                    let text = self.cursor.verbatim()?;
                    first(&mut self.score.movement_title, text);
                }
                "identification" => self.identification()?,
                // Of several the first counts.
                "part-list" if listed.is_none() => listed = Some(self.part_list()?),
                "part" => match &mut listed {
                    Some(listed) if first_part.is_none() => self.part(&tag, listed)?,
                    _ => {
                        first_part.get_or_insert_with(|| (self.cursor.clone(), tag));
                        self.cursor.skip()?;
                    }
                },
                _ => self.cursor.skip()?,
            }
        }
        self.cursor.finish()?;
        let mut listed = listed.unwrap_or_default();
        if let Some((cursor, tag)) = first_part {
            self.cursor = cursor;
            self.part(&tag, &mut listed)?;
            while let Some(tag) = self.cursor.child()? {
                match tag.name() {
                    "part" => self.part(&tag, &mut listed)?,
                    _ => self.cursor.skip()?,
                }
            }
        }
        let here = |id: &String| listed.parts.iter().any(|listed| listed.found && listed.part.id == **id);
        match listed.grouped.iter().find(|id| !here(id)) {
            Some(missing) => Err(Problem::MissingPart(missing.clone())),
            None => Ok(()),
        }
    }

    /// Text as a name: on one line.
    fn name(&mut self) -> Result<String> {
        Ok(self.cursor.text()?.replace('\n', " "))
    }

    fn work(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "work-title" => {
                    let text = self.cursor.verbatim()?;
                    first(&mut self.score.work_title, text);
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    fn identification(&mut self) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "creator" => {
                    let kind = tag.attribute("type")?.unwrap_or_default().into_owned();
                    let text = self.cursor.verbatim()?;
                    match kind.as_str() {
                        "composer" => and(&mut self.score.composer, text.trim()),
                        "lyricist" => and(&mut self.score.lyricist, text.trim()),
                        "arranger" => and(&mut self.score.arranger, text.trim()),
                        _ => {}
                    }
                }
                "rights" => {
                    let text = self.cursor.verbatim()?;
                    first(&mut self.score.copyright, text.trim().to_owned());
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

    fn part_list(&mut self) -> Result<Listed> {
        let mut listed = Listed::default();
        // The numbers of the groups that are open.
        let mut open: Vec<i64> = Vec::new();
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "score-part" => {
                    let id = tag.attribute("id")?.unwrap_or_default().into_owned();
                    if !open.is_empty() {
                        listed.grouped.push(id.clone());
                    }
                    let part = self.score_part(id)?;
                    listed.parts.push(part);
                    self.count_row()?;
                }
                "part-group" => {
                    let number = tag.attribute("number")?.and_then(|number| integer(&number)).unwrap_or(1);
                    match tag.attribute("type")?.as_deref() {
                        Some("start") => open.push(number),
                        Some("stop") => open.retain(|&group| group != number),
                        _ => {}
                    }
                    self.cursor.skip()?;
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(listed)
    }

    fn score_part(&mut self, id: String) -> Result<ListedPart> {
        let mut part = Part { id, ..Part::default() };
        let mut kit = Vec::new();
        let (mut named, mut sounds) = (false, false);
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "part-name" if part.name.is_empty() => part.name = self.name()?,
                "part-abbreviation" if part.abbreviation.is_empty() => part.abbreviation = self.name()?,
                "score-instrument" if !named => {
                    named = true;
                    self.score_instrument(&mut part.instrument)?;
                }
                "midi-instrument" => {
                    let id = tag.attribute("id")?.unwrap_or_default().into_owned();
                    let mut instrument = Instrument::default();
                    self.midi_instrument(&mut instrument)?;
                    kit.extend(instrument.midi_unpitched.map(|key| (id, key)));
                    if !sounds {
                        sounds = true;
                        part.instrument.midi_program = instrument.midi_program;
                        part.instrument.midi_channel = instrument.midi_channel;
                        part.instrument.midi_unpitched = instrument.midi_unpitched;
                    }
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(ListedPart { part, kit, found: false })
    }

    fn score_instrument(&mut self, instrument: &mut Instrument) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            match tag.name() {
                "instrument-name" => instrument.name = self.name()?,
                "instrument-abbreviation" => instrument.abbreviation = self.name()?,
                _ => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    /// What is no number from 1 to 128 is not given; 0 is taken for 1, as programs write it.
    fn midi_instrument(&mut self, instrument: &mut Instrument) -> Result<()> {
        while let Some(tag) = self.cursor.child()? {
            let value = match tag.name() {
                "midi-channel" => &mut instrument.midi_channel,
                "midi-program" => &mut instrument.midi_program,
                "midi-unpitched" => &mut instrument.midi_unpitched,
                _ => {
                    self.cursor.skip()?;
                    continue;
                }
            };
            let number = integer(&self.cursor.text()?).and_then(|number| u8::try_from(number).ok());
            *value = number.filter(|&number| number <= 128).map(|number| number.max(1));
        }
        Ok(())
    }

    fn part(&mut self, tag: &Tag<'_>, listed: &mut Listed) -> Result<()> {
        let id = tag.attribute("id")?;
        // As music21: a part without an id is the first of the list, one that is not listed is passed over.
        let found = match &id {
            Some(id) => listed.parts.iter_mut().rfind(|listed| listed.part.id == **id),
            None => Some(listed.parts.first_mut().ok_or(Problem::NamelessPart)?),
        };
        let Some(found) = found else { return self.cursor.skip() };
        found.found = true;
        self.part = found.part.clone();
        self.kit = found.kit.clone();
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
