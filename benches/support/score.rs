//! The scores that are sent, and what importing them must say.

use std::cell::OnceCell;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use music21_mcp_bench::client::{Expectation, Music21Client, Reply, ScoreCounts, Tool};
use music21_mcp_bench::score::{OrchestraSpec, generate, write};
use tempfile::NamedTempFile;

/// A score to send.
pub(super) struct BenchScore {
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

/// The source that `import_score` is given.
pub(super) struct Source {
    pub name: String,
    pub kind: &'static str,
}

/// The seed of every generated score: another one would be another workload.
const SEED: u64 = 7;

impl BenchScore {
    /// Three of the bundled works, by size. music21's own corpus has them under the same names, so any
    /// server can be asked for them; the counts are music21's.
    pub(super) fn bundled() -> [Self; 3] {
        let score = |label: &str, name, parts, notes| {
            let label = label.to_owned();
            Self { label, parts, notes, origin: Origin::Corpus(name) }
        };
        [
            score("small-aloha-oe", "liliuokalani/aloha_oe", 7, 371),
            score("medium-allor-che-ignuda", "lusitano/allor_che_ignuda", 3, 427),
            score("large-concertino", "weber/concertino_clarinet", 3, 3312),
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

    /// Imports it; an answer that counts other parts or notes is wrong.
    pub(super) async fn import(
        &self,
        client: &Music21Client,
        id: &str,
        source: &Source,
        deadline: Duration,
    ) -> Reply {
        let tool = Tool::ImportScore;
        let mut arguments = tool.arguments(id);
        let more = [("source", source.name.as_str()), ("source_type", source.kind)];
        arguments.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
        let counts = ScoreCounts { parts: self.parts, notes: self.notes };
        let expect = Expectation { counts: Some(counts), ..Expectation::default() };
        client.call_expecting(tool.name(), arguments, expect, deadline).await
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
