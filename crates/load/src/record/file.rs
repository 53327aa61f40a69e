//! A record on disk: JSON with sorted keys and a checksum, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use music21_mcp_bench::baseline::file::{CHECKSUM, InputError, checksum, read_record};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::Record;

impl Record {
    /// Reads a record and checks its layout, its checksum and its figures.
    ///
    /// # Errors
    ///
    /// One variant for each way in which a file is not a usable record.
    pub fn load(path: &Path) -> Result<Self, InputError> {
        let record: Self = read_record(path)?;
        record.check(path)?;
        Ok(record)
    }

    /// Writes a record to a new file: a temporary file, `fsync`, and a rename that never replaces.
    ///
    /// # Errors
    ///
    /// If the file exists, cannot be written, or the record holds impossible figures.
    pub fn save(&self, path: &Path) -> Result<(), InputError> {
        self.check(path)?;
        let write = || {
            let mut file = new_file(path)?;
            file.write_all(self.to_json().as_bytes())?;
            file.as_file().sync_all()?;
            file.persist_noclobber(path)?;
            File::open(directory_of(path))?.sync_all()
        };
        write().map_err(|why| unwritable(path, &why))
    }

    /// Whether a record can be saved here, for whoever has minutes of measuring before that.
    ///
    /// # Errors
    ///
    /// If the file exists or its directory cannot be written.
    pub fn can_save(path: &Path) -> Result<(), InputError> {
        if path.exists() {
            return Err(unwritable(path, &io::ErrorKind::AlreadyExists.into()));
        }
        new_file(path).map_err(|why| unwritable(path, &why)).map(drop)
    }

    /// The file's text: keys sorted, one line, and the checksum of the rest among them.
    pub(crate) fn to_json(&self) -> String {
        // OK because every map in a record has strings for keys.
        let mut body = serde_json::to_value(self).unwrap();
        let sum = checksum(&body);
        body[CHECKSUM] = Value::String(sum);
        format!("{body}\n")
    }

    fn check(&self, path: &Path) -> Result<(), InputError> {
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
                        let at = format!("record '{}', entry '{name}', round {round}", path.display());
                        return Err(InputError::unusable(format!(
                            "{at}: {figure} is {value}, which no measurement gives"
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

fn unwritable(path: &Path, why: &io::Error) -> InputError {
    let path = path.display();
    InputError::refused(match why.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("record '{path}' exists and is never overwritten; choose another name")
        }
        _ => format!("record '{path}' cannot be written: {why}"),
    })
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

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
