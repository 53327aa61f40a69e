//! A file of `baselines/`: JSON with sorted keys and a checksum of everything else.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The newest layout this program reads and the one it writes. 2 renamed a class of outcomes; 1 is read by its old name.
pub const SCHEMA_VERSION: u32 = 2;
/// The field that holds the checksum of everything else.
pub const CHECKSUM: &str = "sha256_of_body";

/// Why a record cannot be used. Whoever compares says "not comparable" before it.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum RecordError {
    #[error("there is no record '{path}'; 'baseline list' names those that there are")]
    Absent { path: PathBuf },
    #[error("there is no directory '{path}' of records; 'baseline save' makes it, and --dir names another")]
    NoDirectory { path: PathBuf },
    #[error("record '{path}' cannot be read: {why}")]
    Unreadable { path: PathBuf, why: io::Error },
    #[error("record '{path}' is empty")]
    Empty { path: PathBuf },
    #[error("record '{path}' is cut off or damaged: {why}")]
    NotJson { path: PathBuf, why: serde_json::Error },
    #[error("'{path}' is no record of this program: it has no {missing}")]
    Foreign { path: PathBuf, missing: &'static str },
    #[error(
        "record '{path}' has schema version {found}, this program reads {SCHEMA_VERSION}; use a newer program"
    )]
    Future { path: PathBuf, found: u64 },
    #[error("record '{path}' was changed after it was written: its checksum does not fit")]
    Changed { path: PathBuf },
    #[error("record '{path}' is malformed: {why}")]
    Malformed { path: PathBuf, why: serde_json::Error },
    #[error(
        "record '{path}', entry '{entry}', round {round}: {figure} is {value}, which no measurement gives"
    )]
    Impossible { path: PathBuf, entry: String, round: usize, figure: &'static str, value: f64 },
    #[error("record '{path}' exists and is never overwritten; choose another name")]
    Exists { path: PathBuf },
    #[error("record '{path}' cannot be written: {why}")]
    Unwritable { path: PathBuf, why: io::Error },
}

/// Reads a record's body and checks its layout and its checksum, which is no longer in what is returned.
///
/// # Errors
///
/// If the file is absent, empty, damaged, no record, a newer one, or was changed by hand.
pub fn read_body(path: &Path) -> Result<Value, RecordError> {
    let path_buf = || path.to_owned();
    let bytes = fs::read(path).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => RecordError::Absent { path: path_buf() },
        _ => RecordError::Unreadable { path: path_buf(), why },
    })?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(RecordError::Empty { path: path_buf() });
    }
    let mut body: Value =
        serde_json::from_slice(&bytes).map_err(|why| RecordError::NotJson { path: path_buf(), why })?;
    let foreign = |missing| RecordError::Foreign { path: path_buf(), missing };
    let version = body.get("schema_version").and_then(Value::as_u64);
    let version = version.ok_or_else(|| foreign("schema_version"))?;
    // OK because it has a field, so it is an object.
    let sum = body.as_object_mut().unwrap().remove(CHECKSUM).ok_or_else(|| foreign(CHECKSUM))?;
    if !(1..=u64::from(SCHEMA_VERSION)).contains(&version) {
        return Err(RecordError::Future { path: path_buf(), found: version });
    }
    if sum != Value::String(checksum(&body)) {
        return Err(RecordError::Changed { path: path_buf() });
    }
    Ok(body)
}

/// The records of a directory: name without `.json`, and path, in the order of names.
///
/// # Errors
///
/// If there is no such directory, or it cannot be read.
pub fn files(directory: &Path) -> Result<Vec<(String, PathBuf)>, RecordError> {
    let entries = fs::read_dir(directory).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => RecordError::NoDirectory { path: directory.to_owned() },
        _ => RecordError::Unreadable { path: directory.to_owned(), why },
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

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
