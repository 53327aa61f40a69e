//! The tools, one file each: from a checked call to the reply's JSON text.

pub(super) mod chord;
pub(super) mod delete;
pub(super) mod export;
pub(super) mod harmony;
pub(super) mod health;
pub(super) mod import;
pub(super) mod info;
mod instrument;
pub(super) mod key;
pub(super) mod list;

use std::sync::Arc;
use std::time::Instant;

use super::reply::Failure;
use super::store::{Store, Stored};

/// The score, or the refusal that most tools share.
pub(super) fn find(store: &Store, id: &str) -> Result<Arc<Stored>, Failure> {
    let stored = store.get(id, Instant::now());
    stored.ok_or_else(|| Failure::refused(format!("Score with ID '{id}' not found")))
}
