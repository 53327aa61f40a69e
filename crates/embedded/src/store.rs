//! The stored scores of one server, shared by all its sessions.
//!
//! Bounded by number, estimated memory and age; entries are kept in order of import, so the oldest
//! is always the first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use music21_mcp_score::{NoteFlags, Part, Score};
use tempfile::TempPath;

use super::config::Limits;

/// A score and what the cheap tools say of it.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) score: Score,
    pub(crate) origin: Origin,
    pub(crate) counts: Counts,
    /// Exported files that go with the score.
    pub(crate) exports: Mutex<Vec<TempPath>>,
}

/// Where a score came from; music21 gives each kind different metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A MusicXML document of that file name, which stands in for a missing title.
    Document(String),
    /// `tinyNotation:` text: measures, but no metadata.
    TinyNotation,
    /// A list of note names: neither measures nor metadata.
    NoteNames,
}

/// Counted as music21 does: a chord is one note, and so is a chord symbol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) notes: usize,
    /// Lowest and highest written MIDI pitch of the notes outside chords, moved by octaves into MIDI's range.
    pub(crate) range: Option<(i32, i32)>,
}

impl Counts {
    /// Of one part.
    pub(crate) fn of(part: &Part) -> Self {
        let notes = &part.notes;
        let mut counts = Self { notes: part.harmonies.len(), range: None };
        for (row, flags) in notes.flags.iter().enumerate() {
            if flags.any(NoteFlags::REST.with(NoteFlags::CHORD)) {
                continue;
            }
            counts.notes += 1;
            let heads_chord = notes.flags.get(row + 1).is_some_and(|next| next.has(NoteFlags::CHORD));
            if !heads_chord && !flags.any(NoteFlags::UNPITCHED.with(NoteFlags::LONE_CHORD)) {
                let pitch = in_midi(notes.pitch[row].midi());
                counts.range = join(counts.range, Some((pitch, pitch)));
            }
        }
        counts
    }

    fn of_score(score: &Score) -> Self {
        score.parts.iter().map(Self::of).fold(Self::default(), |sum, part| Self {
            notes: sum.notes + part.notes,
            range: join(sum.range, part.range),
        })
    }
}

/// As music21 moves what MIDI cannot name.
fn in_midi(pitch: i32) -> i32 {
    match pitch {
        0..=127 => pitch,
        ..0 => pitch.rem_euclid(12),
        _ if pitch % 12 < 7 => 120 + pitch % 12,
        _ => 108 + pitch % 12,
    }
}

fn join(a: Option<(i32, i32)>, b: Option<(i32, i32)>) -> Option<(i32, i32)> {
    match (a, b) {
        (Some((low, high)), Some((lower, higher))) => Some((low.min(lower), high.max(higher))),
        (some, None) | (None, some) => some,
    }
}

impl Stored {
    /// Counts the score.
    pub(crate) fn new(id: String, score: Score, origin: Origin) -> Self {
        let counts = Counts::of_score(&score);
        Self { id, score, origin, counts, exports: Mutex::default() }
    }

    /// The title of the work; none if its movement is called the same.
    pub(crate) fn work_title(&self) -> Option<&str> {
        let score = &self.score;
        score.work_title.as_deref().filter(|&title| score.movement_title.as_deref() != Some(title))
    }

    /// The movement's name, or the file's, which music21 puts in its place.
    pub(crate) fn movement_name(&self) -> Option<&str> {
        match &self.origin {
            Origin::Document(file) => Some(self.score.movement_title.as_deref().unwrap_or(file)),
            Origin::TinyNotation | Origin::NoteNames => None,
        }
    }

    /// The title of the work or the name of the movement.
    pub(crate) fn title(&self) -> Option<&str> {
        self.movement_name().map(|movement| self.work_title().unwrap_or(movement))
    }

    /// Bytes by the real server's estimate: 1 KiB a note, 50 KiB at least.
    fn estimated_bytes(&self) -> u64 {
        (self.counts.notes as u64 * 1024).max(50 * 1024)
    }
}

/// The scores.
#[derive(Debug)]
pub(crate) struct Store {
    limits: Limits,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_import: BTreeMap<u64, (Instant, Arc<Stored>)>,
    by_id: HashMap<String, u64>,
    imports: u64,
    bytes: u64,
}

/// A score too many for the memory limit; the message is the real server's.
#[derive(Debug, thiserror::Error)]
#[error("Adding score '{id}' would exceed memory limit ({limit_mib}MB). Current usage: {used_mib:.1}MB")]
pub(crate) struct MemoryLimit {
    id: String,
    limit_mib: u64,
    used_mib: f64,
}

impl Store {
    /// An empty store.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, entries: Mutex::default() }
    }

    fn entries(&self, now: Instant) -> MutexGuard<'_, Entries> {
        // A panic elsewhere leaves the entries whole: no step below can fail half-way.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(oldest) = entries.by_import.first_entry() {
            if now.saturating_duration_since(oldest.get().0) < self.limits.time_to_live {
                break;
            }
            entries.remove_oldest();
        }
        entries
    }

    /// The score of that id.
    pub(crate) fn get(&self, id: &str, now: Instant) -> Option<Arc<Stored>> {
        let entries = self.entries(now);
        let import = entries.by_id.get(id)?;
        entries.by_import.get(import).map(|(_, stored)| Arc::clone(stored))
    }

    /// Whether the id is taken.
    pub(crate) fn contains(&self, id: &str, now: Instant) -> bool {
        self.entries(now).by_id.contains_key(id)
    }

    /// Adds a score, replacing one of the same id and evicting the oldest when there are too many.
    ///
    /// # Errors
    ///
    /// If the estimated memory would exceed the limit.
    pub(crate) fn insert(&self, stored: Stored, now: Instant) -> Result<Arc<Stored>, MemoryLimit> {
        const MIB: u64 = 1024 * 1024;
        let mut entries = self.entries(now);
        if entries.bytes + stored.estimated_bytes() > self.limits.memory_mib * MIB {
            return Err(MemoryLimit {
                id: stored.id,
                limit_mib: self.limits.memory_mib,
                used_mib: entries.bytes as f64 / MIB as f64,
            });
        }
        entries.remove(&stored.id);
        while entries.by_import.len() >= self.limits.scores.max(1) {
            entries.remove_oldest();
        }
        let stored = Arc::new(stored);
        let import = entries.imports;
        entries.imports += 1;
        entries.bytes += stored.estimated_bytes();
        entries.by_id.insert(stored.id.clone(), import);
        entries.by_import.insert(import, (now, Arc::clone(&stored)));
        Ok(stored)
    }

    /// Removes a score; whether there was one.
    pub(crate) fn delete(&self, id: &str, now: Instant) -> bool {
        self.entries(now).remove(id)
    }

    /// Removes every score; how many there were.
    pub(crate) fn clear(&self, now: Instant) -> usize {
        let mut entries = self.entries(now);
        let count = entries.by_import.len();
        let imports = entries.imports;
        *entries = Entries { imports, ..Entries::default() };
        count
    }

    /// Every score, by id.
    pub(crate) fn all(&self, now: Instant) -> Vec<Arc<Stored>> {
        let entries = self.entries(now);
        let mut all: Vec<_> = entries.by_import.values().map(|(_, stored)| Arc::clone(stored)).collect();
        drop(entries);
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }
}

impl Entries {
    fn remove(&mut self, id: &str) -> bool {
        let Some(import) = self.by_id.remove(id) else { return false };
        if let Some((_, stored)) = self.by_import.remove(&import) {
            self.bytes -= stored.estimated_bytes();
        }
        true
    }

    fn remove_oldest(&mut self) {
        if let Some((_, (_, stored))) = self.by_import.pop_first() {
            self.by_id.remove(&stored.id);
            self.bytes -= stored.estimated_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stored(id: &str) -> Stored {
        Stored::new(id.to_owned(), Score::default(), Origin::NoteNames)
    }

    fn ids(store: &Store, now: Instant) -> Vec<String> {
        store.all(now).iter().map(|stored| stored.id.clone()).collect()
    }

    #[test]
    fn one_score_too_many_evicts_the_oldest() {
        let store = Store::new(Limits { scores: 2, ..Limits::default() });
        let now = Instant::now();
        for id in ["b", "a", "c"] {
            store.insert(stored(id), now).unwrap();
        }
        assert_eq!(ids(&store, now), ["a", "c"]);
    }

    #[test]
    fn deleted_and_evicted_scores_give_their_memory_back() {
        // Three empty scores fill 150 KiB of 1 MiB; twenty fill it.
        let store = Store::new(Limits { memory_mib: 1, scores: 1000, ..Limits::default() });
        let now = Instant::now();
        for id in 0..20 {
            store.insert(stored(&id.to_string()), now).unwrap();
        }
        let refusal = store.insert(stored("20"), now).unwrap_err().to_string();
        assert_eq!(refusal, "Adding score '20' would exceed memory limit (1MB). Current usage: 1.0MB");
        assert!(store.delete("7", now));
        assert!(!store.delete("7", now));
        store.insert(stored("20"), now).unwrap();
        assert_eq!(store.clear(now), 20);
        store.insert(stored("20"), now).unwrap();
    }

    #[test]
    fn a_score_is_gone_after_its_time_to_live() {
        let store = Store::new(Limits { time_to_live: Duration::from_secs(10), ..Limits::default() });
        let now = Instant::now();
        store.insert(stored("old"), now).unwrap();
        store.insert(stored("new"), now + Duration::from_secs(5)).unwrap();
        assert!(store.contains("old", now + Duration::from_secs(9)));
        assert_eq!(ids(&store, now + Duration::from_secs(10)), ["new"]);
        assert!(store.get("old", now + Duration::from_secs(10)).is_none());
    }
}
