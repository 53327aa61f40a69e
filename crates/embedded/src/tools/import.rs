//! `import_score`: checked and read apart from being stored, so that a reading that takes too long
//! stores nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use music21_mcp_score::{ReadLimits, Score};
use serde::Serialize;

use crate::analysis::check_symbols;
use crate::reply::{Failure, Reply, success};
use crate::source::corpus::Corpus;
use crate::source::{note_names, paths, tiny_notation};
use crate::store::{Origin, Store, Stored};

/// What to import.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) kind: Kind,
}

/// A `source_type`, `auto` resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Corpus,
    File,
    Text,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Corpus => "corpus",
            Self::File => "file",
            Self::Text => "text",
        }
    }
}

#[derive(Serialize)]
struct Imported<'a> {
    score_id: &'a str,
    source_type: &'a str,
    num_notes: usize,
    /// Always 0: the real server looks for measures where none are left.
    num_measures: usize,
    num_parts: usize,
    pitch_range: i32,
}

/// Refuses what the real server refuses before it reads.
pub(crate) fn check(store: &Store, id: &str, source: &str, kind: &str) -> Result<Import, Failure> {
    if id.is_empty() {
        return Err(Failure::refused("score_id cannot be empty"));
    }
    if source.is_empty() {
        return Err(Failure::refused("source cannot be empty"));
    }
    if store.contains(id, Instant::now()) {
        return Err(Failure::refused(format!("Score with ID '{id}' already exists")));
    }
    let kind = match kind {
        "auto" => detect(source),
        "file" => Kind::File,
        "corpus" => Kind::Corpus,
        "text" => Kind::Text,
        other => return Err(Failure::refused(format!("Invalid source_type: {other}"))),
    };
    Ok(Import { id: id.to_owned(), source: source.to_owned(), kind })
}

/// Reads the source and counts its notes. Why a source cannot be read goes to `log`: the reply
/// only says that it cannot, as the real server's does.
pub(crate) fn read(
    import: &Import,
    corpus: &Corpus,
    allowed: &[PathBuf],
    log: impl Fn(&str),
) -> Result<Stored, Failure> {
    let source = &import.source;
    let read = match import.kind {
        Kind::Text => read_text(source),
        Kind::Corpus => corpus
            .find(source)
            .ok_or_else(|| "no such corpus work".to_owned())
            .and_then(|work| Ok((read_bytes(&work.bytes)?, Origin::Document(work.file_name().to_owned())))),
        Kind::File => {
            let path = paths::resolve_allowed(Path::new(source), allowed).ok_or_else(|| {
                Failure::refused(format!(
                    "Import failed: Path '{source}' is outside allowed directories. Files can only be imported \
                     from the current directory or temp directory."
                ))
            })?;
            read_file(&path)
        }
    };
    let checked = read.and_then(|(score, origin)| match check_symbols(&score) {
        Ok(()) => Ok((score, origin)),
        Err(_) => Err("a chord symbol lacks what it changes".to_owned()),
    });
    match checked {
        Ok((score, origin)) => Ok(Stored::new(import.id.clone(), score, origin)),
        Err(reason) => {
            log(&format!("cannot import '{source}': {reason}"));
            Err(unreadable(source))
        }
    }
}

/// The refusal of whatever could not be read.
pub(crate) fn unreadable(source: &str) -> Failure {
    Failure::refused(format!("Could not find or import score: {source}"))
}

/// Stores what was read.
pub(crate) fn store(store: &Store, kind: Kind, stored: Stored) -> Reply {
    let stored = store
        .insert(stored, Instant::now())
        .map_err(|limit| Failure::Broke { tool: "import_score", error: format!("Import failed: {limit}") })?;
    let message = format!("Successfully imported score '{}' from {}", stored.id, kind.name());
    // Without a single note the real server's look at the range fails, and with it all of the counts.
    let fails = stored.counts.notes > 0 && stored.counts.range.is_none();
    let fields = Imported {
        score_id: &stored.id,
        source_type: kind.name(),
        num_notes: if fails { 0 } else { stored.counts.notes },
        num_measures: 0,
        num_parts: if fails { 0 } else { stored.score.parts.len() },
        pitch_range: stored.counts.range.map_or(0, |(low, high)| high - low),
    };
    Ok(success(&message, fields))
}

fn read_text(text: &str) -> Result<(Score, Origin), String> {
    match text.trim().strip_prefix("tinyNotation:") {
        Some(notation) => Ok((tiny_notation::read(notation)?, Origin::TinyNotation)),
        None => Ok((note_names::read(text)?, Origin::NoteNames)),
    }
}

fn read_bytes(bytes: &[u8]) -> Result<Score, String> {
    music21_mcp_score::read(bytes, &ReadLimits::default()).map_err(|error| error.to_string())
}

fn read_file(path: &Path) -> Result<(Score, Origin), String> {
    let score =
        music21_mcp_score::read_file(path, &ReadLimits::default()).map_err(|error| error.to_string())?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((score, Origin::Document(name)))
}

/// The real server's guess.
fn detect(source: &str) -> Kind {
    const EXTENSIONS: [&str; 8] = [".mid", ".midi", ".xml", ".musicxml", ".mxl", ".abc", ".krn", ".mei"];
    const COMPOSERS: [&str; 4] = ["bach", "mozart", "beethoven", "chopin"];
    let lower = source.to_lowercase();
    if exists(Path::new(source)) || EXTENSIONS.iter().any(|extension| lower.ends_with(extension)) {
        return Kind::File;
    }
    if source.contains('/') && COMPOSERS.iter().any(|composer| lower.contains(composer)) {
        return Kind::Corpus;
    }
    if source.contains(' ') && source.split_whitespace().all(is_note_like) {
        return Kind::Text;
    }
    Kind::File
}

fn exists(path: &Path) -> bool {
    // A path that may not be looked at is reported later, as one that cannot be read.
    path.try_exists().unwrap_or_else(|error: io::Error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn is_note_like(word: &str) -> bool {
    let plain = word.replace(['#', '-', 'b'], "");
    let mut characters = plain.chars();
    characters.next().is_some_and(char::is_alphabetic)
        && !characters.as_str().is_empty()
        && characters.all(|c| c.is_ascii_digit())
}
