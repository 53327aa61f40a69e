//! One frame a line over a byte stream: a child's pipes.
//!
//! A reader task matches answers to waiting calls by id, a writer task owns the other direction, so that
//! neither a call that is given up nor a server that stops reading leaves half a frame behind.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::child::{Child, EXIT_NOTICE};
use super::frame::{self, Response};
use super::lines::{Line, LineReader};
use super::violations::Counters;
use super::waiting::{self, Inbox, Taken, Waiting};
use super::wire::{Failure, Outgoing};
use crate::client::Outcome;

/// This many unreadable lines in a row mean that the stream is lost.
const POISONED_AFTER: u32 = 10;

/// A connection whose frames are lines; within this process each is handed over as it is.
pub(super) struct LineWire {
    waiting: Arc<Waiting>,
    outbox: mpsc::UnboundedSender<Bytes>,
    /// The process at the other end, if it is ours.
    pub child: Option<Arc<Child>>,
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
        let (wire, inbox, queue) = Self::without_stream(counters);
        tokio::spawn(write(queue, output, Arc::clone(&wire.waiting)));
        let reader = Reader { inbox, is_heard: false, bad_in_a_row: 0, framing: Framing::default() };
        // Weak: a child whose client is gone must be killed, and not wait for its own end.
        let weak = child.as_ref().map(Arc::downgrade);
        tokio::spawn(reader.run(LineReader::new(input, max_reply_bytes), weak));
        Self { child, ..wire }
    }

    /// A wire of which the caller is the other end: where frames go, and whence they come.
    pub(super) fn without_stream(counters: Arc<Counters>) -> (Self, Inbox, mpsc::UnboundedReceiver<Bytes>) {
        let waiting = Waiting::new(counters);
        let (outbox, queue) = mpsc::unbounded_channel();
        let inbox = Inbox { waiting: Arc::clone(&waiting), replies: outbox.downgrade() };
        (Self { waiting, outbox, child: None }, inbox, queue)
    }

    pub(super) async fn exchange(&self, request: Outgoing, deadline: Duration) -> Result<Response, Failure> {
        let Outgoing { id, frame, .. } = request;
        // Also when the caller drops this future: a reply to it is late then.
        let mut call = self.waiting.call(id)?;
        let mut ended = pin!(call.answer_within(deadline));
        let early = waiting::first_look(ended.as_mut()).await;
        let sent = Instant::now();
        let ended = match early {
            Poll::Ready(closed) => closed,
            Poll::Pending => {
                self.notify(frame)?;
                ended.await
            }
        };
        match ended {
            Ok(Ok(answer)) => answer.map(|response| response.answering_what_was_sent(sent)),
            Ok(Err(_)) => Err(Failure::new(Outcome::TransportClosed, "the session was closed")),
            Err(_) => Err(Failure::timed_out(deadline)),
        }
    }

    pub(super) fn notify(&self, frame: Bytes) -> Result<(), Failure> {
        let gone = || Failure::new(Outcome::TransportClosed, "the server no longer reads");
        self.outbox.send(frame).map_err(|_| self.waiting.closed().unwrap_or_else(gone))
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.waiting.counters
    }

    /// What a child that does not answer has said instead, to be put behind the reason.
    pub(super) fn said_instead(&self) -> String {
        let words = self.child.as_ref().map(|child| child.last_words()).filter(|words| !words.is_empty());
        let stderr = words.map(|words| format!(", stderr: {words}")).unwrap_or_default();
        stderr + &self.counters().stdout_words()
    }

    /// As [`Waiting::forgive`].
    pub(super) fn forgive(&self) {
        self.waiting.forgive();
    }

    /// Ends the connection from this side: end of file for the server once what was queued is written.
    pub(super) fn into_child(self) -> Option<Arc<Child>> {
        self.child
    }
}

/// Writes what is queued, many frames at once when they pile up; closes the stream at the end.
async fn write<W: AsyncWrite + Unpin>(
    mut queue: mpsc::UnboundedReceiver<Bytes>,
    mut output: W,
    waiting: Arc<Waiting>,
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
            return waiting.close(&Failure::new(Outcome::TransportClosed, "the server no longer reads"));
        }
        buffer.clear();
    }
    let _ = output.shutdown().await;
}

struct Reader {
    inbox: Inbox,
    /// Whether it has sent a message at all.
    is_heard: bool,
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
                Line::Whole(line) => self.line(&line, lines.first_byte),
                Line::Oversized { prefix, bytes } => self.inbox.oversized(&prefix, bytes),
                Line::End(half) => break half,
            }
            if let Some(other) = self.framing.other {
                let message =
                    format!("the server writes {other}; MCP wants each message in a line of its own");
                return self.inbox.waiting.close(&Failure::new(Outcome::ProtocolError, message));
            }
            if self.bad_in_a_row > POISONED_AFTER {
                let message =
                    format!("{} unreadable lines in a row; gave the connection up", self.bad_in_a_row);
                return self.inbox.waiting.close(&Failure::new(Outcome::ProtocolError, message));
            }
        };
        let mut message = match child.and_then(|child| child.upgrade()) {
            Some(child) => child.exit_report().await,
            None => "the server closed the connection".to_owned(),
        };
        if !self.is_heard {
            message += &self.counters().stdout_words();
        }
        if !half.is_empty() {
            Counters::add(&self.counters().bad_frames);
            message = format!("{message}; the last frame is cut after {} bytes", half.len());
        }
        self.inbox.waiting.close(&Failure::new(Outcome::TransportClosed, message));
    }

    fn line(&mut self, line: &Bytes, first_byte: Instant) {
        let Some(start) = frame_start(line) else {
            if !line.trim_ascii().is_empty() {
                self.counters().noise(line);
                self.framing.see(line);
            }
            return;
        };
        let before = line[..start].trim_ascii();
        if !before.is_empty() && before != frame::BOM {
            self.counters().noise(&line[..start]);
        }
        let frame = line.slice(start..);
        match self.inbox.take(&frame, Some(first_byte)) {
            Taken::Frame => (self.is_heard, self.bad_in_a_row) = (true, 0),
            Taken::NoFrame => self.counters().noise(line),
            Taken::Unreadable => self.bad_in_a_row += 1,
        }
    }

    fn counters(&self) -> &Counters {
        &self.inbox.waiting.counters
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
