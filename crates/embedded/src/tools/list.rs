//! `list_scores`: what is stored, by id.

use std::time::Instant;

use serde::Serialize;

use crate::reply::{COMPLETED, Reply, success};
use crate::store::{Origin, Store, Stored};

#[derive(Serialize)]
struct List<'a> {
    count: usize,
    scores: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Described {
        score_id: &'a str,
        /// Always 0: the real server looks for measures where none are left.
        measures: usize,
        notes: usize,
        parts: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    /// The real server fails on scores made from text, which have no metadata.
    Undescribed { score_id: &'a str, error: &'static str },
}

impl<'a> From<&'a Stored> for Entry<'a> {
    fn from(stored: &'a Stored) -> Self {
        match stored.origin {
            Origin::Document(_) => Self::Described {
                score_id: &stored.id,
                measures: 0,
                notes: stored.counts.notes,
                parts: stored.score.parts.len(),
                title: stored.title(),
            },
            Origin::TinyNotation | Origin::NoteNames => {
                Self::Undescribed { score_id: &stored.id, error: "Failed to extract metadata" }
            }
        }
    }
}

pub(crate) fn run(store: &Store) -> Reply {
    let all = store.all(Instant::now());
    let scores: Vec<Entry<'_>> = all.iter().map(|stored| Entry::from(&**stored)).collect();
    Ok(success(COMPLETED, List { count: scores.len(), scores }))
}
