//! MXL: a zip archive whose `META-INF/container.xml` names the document.

use std::io::{Cursor as IoCursor, Read};

use zip::ZipArchive;

use super::ReadError;
use super::cursor::Cursor;

/// The document of an MXL archive, of at most `limit` bytes: an archive that unpacks to more is
/// refused without unpacking the rest.
pub(super) fn unpack(bytes: &[u8], limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut archive =
        ZipArchive::new(IoCursor::new(bytes)).map_err(|error| ReadError::Container(error.to_string()))?;
    let name = root_file(&mut archive, limit)?;
    entry(&mut archive, &name, limit)
}

/// What the container file names first, or the first MusicXML-like entry if there is none.
fn root_file(archive: &mut ZipArchive<IoCursor<&[u8]>>, limit: u64) -> Result<String, ReadError> {
    if archive.index_for_name("META-INF/container.xml").is_some() {
        let container = entry(archive, "META-INF/container.xml", limit.min(1 << 20))?;
        if let Some(path) = full_path(&container) {
            return Ok(path);
        }
    }
    let mut names = archive.file_names().filter_map(Result::ok);
    let first = names.find(|name| {
        !name.starts_with("META-INF/") && (name.ends_with(".xml") || name.ends_with(".musicxml"))
    });
    let first = first.map(std::borrow::Cow::into_owned);
    first.ok_or_else(|| ReadError::Container("the archive holds no MusicXML document".to_owned()))
}

/// The first `<rootfile full-path>` of a container file.
fn full_path(container: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(container, 10);
    cursor.root().ok()?;
    while let Some(tag) = cursor.child().ok()? {
        if tag.name() != "rootfiles" {
            cursor.skip().ok()?;
            continue;
        }
        let root_file = cursor.child().ok()??;
        return root_file.attribute("full-path").ok()?.map(|path| path.into_owned());
    }
    None
}

fn entry(archive: &mut ZipArchive<IoCursor<&[u8]>>, name: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
    let file = archive.by_name(name).map_err(|error| {
        ReadError::Container(format!("its container names '{name}', which cannot be opened ({error})"))
    })?;
    let mut bytes = Vec::new();
    // The size in the archive's directory may lie; the bytes themselves are counted.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ReadError::Container(format!("'{name}' does not unpack ({error})")))?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLong { limit });
    }
    Ok(bytes)
}
