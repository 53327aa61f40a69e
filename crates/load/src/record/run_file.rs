//! `result.json` on disk: read with a reason for whatever is wrong with it, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use music21_mcp_bench::baseline::file::{FileError, FileKind, Versioned};
use thiserror::Error;

use crate::result::{RunFile, SCHEMA_VERSION};

const RUN: FileKind = FileKind {
    noun: "run",
    what: "result of this program's 'run'",
    absent: "'run --out DIR' makes one",
    newest: SCHEMA_VERSION,
};

/// Why runs make no record.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum RunsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("run '{path}' did not end by itself; what is missing was not measured")]
    Incomplete { path: PathBuf },
    #[error("runs '{first}' and '{second}' are the same run; a round is a run of its own")]
    Twice { first: PathBuf, second: PathBuf },
    #[error("runs '{first}' and '{second}' are no rounds of one measurement: their {field} differs")]
    Differs { first: PathBuf, second: PathBuf, field: &'static str },
    #[error("run '{path}': the histogram of {entry} is damaged: {reason}")]
    Histogram { path: PathBuf, entry: String, reason: String },
    #[error("no stage of these runs can be compared{}", left_out.first().map(|why| format!(": {why}")).unwrap_or_default())]
    Nothing { left_out: Vec<String> },
}

impl RunFile {
    /// Writes it whole: a temporary file beside it, `fsync`, and a rename. An old file stays until then.
    ///
    /// # Errors
    ///
    /// Where the directory cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension("json.partial");
        let mut file = BufWriter::new(File::create(&temporary)?);
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.into_inner()?.sync_all()?;
        fs::rename(&temporary, path)
    }

    /// Reads what [`RunFile::write`] wrote, whether the run has ended or not.
    ///
    /// # Errors
    ///
    /// Where it cannot be read or is no such file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Versioned::read(path, &RUN)?.decode()
    }
}
