//! `result.json` on disk: read with a reason for whatever is wrong with it, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::result::{RunFile, SCHEMA_VERSION};

/// Why runs make no record.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum RunsError {
    #[error("there is no run '{path}'; 'run --out DIR' makes one")]
    Absent { path: PathBuf },
    #[error("run '{path}' cannot be read: {why}")]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("run '{path}' is empty")]
    Empty { path: PathBuf },
    #[error("run '{path}' is cut off or damaged: {why}")]
    NotJson { path: PathBuf, why: serde_json::Error },
    #[error("'{path}' is no result of this program's 'run': it has no schema_version")]
    Foreign { path: PathBuf },
    #[error("run '{path}' has schema version {found}, this program reads {SCHEMA_VERSION}")]
    Future { path: PathBuf, found: u64 },
    #[error("run '{path}' is malformed: {why}")]
    Malformed { path: PathBuf, why: serde_json::Error },
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
    pub fn read(path: &Path) -> Result<Self, RunsError> {
        let here = || path.to_owned();
        let bytes = std::fs::read(path).map_err(|why| match why.kind() {
            ErrorKind::NotFound => RunsError::Absent { path: here() },
            _ => RunsError::Unreadable { path: here(), why },
        })?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(RunsError::Empty { path: here() });
        }
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|why| RunsError::NotJson { path: here(), why })?;
        match value.get("schema_version").and_then(serde_json::Value::as_u64) {
            None => return Err(RunsError::Foreign { path: here() }),
            Some(found) if !(1..=u64::from(SCHEMA_VERSION)).contains(&found) => {
                return Err(RunsError::Future { path: here(), found });
            }
            Some(_) => {}
        }
        serde_json::from_value(value).map_err(|why| RunsError::Malformed { path: here(), why })
    }
}
