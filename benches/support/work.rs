//! The scores that are sent, and what importing them must say.

use std::cell::OnceCell;
use std::io::{self, BufWriter, Write};

use music21_mcp_bench::client::Outcome;
use music21_mcp_bench::client::Reply;
use music21_mcp_bench::score::{OrchestraSpec, generate, write};
use tempfile::NamedTempFile;

/// A score to send.
pub(super) struct Work {
    label: String,
    parts: u64,
    notes: u64,
    origin: Origin,
}

enum Origin {
    Corpus(&'static str),
    /// Written to the temporary directory when first sent: a server reads files only from there.
    Generated(OrchestraSpec, OnceCell<NamedTempFile>),
}

/// What `import_score` is told.
pub(super) struct Source {
    pub name: String,
    pub kind: &'static str,
}

/// The seed of every generated score: another one would be another workload.
const SEED: u64 = 7;

impl Work {
    /// Three of the bundled works, by size. music21's own corpus has them under the same names, so any
    /// server can be asked for them; the counts are music21's.
    pub(super) fn bundled() -> [Self; 3] {
        let work = |label: &str, name, parts, notes| {
            let label = label.to_owned();
            Self { label, parts, notes, origin: Origin::Corpus(name) }
        };
        [
            work("small-aloha-oe", "liliuokalani/aloha_oe", 7, 371),
            work("medium-allor-che-ignuda", "lusitano/allor_che_ignuda", 3, 427),
            work("large-concertino", "weber/concertino_clarinet", 3, 3312),
        ]
    }

    /// The generated orchestral score of that preset.
    pub(super) fn preset(name: &str) -> Self {
        // OK because the settings refuse unknown presets.
        let spec = OrchestraSpec::preset(name, SEED).expect("a known preset");
        let (parts, notes) = (u64::from(spec.parts), generate(&spec).note_count() as u64);
        Self { label: name.to_owned(), parts, notes, origin: Origin::Generated(spec, OnceCell::new()) }
    }

    /// Its part of a bench's id.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Notes, a chord counting once, as `import_score` counts them.
    pub(super) fn notes(&self) -> u64 {
        self.notes
    }

    pub(super) fn source(&self) -> io::Result<Source> {
        match &self.origin {
            Origin::Corpus(name) => Ok(Source { name: (*name).to_owned(), kind: "corpus" }),
            Origin::Generated(spec, cell) => {
                if cell.get().is_none() {
                    // Nobody else sets it: the benches run one after the other.
                    let _ = cell.set(write_file(spec)?);
                }
                let path = cell.get().map(|file| file.path().to_string_lossy().into_owned());
                Ok(Source { name: path.unwrap_or_default(), kind: "file" })
            }
        }
    }

    /// The import is of this score: its parts and notes are all there.
    pub(super) fn check(&self, reply: Reply) -> Result<(), Reply> {
        let payload = reply.payload().unwrap_or_default();
        let counts = (payload["num_parts"].as_u64(), payload["num_notes"].as_u64());
        if counts == (Some(self.parts), Some(self.notes)) {
            return Ok(());
        }
        let message = format!("imported {counts:?} parts and notes of {:?}", (self.parts, self.notes));
        Err(Reply { outcome: Outcome::WrongAnswer, message: Some(message), ..reply })
    }
}

fn write_file(spec: &OrchestraSpec) -> io::Result<NamedTempFile> {
    let file = tempfile::Builder::new().prefix("orchestra-").suffix(".musicxml").tempfile()?;
    let mut out = BufWriter::new(file.as_file());
    write(&generate(spec), &mut out)?;
    out.flush()?;
    drop(out);
    Ok(file)
}
