//! The MusicXML reader: one pass over `quick-xml`'s events into the columns of the note model.
//!
//! It follows music21's import (`musicxml.xmlToM21` of version 10.5.1) wherever that decides a
//! count or an onset: how long a measure is, what a rest of a whole measure lasts, which notes are
//! one chord, and that each staff of a part is a part. What it rejects it rejects with a
//! [`ReadError`] that names the place, the value and what to do.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::Score;

mod attributes;
mod container;
mod cursor;
mod direction;
mod document;
mod draft;
mod encodings;
mod error;
mod harmony;
mod measure;
mod note;
mod number;
mod pitch;
mod staves;
mod syntax;

pub use error::{Place, Problem, ReadError};

/// What a document may cost. The defaults admit an orchestral score of 150 parts and 500 measures
/// (68 MB) and bound the reader's memory to about a gigabyte on any input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the uncompressed document.
    pub bytes: u64,
    /// Notes, rests, measures and marks of all parts.
    pub rows: usize,
    /// Nesting of elements the reader does not know.
    pub depth: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { bytes: 128 << 20, rows: 5_000_000, depth: 10_000 }
    }
}

/// Reads a file: MusicXML or MXL, whatever its extension.
///
/// # Errors
/// Any [`ReadError`]. A file beyond the limit is refused before it is read.
pub fn read_file(path: &Path, limits: &ReadLimits) -> Result<Score, ReadError> {
    let failed = |source| ReadError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > limits.bytes {
        return Err(ReadError::TooLong { limit: limits.bytes });
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // The metadata's length is a hint: a pipe says 0, a growing file too little.
    file.take(limits.bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
    read(&bytes, limits)
}

/// Reads a document: MXL if it begins as a zip archive, else MusicXML in UTF-8, UTF-16, or another
/// encoding of single bytes that it declares and an XML parser of Python's knows.
///
/// # Errors
/// Any [`ReadError`] but `File`.
pub fn read(bytes: &[u8], limits: &ReadLimits) -> Result<Score, ReadError> {
    if bytes.len() as u64 > limits.bytes {
        return Err(ReadError::TooLong { limit: limits.bytes });
    }
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    if is_archive(bytes) {
        let document = container::unpack(bytes, limits.bytes)?;
        return read_document(&document, limits);
    }
    read_document(bytes, limits)
}

/// A zip archive begins so, or ends so if something was put in front of it.
fn is_archive(bytes: &[u8]) -> bool {
    /// The longest comment of an archive, and the record that it stands in.
    const END: usize = 65_535 + 22;
    let is_text = matches!(bytes[0], b'<' | 0xEF | 0xFE | 0xFF | 0 | b' ' | b'\t' | b'\r' | b'\n');
    let end = &bytes[bytes.len().saturating_sub(END)..];
    bytes.starts_with(b"PK\x03\x04") || (!is_text && end.windows(4).any(|four| four == b"PK\x05\x06"))
}

fn read_document(bytes: &[u8], limits: &ReadLimits) -> Result<Score, ReadError> {
    let text = decode(bytes)?;
    document::read(&text, limits)
}

/// The document in UTF-8, or in what the tokeniser will find not to be that.
fn decode(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        let text = text.ok().filter(|text| {
            let declared = declared_encoding(text.as_bytes()).to_ascii_lowercase();
            declared.is_empty() || declared.starts_with("utf-16")
        });
        text.map(|text| Cow::Owned(text.into_bytes()))
            .ok_or_else(|| ReadError::Encoding { encoding: "damaged UTF-16".to_owned() })
    };
    match bytes {
        [0xFE, 0xFF, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        // Without a mark it is told by the zero beside the first '<'.
        [0, b'<', ..] => return utf16(bytes, u16::from_be_bytes),
        [b'<', 0, ..] => return utf16(bytes, u16::from_le_bytes),
        _ => {}
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let declared = declared_encoding(bytes);
    let encoding = declared.to_ascii_lowercase().replace('_', "-");
    let refused = || ReadError::Encoding { encoding: format!("'{declared}'") };
    match encoding.as_str() {
        "" | "utf-8" | "utf8" => Ok(Cow::Borrowed(bytes)),
        "us-ascii" | "ascii" if bytes.is_ascii() => Ok(Cow::Borrowed(bytes)),
        name => {
            let upper = encodings::upper_half(name).ok_or_else(refused)?;
            let text: Option<String> = bytes.iter().map(|&byte| upper(byte)).collect();
            text.map(|text| Cow::Owned(text.into_bytes())).ok_or_else(refused)
        }
    }
}

/// The encoding the XML declaration names, or nothing.
fn declared_encoding(bytes: &[u8]) -> String {
    if !bytes.starts_with(b"<?xml") {
        return String::new();
    }
    // A declaration is ASCII and short; whatever does not end by then is no declaration.
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let declaration = head.split("?>").next().unwrap_or_default();
    let Some((_, value)) = declaration.split_once("encoding") else { return String::new() };
    let value = value.trim_start_matches([' ', '=', '\t', '\r', '\n']);
    let quote = value.chars().next().unwrap_or('"');
    value[quote.len_utf8().min(value.len())..].split(quote).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
