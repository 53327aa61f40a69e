//! MXL: a zip archive. As music21, the reader takes the first document in it, whatever the archive's
//! container file names: programs name files that are not there.

use std::io::{Cursor as IoCursor, Read};

use zip::ZipArchive;

use super::ReadError;

/// The document of an MXL archive, of at most `limit` bytes: an archive that unpacks to more is
/// refused without unpacking the rest.
pub(super) fn unpack(bytes: &[u8], limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut archive =
        ZipArchive::new(IoCursor::new(bytes)).map_err(|error| ReadError::Container(error.to_string()))?;
    let index = (0..archive.len()).find(|&index| {
        archive.name_for_index(index).is_some_and(|name| name.is_ok_and(|name| is_document(&name)))
    });
    let index =
        index.ok_or_else(|| ReadError::Container("the archive holds no MusicXML document".to_owned()))?;
    let entry = archive.by_index(index).map_err(|error| ReadError::Container(error.to_string()))?;
    let name = entry.name().map_or_else(|_| "its document".to_owned(), |name| name.into_owned());
    let mut document = Vec::new();
    // The size in the archive's directory may lie; the bytes themselves are counted.
    entry
        .take(limit + 1)
        .read_to_end(&mut document)
        .map_err(|error| ReadError::Container(format!("'{name}' does not unpack ({error})")))?;
    if document.len() as u64 > limit {
        return Err(ReadError::TooLong { limit });
    }
    Ok(document)
}

/// By its name. An entry of macOS beside each file has that file's name and other content.
fn is_document(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    let document = [".musicxml", ".xml", ".mxl"].iter().any(|extension| file.ends_with(extension));
    document && !name.contains("META-INF") && !name.starts_with("__MACOSX/")
}
