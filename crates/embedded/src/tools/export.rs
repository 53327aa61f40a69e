//! `export_score`: written to a new file of the server's export directory.

use std::io::{self, Write};
use std::path::Path;

use music21_mcp_score::Score;
use serde::Serialize;
use tempfile::TempPath;

use crate::export::{FORMATS, Format};
use crate::reply::{Failure, Reply, success};

#[derive(Serialize)]
struct Exported<'a> {
    format: &'a str,
    file_path: &'a Path,
    file_size: u64,
}

/// The format of that name, in any case.
pub(crate) fn format(name: &str) -> Result<Format, Failure> {
    let lower = name.to_lowercase();
    FORMATS.into_iter().find(|format| format.name == lower).ok_or_else(|| {
        let supported = FORMATS.map(|format| format.name).join(", ");
        Failure::refused(format!("Unsupported format: {name}. Supported formats: {supported}"))
    })
}

/// Writes the file; it is removed when the path is dropped.
pub(crate) fn write(score: &Score, format: Format, directory: &Path) -> Result<TempPath, Failure> {
    let bytes = format.write.ok_or_else(|| failed(format))?(score);
    let write = || -> io::Result<TempPath> {
        let mut file =
            tempfile::Builder::new().prefix("tmp").suffix(format.extension).tempfile_in(directory)?;
        file.write_all(&bytes)?;
        Ok(file.into_temp_path())
    };
    write().map_err(|_| failed(format))
}

/// The refusal of a format that cannot be written.
pub(crate) fn failed(format: Format) -> Failure {
    Failure::refused(format!("Export to {} failed", format.name))
}

/// Tells where the file is.
pub(crate) fn reply(format: Format, path: &Path) -> Reply {
    let file_size = std::fs::metadata(path).map_or(0, |file| file.len());
    let message = format!("Successfully exported to {}", format.name);
    Ok(success(&message, Exported { format: format.name, file_path: path, file_size }))
}
