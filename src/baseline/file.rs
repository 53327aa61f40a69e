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

/// Why a versioned file cannot be read.
#[derive(Debug, Error)]
#[error("{}", self.text())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What it should be.
    pub kind: &'static FileKind,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a versioned file.
#[derive(Debug)]
pub enum Problem {
    /// There is no such file.
    Absent,
    /// The system does not give it.
    Unreadable(io::Error),
    /// It holds nothing.
    Empty,
    /// It is no JSON.
    NotJson(serde_json::Error),
    /// It is another program's: the field named is missing.
    NotOurs(&'static str),
    /// Its layout is not among those that this program reads.
    Version(u64),
    /// Its fields are not those of its layout.
    Malformed(serde_json::Error),
}

impl FileError {
    fn text(&self) -> String {
        let (path, FileKind { noun, what, absent, newest }) = (self.path.display(), self.kind);
        match &self.problem {
            Problem::Absent => format!("there is no {noun} '{path}'; {absent}"),
            Problem::Unreadable(why) => format!("{noun} '{path}' cannot be read: {why}"),
            Problem::Empty => format!("{noun} '{path}' is empty"),
            Problem::NotJson(why) => format!("{noun} '{path}' is cut off or damaged: {why}"),
            Problem::NotOurs(field) => format!("'{path}' is no {what}: it has no {field}"),
            Problem::Version(found) => format!(
                "{noun} '{path}' has schema version {found}, this program reads 1 to {newest}; use a newer program"
            ),
            Problem::Malformed(why) => format!("{noun} '{path}' is malformed: {why}"),
        }
    }
}

/// A versioned file whose layout this program reads.
#[derive(Debug)]
pub struct Versioned<'a> {
    path: &'a Path,
    kind: &'static FileKind,
    body: Value,
}

impl<'a> Versioned<'a> {
    /// Reads a file and checks the version of its layout.
    ///
    /// # Errors
    ///
    /// If the file is absent, empty, damaged, another program's, or of a layout that is not read.
    pub fn read(path: &'a Path, kind: &'static FileKind) -> Result<Self, FileError> {
        let error = |problem| FileError { path: path.to_owned(), kind, problem };
        let bytes = fs::read(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => error(Problem::Absent),
            _ => error(Problem::Unreadable(why)),
        })?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(error(Problem::Empty));
        }
        let body: Value = serde_json::from_slice(&bytes).map_err(|why| error(Problem::NotJson(why)))?;
        match body.get("schema_version").and_then(Value::as_u64) {
            None => Err(error(Problem::NotOurs("schema_version"))),
            Some(found) if !(1..=u64::from(kind.newest)).contains(&found) => {
                Err(error(Problem::Version(found)))
            }
            Some(_) => Ok(Self { path, kind, body }),
        }
    }

    /// Its fields.
    ///
    /// # Errors
    ///
    /// If they are not those of the layout.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, FileError> {
        let Self { path, kind, body } = self;
        serde_json::from_value(body).map_err(|why| FileError {
            path: path.to_owned(),
            kind,
            problem: Problem::Malformed(why),
        })
    }
}

/// Why a record cannot be used. Whoever compares says "not comparable" before it.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum RecordError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("there is no directory '{path}' of records; 'baseline save' makes it, and --dir names another")]
    NoDirectory { path: PathBuf },
    #[error("the directory '{path}' of records cannot be read: {why}")]
    UnreadableDirectory { path: PathBuf, why: io::Error },
    #[error("record '{path}' was changed after it was written: its checksum does not fit")]
    Changed { path: PathBuf },
    #[error(
        "record '{path}', entry '{entry}', round {round}: {figure} is {value}, which no measurement gives"
    )]
    Impossible { path: PathBuf, entry: String, round: usize, figure: &'static str, value: f64 },
    #[error("record '{path}' exists and is never overwritten; choose another name")]
    Exists { path: PathBuf },
    #[error("record '{path}' cannot be written: {why}")]
    Unwritable { path: PathBuf, why: io::Error },
}

/// Reads a record, whose checksum must fit.
///
/// # Errors
///
/// If the file cannot be read as a record's, or was changed by hand.
pub fn read_record<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    let mut file = Versioned::read(path, &RECORD)?;
    let Some(sum) = file.body.as_object_mut().and_then(|body| body.remove(CHECKSUM)) else {
        return Err(
            FileError { path: path.to_owned(), kind: &RECORD, problem: Problem::NotOurs(CHECKSUM) }.into()
        );
    };
    if sum != Value::String(checksum(&file.body)) {
        return Err(RecordError::Changed { path: path.to_owned() });
    }
    Ok(file.decode()?)
}

/// The records of a directory: name without `.json`, and path, in the order of names.
///
/// # Errors
///
/// If there is no such directory, or it cannot be read.
pub fn files(directory: &Path) -> Result<Vec<(String, PathBuf)>, RecordError> {
    let entries = fs::read_dir(directory).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => RecordError::NoDirectory { path: directory.to_owned() },
        _ => RecordError::UnreadableDirectory { path: directory.to_owned(), why },
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
