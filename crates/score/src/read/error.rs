use std::fmt;
use std::path::PathBuf;

/// Why bytes are not a score.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read score file '{}': {source}; check the path and its permissions", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is nothing to read.
    #[error("the score is empty: 0 bytes; give a MusicXML (.musicxml, .xml) or MXL (.mxl) document")]
    Empty,
    /// The document is longer than [`ReadLimits::bytes`](super::ReadLimits::bytes).
    #[error("the score is longer than the limit of {limit} bytes; split it, or raise the limit")]
    TooLong {
        /// The limit, in bytes of uncompressed document.
        limit: u64,
    },
    /// The bytes are in an encoding that is not read.
    #[error("the score is encoded in {encoding}, which is not readable here; save it as UTF-8")]
    Encoding {
        /// The encoding's name, or what is wrong with it.
        encoding: String,
    },
    /// The bytes are a zip archive, and not a MusicXML one.
    #[error("the compressed score is damaged: {0}; export it again, or give the uncompressed MusicXML")]
    Container(String),
    /// The document itself is wrong somewhere.
    #[error("{problem} ({place})")]
    Document {
        /// What is wrong, and what to do.
        problem: Problem,
        /// Where.
        place: Place,
    },
}

/// What is wrong with a document.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It is not well-formed XML.
    #[error("not well-formed XML: {0}")]
    Xml(#[from] quick_xml::Error),
    /// It is not well-formed XML in a way that the tokeniser does not see.
    #[error("not well-formed XML: {0}")]
    Syntax(&'static str),
    /// It ends before its root element does.
    #[error("the document is cut off before the end of its root element; fetch or export it again")]
    Truncated,
    /// It is not XML, or has no root element.
    #[error("no XML element found; give a MusicXML document")]
    NoRoot,
    /// Its root element is another one.
    #[error("the root element is <{0}> and not <score-partwise>; export as partwise MusicXML")]
    WrongRoot(String),
    /// Elements are nested too deeply.
    #[error("elements are nested deeper than {0}; no score needs that")]
    TooDeep(usize),
    /// More notes, measures and marks than [`ReadLimits::rows`](super::ReadLimits::rows).
    #[error("more than {0} notes, measures and marks; split the score, or raise the limit")]
    TooMany(usize),
    /// An entity that is not declared in the document, or holds elements, itself or too much.
    #[error("entity '&{0};' is not expanded; replace it by its text")]
    Entity(String),
    /// An element holds something else than the number it should.
    #[error("<{element}> holds '{value}'; it must be {expected}")]
    Value {
        /// The element, or the element and its attribute.
        element: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// Time leaves the range of a [`Tick`](crate::Tick).
    #[error("time runs past {} ticks at '{value}'; use smaller divisions or a shorter score", u32::MAX)]
    Overflow {
        /// The duration or divisions that did it.
        value: String,
    },
    /// A part of a `<part-group>` is not in the document.
    #[error("part '{0}' of a <part-group> is missing; add the part, or take it out of <part-list>")]
    MissingPart(String),
    /// A part without an id, and no part list to take it from.
    #[error("a part has no id and there is no <part-list>; add both")]
    NamelessPart,
}

/// Where in a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Offset in the uncompressed UTF-8 document, in bytes.
    pub byte: u64,
    /// The part's id, inside one.
    pub part: Option<String>,
    /// The measure's number, inside one.
    pub measure: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.byte)?;
        if let Some(part) = &self.part {
            write!(f, ", part '{part}'")?;
        }
        if let Some(measure) = &self.measure {
            write!(f, ", measure '{measure}'")?;
        }
        Ok(())
    }
}
