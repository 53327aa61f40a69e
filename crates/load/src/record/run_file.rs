//! `result.json` on disk: read with a reason for whatever is wrong with it, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use music21_mcp_bench::baseline::file::{FileKind, InputError};

use crate::result::{RunFile, SCHEMA_VERSION};

const RUN: FileKind = FileKind {
    noun: "run",
    what: "result of this program's 'run'",
    absent: "'run --out DIR' makes one",
    newest: SCHEMA_VERSION,
};

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
    pub fn read(path: &Path) -> Result<Self, InputError> {
        RUN.decode(path, RUN.read(path)?)
    }
}
