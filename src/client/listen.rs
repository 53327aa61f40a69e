//! The standalone event stream of a session (GET), on which a server asks its client for something outside of any call.
//!
//! A server that asks while there is none drops the question and waits, and so the call waits to its deadline: the
//! stream has to be there before the first call. It holds a connection for each session, though, which is why nobody has
//! it who does not need it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use hyper::body::Incoming as Body;
use tokio::sync::oneshot;

use super::connection::Connection;
use super::frame::{self, Incoming};
use super::http::Post;
use super::http_reply::{self, RETRY};
use super::sse::{EventReader, Resume};
use super::violations::Counters;

/// How long a session waits for the beginning of its stream. Some servers send none before the first event.
const BEGINNING: Duration = Duration::from_secs(1);

/// Opens the stream, which ends with the session; returns whether the server has one, as far as can be told by now.
pub(super) async fn open(post: &Arc<Post>) -> bool {
    let (begun, beginning) = oneshot::channel();
    let (post, ended) = (Arc::clone(post), post.ended.clone());
    tokio::spawn(async move { ended.run_until_cancelled(listen(&post, begun)).await });
    match tokio::time::timeout(BEGINNING, beginning).await {
        Ok(is_there) => is_there.unwrap_or(false),
        Err(_) => true,
    }
}

/// Whether the server has only the transport of protocol 2024-11-05: a stream whose first event names another URL.
pub(super) async fn is_old_transport(post: &Arc<Post>) -> bool {
    let look = async {
        let (mut connection, mut body) = stream(post, &Resume::default()).await?;
        let mut events = EventReader::default();
        while let Some(chunk) = connection.chunk(&mut body).await.ok()? {
            events.push(&chunk);
            // Its data is no message, and so there is nothing to take.
            let _ = events.next();
            if events.has_named_endpoint || events.held() > ONE_EVENT {
                break;
            }
        }
        Some(events.has_named_endpoint)
    };
    tokio::time::timeout(BEGINNING, look).await.ok().flatten().unwrap_or(false)
}

/// A first event is no longer than this, in bytes.
const ONE_EVENT: usize = 64 * 1024;

/// Answers what comes, until the server has no stream any more.
async fn listen(post: &Arc<Post>, begun: oneshot::Sender<bool>) {
    let mut resume = Resume::default();
    let mut begun = Some(begun);
    loop {
        let opened = stream(post, &resume).await;
        if let Some(begun) = begun.take() {
            // Nobody waits for a late beginning.
            let _ = begun.send(opened.is_some());
        }
        let Some((connection, body)) = opened else { return };
        let (heard, end) = hear(post, connection, body, resume).await;
        // Streams that end without a word would be opened again for ever.
        if !heard {
            return;
        }
        resume = end;
        tokio::time::sleep(resume.retry.unwrap_or(RETRY)).await;
    }
}

/// `None` where the server has no stream, which it says with 405.
async fn stream(post: &Arc<Post>, resume: &Resume) -> Option<(Connection, Body)> {
    let (connection, reply) = post.get(resume.last_id.as_ref()).await.ok()?;
    let is_stream = reply.status() == StatusCode::OK && http_reply::is_stream(reply.headers());
    is_stream.then(|| (connection, reply.into_body()))
}

/// Reads a stream to its end: whether anything came, and where to go on.
async fn hear(
    post: &Arc<Post>,
    mut connection: Connection,
    mut body: Body,
    resume: Resume,
) -> (bool, Resume) {
    let mut events = EventReader::after(resume);
    let mut heard = false;
    while let Ok(Some(chunk)) = connection.chunk(&mut body).await {
        events.push(&chunk);
        while let Some(event) = events.next() {
            heard = true;
            match frame::decode(&event) {
                Ok(incoming) => post.take(incoming),
                Err(_) => Counters::add(&post.counters.bad_frames),
            }
        }
        if events.held() > post.max_reply_bytes {
            Counters::add(&post.counters.bad_frames);
            return (false, events.resume);
        }
    }
    (heard, events.resume)
}

impl Post {
    /// Deals with what is no answer to a call.
    pub(super) fn take(self: &Arc<Self>, incoming: Incoming) {
        match incoming {
            Incoming::Response(..) | Incoming::ForeignResponse(_) => Counters::add(&self.counters.unmatched),
            Incoming::NoFrame => Counters::add(&self.counters.bad_frames),
            Incoming::Request(answer) => {
                let post = Arc::clone(self);
                tokio::spawn(async move { post.send_off("response", answer).await });
            }
            Incoming::Notification => {}
        }
    }
}
