//! What a server sends behind an answer on the same event stream. It is none of the call's time, and not kept silent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming as Body;

use super::connection::Connection;
use super::frame::{self, Incoming};
use super::http::Post;
use super::http_reply::check_size;
use super::sse::{EventReader, Resume};
use super::violations::Counters;
use super::wire::Failure;

/// How long what follows an answer may take to let its connection be used again.
pub(super) const DRAIN: Duration = Duration::from_secs(5);
/// Connections of a session that are waited for so at once.
const MOST_DRAINING: usize = 4;

/// An event stream from which the answer was taken.
pub(super) struct Rest {
    pub events: EventReader,
    pub body: Body,
    /// The call that was answered.
    pub id: u64,
}

impl Rest {
    /// A stream that holds the answer to no call.
    pub(super) fn of_nothing(body: Body) -> Self {
        // Ids of calls begin with 1.
        Self { events: EventReader::after(Resume::default()), body, id: 0 }
    }

    /// Reads the stream to its end.
    async fn drain(&mut self, post: &Arc<Post>, connection: &mut Connection) -> Result<(), Failure> {
        while let Some(chunk) = connection.chunk(&mut self.body).await? {
            self.events.push(&chunk);
            self.look(post);
            check_size(self.events.held(), post.max_reply_bytes)?;
        }
        Ok(())
    }

    /// Counts and answers what has arrived.
    fn look(&mut self, post: &Arc<Post>) {
        while let Some(event) = self.events.next() {
            match frame::decode(&event) {
                Ok(Incoming::Response(id, _)) if id == self.id => Counters::add(&post.counters.duplicates),
                Ok(other) => post.take(other),
                Err(_) => Counters::add(&post.counters.bad_frames),
            }
        }
    }
}

impl Post {
    /// Keeps a connection for later calls, once nothing more of an answered one comes.
    pub(super) fn release(self: &Arc<Self>, mut connection: Connection, rest: Option<Rest>) {
        let Some(mut rest) = rest else { return self.keep(connection) };
        rest.look(self);
        // A server that leaves many streams open behind their answers cannot have a connection kept for each.
        if self.draining.load(Ordering::Relaxed) >= MOST_DRAINING {
            return;
        }
        self.draining.fetch_add(1, Ordering::Relaxed);
        let post = Arc::clone(self);
        tokio::spawn(async move {
            let drained = tokio::time::timeout(DRAIN, rest.drain(&post, &mut connection)).await;
            post.draining.fetch_sub(1, Ordering::Relaxed);
            if let Ok(Ok(())) = drained {
                post.keep(connection);
            }
        });
    }
}
