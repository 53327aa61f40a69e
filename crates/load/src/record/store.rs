//! A directory of records.

use std::path::{Path, PathBuf};

use music21_mcp_bench::baseline::file::{InputError, files};

use super::Record;

/// A directory of records, one file each: `name.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store(PathBuf);

/// One file of a store.
#[derive(Debug)]
pub struct Found {
    /// Its name, without `.json`.
    pub name: String,
    /// What it holds, or why it cannot be used.
    pub record: Result<Record, InputError>,
}

impl Store {
    /// The records in this directory.
    #[must_use]
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// The file of the record `name`; a name that looks like a path is one.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let is_path = name.contains('/') || Path::new(name).extension().is_some_and(|end| end == "json");
        if is_path { name.into() } else { self.0.join(format!("{name}.json")) }
    }

    /// Every record, in the order they were made; unusable ones first.
    ///
    /// # Errors
    ///
    /// If there is no such directory, or it cannot be read.
    pub fn all(&self) -> Result<Vec<Found>, InputError> {
        let load = |(name, path): (String, PathBuf)| Found { record: Record::load(&path), name };
        let mut found: Vec<Found> = files(&self.0)?.into_iter().map(load).collect();
        found.sort_by_cached_key(|found| {
            (found.record.as_ref().ok().map(|record| record.created_utc.clone()), found.name.clone())
        });
        Ok(found)
    }
}
