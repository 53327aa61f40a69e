//! One frame a line over a byte stream: a child's pipes, or a duplex to a server in this process.
//!
//! A reader task matches answers to waiting calls by id, a writer task owns the other direction, so that
//! neither a call that is given up nor a server that stops reading leaves half a frame behind.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::child::{Child, EXIT_NOTICE};
use super::frame::{self, Incoming, Response};
use super::lines::{Line, LineReader};
use super::wire::{Counters, Failure, Outgoing};
use crate::client::Outcome;

/// This many unreadable lines in a row mean that the stream is lost.
const POISONED_AFTER: u32 = 10;

/// A connection whose frames are lines.
pub(super) struct LineWire {
    shared: Arc<Shared>,
    outbox: mpsc::UnboundedSender<Bytes>,
    /// The process at the other end, if it is ours.
    pub child: Option<Arc<Child>>,
}

struct Shared {
    calls: Mutex<Calls>,
    counters: Arc<Counters>,
}

/// Every id ever sent is either waiting, abandoned, or answered.
#[derive(Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Result<Response, Failure>>>,
    abandoned: HashSet<u64>,
    highest: u64,
    closed: Option<Failure>,
}

impl LineWire {
    /// Starts the two tasks over the streams. They end with the streams, or when this is dropped.
    pub(super) fn start<R, W>(
        (input, output): (R, W),
        child: Option<Arc<Child>>,
        max_reply_bytes: usize,
        counters: Arc<Counters>,
    ) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::new(Shared { calls: Mutex::default(), counters });
        let (outbox, queue) = mpsc::unbounded_channel();
        tokio::spawn(write(queue, output, Arc::clone(&shared)));
        let reader = Reader {
            shared: Arc::clone(&shared),
            replies: outbox.downgrade(),
            bad_in_a_row: 0,
            framing: Framing::default(),
        };
        // Weak: a child whose client is gone must be killed, and not wait for its own end.
        let weak = child.as_ref().map(Arc::downgrade);
        tokio::spawn(reader.run(LineReader::new(input, max_reply_bytes), weak));
        Self { shared, outbox, child }
    }

    pub(super) async fn exchange(&self, request: Outgoing, deadline: Duration) -> Result<Response, Failure> {
        let Outgoing { id, frame, .. } = request;
        let (answer, answered) = oneshot::channel();
        {
            let mut calls = self.shared.calls();
            if let Some(failure) = &calls.closed {
                return Err(failure.clone());
            }
            calls.highest = calls.highest.max(id);
            calls.waiting.insert(id, answer);
        }
        // Also when the caller drops this future: a reply to it is late then.
        let given_up = GiveUp { shared: &self.shared, id };
        self.notify(frame)?;
        let result = tokio::time::timeout(deadline, answered).await;
        drop(given_up);
        match result {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::new(Outcome::TransportClosed, "the session was closed")),
            Err(_) => Err(Failure::timed_out(deadline)),
        }
    }

    pub(super) fn notify(&self, frame: Bytes) -> Result<(), Failure> {
        let gone = || Failure::new(Outcome::TransportClosed, "the server no longer reads");
        self.outbox.send(frame).map_err(|_| self.shared.calls().closed.clone().unwrap_or_else(gone))
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Ends the connection from this side: end of file for the server once what was queued is written.
    pub(super) fn into_child(self) -> Option<Arc<Child>> {
        self.child
    }
}

struct GiveUp<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        let mut calls = self.shared.calls();
        if calls.waiting.remove(&self.id).is_some() {
            calls.abandoned.insert(self.id);
        }
    }
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an answer to the call that waits for it, or counts it as what it is.
    fn answer(&self, id: u64, answer: Result<Response, Failure>) {
        let mut calls = self.calls();
        if let Some(waiting) = calls.waiting.remove(&id) {
            // The caller may have left between our look and this; then nobody wants it.
            let _ = waiting.send(answer);
        } else {
            Counters::add(self.stray(&mut calls, id));
        }
    }

    fn stray(&self, calls: &mut Calls, id: u64) -> &AtomicU64 {
        if calls.abandoned.remove(&id) {
            &self.counters.late
        } else if id <= calls.highest && id > 0 {
            &self.counters.duplicates
        } else {
            &self.counters.unmatched
        }
    }

    /// An answer that is to nobody by its id; the call that it seems to be to need not wait for another.
    fn foreign(&self, id: Option<u64>) {
        Counters::add(&self.counters.unmatched);
        if let Some((id, waiting)) = id.and_then(|id| Some((id, self.calls().waiting.remove(&id)?))) {
            let _ = waiting.send(Err(Failure::new(Outcome::ProtocolError, frame::id_is_text(id))));
        }
    }

    /// A frame that cannot be used: ends the call it names, if that waits.
    fn spoiled(&self, frame: &[u8], failure: Failure) {
        Counters::add(&self.counters.bad_frames);
        let id = frame::sniff_id(frame);
        if let Some(waiting) = id.and_then(|id| self.calls().waiting.remove(&id)) {
            let _ = waiting.send(Err(failure));
        }
    }

    fn close(&self, failure: &Failure) {
        let mut calls = self.calls();
        for (_, waiting) in calls.waiting.drain() {
            let _ = waiting.send(Err(failure.clone()));
        }
        calls.closed.get_or_insert_with(|| failure.clone());
    }
}

/// Writes what is queued, many frames at once when they pile up; closes the stream at the end.
async fn write<W: AsyncWrite + Unpin>(
    mut queue: mpsc::UnboundedReceiver<Bytes>,
    mut output: W,
    shared: Arc<Shared>,
) {
    let mut buffer = BytesMut::new();
    while let Some(frame) = queue.recv().await {
        let mut next = Some(frame);
        while let Some(frame) = next {
            buffer.extend_from_slice(&frame);
            buffer.extend_from_slice(b"\n");
            next = queue.try_recv().ok();
        }
        if output.write_all(&buffer).await.is_err() || output.flush().await.is_err() {
            // If the server has ended, the reader sees it too and can tell how.
            tokio::time::sleep(EXIT_NOTICE).await;
            return shared.close(&Failure::new(Outcome::TransportClosed, "the server no longer reads"));
        }
        buffer.clear();
    }
    let _ = output.shutdown().await;
}

struct Reader {
    shared: Arc<Shared>,
    /// Answers to the server's own requests. Weak, so that the wire's end is the writer's end.
    replies: mpsc::WeakUnboundedSender<Bytes>,
    bad_in_a_row: u32,
    framing: Framing,
}

/// Other ways of sending JSON over a pipe, which are told by the lines that are no frames: what is meant to be one never
/// comes to an end, so that calls would wait for their deadlines.
#[derive(Default)]
struct Framing {
    is_after_brace: bool,
    other: Option<&'static str>,
}

impl Framing {
    fn see(&mut self, line: &[u8]) {
        let text = line.trim_ascii();
        if text.to_ascii_lowercase().starts_with(b"content-length:") {
            self.other = Some("frames behind a Content-Length header, as of the language server protocol");
        } else if self.is_after_brace && text.starts_with(b"\"") {
            self.other = Some("JSON over several lines");
        }
        self.is_after_brace = text == b"{";
    }
}

impl Reader {
    async fn run<R: AsyncRead + Unpin>(mut self, mut lines: LineReader<R>, child: Option<Weak<Child>>) {
        let half = loop {
            match lines.next().await {
                Line::Whole(line) => self.line(&line),
                Line::Oversized { prefix, bytes } => {
                    let message = format!("reply of {bytes} bytes is over the limit");
                    self.shared.spoiled(&prefix, Failure::new(Outcome::Oversized, message));
                }
                Line::End(half) => break half,
            }
            if let Some(other) = self.framing.other {
                let message =
                    format!("the server writes {other}; MCP wants each message in a line of its own");
                return self.shared.close(&Failure::new(Outcome::ProtocolError, message));
            }
            if self.bad_in_a_row > POISONED_AFTER {
                let message =
                    format!("{} unreadable lines in a row; gave the connection up", self.bad_in_a_row);
                return self.shared.close(&Failure::new(Outcome::ProtocolError, message));
            }
        };
        let mut message = match child.and_then(|child| child.upgrade()) {
            Some(child) => child.exit_report().await,
            None => "the server closed the connection".to_owned(),
        };
        if !half.is_empty() {
            Counters::add(&self.shared.counters.bad_frames);
            message = format!("{message}; the last frame is cut after {} bytes", half.len());
        }
        self.shared.close(&Failure::new(Outcome::TransportClosed, message));
    }

    fn line(&mut self, line: &Bytes) {
        let Some(start) = frame_start(line) else {
            if !line.trim_ascii().is_empty() {
                self.shared.counters.noise(line);
                self.framing.see(line);
            }
            return;
        };
        let before = line[..start].trim_ascii();
        if !before.is_empty() && before != frame::BOM {
            self.shared.counters.noise(&line[..start]);
        }
        let frame = line.slice(start..);
        match frame::decode(&frame) {
            Ok(Incoming::NoFrame) => self.shared.counters.noise(line),
            Ok(incoming) => {
                self.bad_in_a_row = 0;
                self.incoming(incoming);
            }
            Err(error) => {
                self.bad_in_a_row += 1;
                self.shared.spoiled(&frame, Failure::new(Outcome::ProtocolError, error));
            }
        }
    }

    fn incoming(&self, incoming: Incoming) {
        match incoming {
            Incoming::Response(id, response) => self.shared.answer(id, Ok(response)),
            Incoming::ForeignResponse(id) => self.shared.foreign(id),
            Incoming::NoFrame => {}
            Incoming::Request(answer) => {
                if let Some(outbox) = self.replies.upgrade() {
                    let _ = outbox.send(answer);
                }
            }
            Incoming::Notification => {}
        }
    }
}

/// Where the frame begins: a progress bar without a line end may stand before it on the same line.
/// A brace alone is none: music21 prints lines such as `{0.0} <music21.note.Note C>`.
fn frame_start(line: &[u8]) -> Option<usize> {
    let text = line.trim_ascii_start();
    let text = text.strip_prefix(frame::BOM).unwrap_or(text);
    match text.strip_prefix(b"{") {
        Some(object) if object.trim_ascii_start().starts_with(b"\"") => Some(line.len() - text.len()),
        _ => memchr::memmem::find(line, b"{\"jsonrpc\""),
    }
}
