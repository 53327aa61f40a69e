//! The MusicXML 4.0 writer. It writes any [`Score`] the reader makes or the generator plans, part by
//! part, so that it holds one part's text at a time.
//!
//! One element a line, without indentation, which would be a third of the bytes.
//!
//! Reading what it wrote gives an equal score: durations are written as they are, with a `<type>`
//! where one (with dots and the row's tuplet) says the same, and without one where none does.

use std::io::{self, Write};

use super::{Part, Score};

mod marks;
mod measure;
mod note;
mod text;

use measure::PartWriter;
use text::Text;

/// What a document says before its first part.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) work_title: Option<&'a str>,
    pub(super) movement_title: Option<&'a str>,
    pub(super) movement_number: Option<&'a str>,
    pub(super) composer: Option<&'a str>,
    pub(super) lyricist: Option<&'a str>,
    pub(super) arranger: Option<&'a str>,
    pub(super) copyright: Option<&'a str>,
}

impl<'a> Header<'a> {
    /// What a score says of itself.
    pub(super) fn of(score: &'a Score) -> Self {
        Self {
            work_title: score.work_title.as_deref(),
            movement_title: score.movement_title.as_deref(),
            movement_number: score.movement_number.as_deref(),
            composer: score.composer.as_deref(),
            lyricist: score.lyricist.as_deref(),
            arranger: score.arranger.as_deref(),
            copyright: score.copyright.as_deref(),
        }
    }
}

/// Writes a score as an uncompressed MusicXML 4.0 partwise document.
///
/// # Errors
/// Whatever `out` fails with.
pub fn write(score: &Score, out: &mut impl Write) -> io::Result<()> {
    let mut writer = DocumentWriter::new(out, score.divisions);
    writer.header(&Header::of(score), score.parts.iter())?;
    for part in &score.parts {
        writer.part(part)?;
    }
    writer.finish()
}

/// Writes a score as an MXL archive: the document, deflated, and the container file that names it.
///
/// # Errors
/// Whatever `out` or the compression fails with.
pub fn write_mxl(score: &Score, out: impl Write) -> io::Result<()> {
    in_archive(out, |entry| write(score, entry))
}

/// An archive around the document that `fill` writes. The archive is written without seeking.
pub(super) fn in_archive<W: Write>(
    out: W,
    fill: impl FnOnce(&mut zip::ZipWriter<zip::write::StreamWriter<W>>) -> io::Result<()>,
) -> io::Result<()> {
    use zip::write::SimpleFileOptions;
    // A fixed time stamp: the same score gives the same bytes.
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    let mut zip = zip::ZipWriter::new_stream(out);
    zip.start_file("META-INF/container.xml", options)?;
    zip.write_all(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container><rootfiles>\
          <rootfile full-path=\"score.musicxml\" media-type=\"application/vnd.recordare.musicxml+xml\"/>\
          </rootfiles></container>\n",
    )?;
    zip.start_file("score.musicxml", options)?;
    fill(&mut zip)?;
    zip.finish()?.into_inner().flush()
}

/// A document being written; parts follow in the order of the header.
pub(super) struct DocumentWriter<'o, W> {
    out: &'o mut W,
    text: Text,
    part_writer: PartWriter,
}

impl<'o, W: Write> DocumentWriter<'o, W> {
    pub(super) fn new(out: &'o mut W, divisions: u32) -> Self {
        Self { out, text: Text::default(), part_writer: PartWriter::new(divisions) }
    }

    /// The head and the part list; of the parts only what the list tells is read.
    pub(super) fn header<'p>(
        &mut self,
        header: &Header<'_>,
        parts: impl Iterator<Item = &'p Part>,
    ) -> io::Result<()> {
        let text = &mut self.text;
        text.push(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" \
             \"http://www.musicxml.org/dtds/partwise.dtd\">\n<score-partwise version=\"4.0\">\n",
        );
        if let Some(title) = header.work_title {
            text.push("<work>\n<work-title>").escaped(title).push("</work-title>\n</work>\n");
        }
        for (name, value) in
            [("movement-number", header.movement_number), ("movement-title", header.movement_title)]
        {
            if let Some(value) = value {
                text.push("<").push(name).push(">").escaped(value).push("</").push(name).push(">\n");
            }
        }
        text.push("<identification>\n");
        for (kind, name) in
            [("composer", header.composer), ("lyricist", header.lyricist), ("arranger", header.arranger)]
        {
            if let Some(name) = name {
                text.push("<creator type=\"").push(kind).push("\">").escaped(name).push("</creator>\n");
            }
        }
        if let Some(copyright) = header.copyright {
            text.push("<rights>").escaped(copyright).push("</rights>\n");
        }
        text.push("<encoding>\n<software>music21-mcp-bench</software>\n</encoding>\n");
        text.push("</identification>\n<part-list>\n");
        for part in parts {
            marks::score_part(text, part);
        }
        text.push("</part-list>\n");
        self.flush()
    }

    pub(super) fn part(&mut self, part: &Part) -> io::Result<()> {
        self.part_writer.part(&mut self.text, part);
        self.flush()
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.text.push("</score-partwise>\n");
        self.flush()?;
        self.out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.text.bytes())?;
        self.text.clear();
        Ok(())
    }
}
