//! `delete_score`: one score, or with `*` all of them.

use std::time::Instant;

use serde::Serialize;

use crate::reply::{Failure, Reply, success};
use crate::store::Store;

#[derive(Serialize)]
struct Deleted {
    deleted_count: usize,
}

pub(crate) fn run(store: &Store, id: &str) -> Reply {
    let (message, deleted_count) = match id {
        "*" => match store.clear(Instant::now()) {
            0 => ("No scores to delete".to_owned(), 0),
            count => (format!("Deleted all {count} scores"), count),
        },
        _ if store.delete(id, Instant::now()) => (format!("Deleted score '{id}'"), 1),
        _ => return Err(Failure::refused(format!("Score '{id}' not found"))),
    };
    Ok(success(&message, Deleted { deleted_count }))
}
