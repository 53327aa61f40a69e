//! A record on disk: JSON with sorted keys and a checksum, written whole or not at all.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{Record, SCHEMA_VERSION};

/// The field that holds the checksum of everything else.
const CHECKSUM: &str = "sha256_of_body";

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

impl Record {
    /// Reads a record and checks its layout, its checksum and its figures.
    ///
    /// # Errors
    ///
    /// One variant for each way in which a file is not a usable record.
    pub fn load(path: &Path) -> Result<Self, RecordError> {
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
        if version != u64::from(SCHEMA_VERSION) {
            return Err(RecordError::Future { path: path_buf(), found: version });
        }
        if sum != Value::String(checksum(&body)) {
            return Err(RecordError::Changed { path: path_buf() });
        }
        let record: Self =
            serde_json::from_value(body).map_err(|why| RecordError::Malformed { path: path_buf(), why })?;
        record.check(path)?;
        Ok(record)
    }

    /// Writes a record to a new file: a temporary file, `fsync`, and a rename that never replaces.
    ///
    /// # Errors
    ///
    /// If the file exists, cannot be written, or the record holds impossible figures.
    pub fn save(&self, path: &Path) -> Result<(), RecordError> {
        self.check(path)?;
        let unwritable = |why| RecordError::Unwritable { path: path.to_owned(), why };
        let mut file = new_file(path).map_err(unwritable)?;
        file.write_all(self.to_json().as_bytes()).map_err(unwritable)?;
        file.as_file().sync_all().map_err(unwritable)?;
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => RecordError::Exists { path: path.to_owned() },
            _ => unwritable(error.error),
        })?;
        File::open(directory_of(path)).and_then(|directory| directory.sync_all()).map_err(unwritable)
    }

    /// Whether a record can be saved here, for whoever has minutes of measuring before that.
    ///
    /// # Errors
    ///
    /// If the file exists or its directory cannot be written.
    pub fn can_save(path: &Path) -> Result<(), RecordError> {
        if path.exists() {
            return Err(RecordError::Exists { path: path.to_owned() });
        }
        new_file(path).map_err(|why| RecordError::Unwritable { path: path.to_owned(), why }).map(drop)
    }

    /// The file's text: keys sorted, one line, and the checksum of the rest among them.
    #[must_use]
    pub(crate) fn to_json(&self) -> String {
        // OK because every map in a record has strings for keys.
        let mut body = serde_json::to_value(self).unwrap();
        let sum = checksum(&body);
        body[CHECKSUM] = Value::String(sum);
        format!("{body}\n")
    }

    fn check(&self, path: &Path) -> Result<(), RecordError> {
        for (name, entry) in &self.entries {
            for (round, figures) in entry.rounds.iter().enumerate() {
                let reference = figures.reference.as_ref();
                let logs = [
                    ("wall_log", figures.wall_log),
                    ("cpu_log", figures.cpu_log),
                    ("reference.wall_log", reference.map(|r| r.wall_log)),
                    ("reference.cpu_log", reference.and_then(|r| r.cpu_log)),
                ];
                for (figure, value) in logs {
                    if let Some(value) = value.filter(|value| !possible(*value)) {
                        let (path, entry) = (path.to_owned(), name.clone());
                        return Err(RecordError::Impossible { path, entry, round, figure, value });
                    }
                }
            }
        }
        Ok(())
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A temporary file that can be renamed to `path`, whose directory is made.
fn new_file(path: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(directory_of(path))?;
    // Readable by whom the umask allows: a temporary file is its owner's alone by default.
    let permissions = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().permissions(permissions).tempfile_in(directory_of(path))
}

/// Between a picosecond (an in-process loop may take less than a nanosecond an iteration) and a year.
fn possible(log_ns: f64) -> bool {
    (1e-3f64.ln()..=3.2e16f64.ln()).contains(&log_ns)
}

/// Of the body's canonical text: `serde_json` sorts the keys of a `Value`.
fn checksum(body: &Value) -> String {
    sha256_hex(body.to_string().as_bytes())
}

/// SHA-256 in lower-case hexadecimal.
#[must_use]
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
