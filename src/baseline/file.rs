//! Versioned files, and those of `baselines/` among them: JSON with sorted keys and a checksum of everything else.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

pub use crate::digest::sha256_hex;

/// The newest layout this program reads and the one it writes. 2 renamed a class of outcomes; 1 is read by its old name.
pub const SCHEMA_VERSION: u32 = 2;
/// The field that holds the checksum of everything else.
pub const CHECKSUM: &str = "sha256_of_body";

/// What kind of versioned file is read: how messages call it, and which layouts this program reads.
#[derive(Debug, PartialEq, Eq)]
pub struct FileKind {
    /// In a word.
    pub noun: &'static str,
    /// In full.
    pub what: &'static str,
    /// What to do where there is none.
    pub absent: &'static str,
    /// The newest layout that is read; the oldest is 1.
    pub newest: u32,
}

/// A file of `baselines/`.
const RECORD: FileKind = FileKind {
    noun: "record",
    what: "record of this program",
    absent: "'baseline list' names those that there are",
    newest: SCHEMA_VERSION,
};

/// Why what was named or handed in cannot be used. Whoever compares says "not comparable" before it.
#[derive(Debug, Error)]
#[error("{text}")]
pub struct InputError {
    /// Where the fault lies.
    pub fault: Fault,
    text: String,
}

/// Where the fault lies that something cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// In its name: there is nothing that is called so.
    Name,
    /// In the system, which does not give or take it.
    System,
    /// In what it holds.
    Content,
}

impl InputError {
    /// There is nothing of that name.
    pub fn unknown(text: impl Into<String>) -> Self {
        Self { fault: Fault::Name, text: text.into() }
    }

    /// The system does not give or take it.
    pub fn refused(text: impl Into<String>) -> Self {
        Self { fault: Fault::System, text: text.into() }
    }

    /// It holds what it should not.
    pub fn unusable(text: impl Into<String>) -> Self {
        Self { fault: Fault::Content, text: text.into() }
    }
}

impl FileKind {
    /// Reads a file of this kind and checks the version of its layout.
    ///
    /// # Errors
    ///
    /// If the file is absent, empty, damaged, another program's, or of a layout that is not read.
    pub fn read(&self, path: &Path) -> Result<Value, InputError> {
        let (Self { noun, absent, newest, .. }, at) = (self, path.display());
        let bytes = fs::read(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => InputError::unknown(format!("there is no {noun} '{at}'; {absent}")),
            _ => InputError::refused(format!("{noun} '{at}' cannot be read: {why}")),
        })?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(InputError::unusable(format!("{noun} '{at}' is empty")));
        }
        let body: Value = serde_json::from_slice(&bytes)
            .map_err(|why| InputError::unusable(format!("{noun} '{at}' is cut off or damaged: {why}")))?;
        let version = body.get("schema_version").and_then(Value::as_u64);
        let version = version.ok_or_else(|| self.not_ours(path, "schema_version"))?;
        if !(1..=u64::from(*newest)).contains(&version) {
            return Err(InputError::unusable(format!(
                "{noun} '{at}' has schema version {version}, this program reads 1 to {newest}; use a newer program"
            )));
        }
        Ok(body)
    }

    /// The fields of a file that was read.
    ///
    /// # Errors
    ///
    /// If they are not those of the layout.
    pub fn decode<T: DeserializeOwned>(&self, path: &Path, body: Value) -> Result<T, InputError> {
        serde_json::from_value(body).map_err(|why| {
            InputError::unusable(format!("{} '{}' is malformed: {why}", self.noun, path.display()))
        })
    }

    fn not_ours(&self, path: &Path, field: &str) -> InputError {
        InputError::unusable(format!("'{}' is no {}: it has no {field}", path.display(), self.what))
    }
}

/// Reads a record, whose checksum must fit.
///
/// # Errors
///
/// If the file cannot be read as a record's, or was changed by hand.
pub fn read_record<T: DeserializeOwned>(path: &Path) -> Result<T, InputError> {
    let mut body = RECORD.read(path)?;
    let sum = body.as_object_mut().and_then(|body| body.remove(CHECKSUM));
    if sum.ok_or_else(|| RECORD.not_ours(path, CHECKSUM))? != Value::String(checksum(&body)) {
        let path = path.display();
        return Err(InputError::unusable(format!(
            "record '{path}' was changed after it was written: its checksum does not fit"
        )));
    }
    RECORD.decode(path, body)
}

/// The records of a directory: name without `.json`, and path, in the order of names.
///
/// # Errors
///
/// If there is no such directory, or it cannot be read.
pub fn files(directory: &Path) -> Result<Vec<(String, PathBuf)>, InputError> {
    let at = directory.display();
    let entries = fs::read_dir(directory).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => InputError::unknown(format!(
            "there is no directory '{at}' of records; 'baseline save' makes it, and --dir names another"
        )),
        _ => InputError::refused(format!("the directory '{at}' of records cannot be read: {why}")),
    })?;
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            (path.extension()? == "json").then_some(())?;
            Some((path.file_stem()?.to_str()?.to_owned(), path))
        })
        .collect();
    found.sort();
    Ok(found)
}

/// Of the body's canonical text: `serde_json` sorts the keys of a `Value`.
#[must_use]
pub fn checksum(body: &Value) -> String {
    sha256_hex(body.to_string().as_bytes())
}
