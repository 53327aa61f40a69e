//! Lines from a byte stream with a bound on what is held: a longer line is skipped to its end and said so.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What stands between two line ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(Bytes),
    /// A line over the limit: its beginning and its length in bytes.
    Oversized {
        /// Enough of it to find a request id in.
        prefix: Bytes,
        /// Without the line end.
        bytes: usize,
    },
    /// The stream ended; what came after the last line end.
    End(Bytes),
}

/// Reads lines of at most `limit` bytes.
pub(super) struct LineReader<R> {
    stream: R,
    limit: usize,
    buffer: BytesMut,
    /// Bytes at the front of `buffer` known to hold no line end.
    scanned: usize,
    /// When the latest bytes had arrived, and when those at the front of `buffer`.
    filled: Instant,
    begun: Instant,
    /// When the first byte of the line that was returned last had arrived.
    pub first_byte: Instant,
}

/// One read asks for at least this much room; a pipe holds as much.
const CHUNK: usize = 64 * 1024;
/// What is kept of an oversized line.
const PREFIX: usize = 256;

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(stream: R, limit: usize) -> Self {
        let now = Instant::now();
        Self { stream, limit, buffer: BytesMut::new(), scanned: 0, filled: now, begun: now, first_byte: now }
    }

    /// The next line. An I/O error ends the stream as an end of file does.
    pub(super) async fn next(&mut self) -> Line {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
                let line = self.take(self.scanned + at);
                return if line.len() > self.limit {
                    Line::Oversized { bytes: line.len(), prefix: line.slice(..PREFIX.min(line.len())) }
                } else {
                    Line::Whole(line)
                };
            }
            self.scanned = self.buffer.len();
            if self.scanned > self.limit {
                return self.skip().await;
            }
            if !self.fill().await {
                return Line::End(self.buffer.split().freeze());
            }
        }
    }

    /// Cuts the line that ends at `end` off the buffer, its line end removed.
    fn take(&mut self, end: usize) -> Bytes {
        let mut line = self.buffer.split_to(end + 1);
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end - 1);
        }
        self.scanned = 0;
        self.first_byte = std::mem::replace(&mut self.begun, self.filled);
        line.freeze()
    }

    async fn skip(&mut self) -> Line {
        let prefix = Bytes::copy_from_slice(&self.buffer[..PREFIX.min(self.buffer.len())]);
        let mut bytes = 0;
        // Given back at once: a line of gigabytes must not leave its buffer behind.
        let mut skipped = std::mem::take(&mut self.buffer);
        self.scanned = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &skipped) {
                self.buffer = BytesMut::from(&skipped[at + 1..]);
                self.begun = self.filled;
                return Line::Oversized { prefix, bytes: bytes + at };
            }
            bytes += skipped.len();
            if !self.fill().await {
                return Line::Oversized { prefix, bytes };
            }
            skipped = std::mem::take(&mut self.buffer);
        }
    }

    async fn fill(&mut self) -> bool {
        let is_beginning = self.buffer.is_empty();
        self.buffer.reserve(CHUNK);
        let is_filled = matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0);
        self.filled = Instant::now();
        if is_beginning {
            self.begun = self.filled;
        }
        is_filled
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn lines(limit: usize, input: &[u8]) -> Vec<Line> {
        let mut reader = LineReader::new(input, limit);
        let mut lines = Vec::new();
        loop {
            lines.push(reader.next().await);
            if matches!(lines.last(), Some(Line::End(_))) {
                return lines;
            }
        }
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn both_line_ends_are_removed_and_a_half_line_is_kept_apart() {
        let end = Line::End(Bytes::from_static(b"ha"));
        assert_eq!(lines(99, b"one\r\ntwo\n\nha").await, [whole("one"), whole("two"), whole(""), end]);
    }

    #[tokio::test]
    async fn a_line_begins_with_its_first_byte_and_one_behind_it_with_the_same_bytes() {
        let (mut server, client) = tokio::io::duplex(64);
        let mut reader = LineReader::new(client, 99);
        let before = Instant::now();
        server.write_all(b"ha").await.unwrap();
        let mut reading = Box::pin(reader.next());
        assert!(futures::poll!(&mut reading).is_pending());
        let between = Instant::now();
        server.write_all(b"lf\nnext\n").await.unwrap();
        assert_eq!(reading.await, whole("half"));
        assert!((before..=between).contains(&reader.first_byte));
        assert_eq!(reader.next().await, whole("next"));
        assert!(reader.first_byte >= between);
    }

    #[tokio::test]
    async fn an_oversized_line_is_skipped_and_the_next_is_read() {
        let mut input = vec![b'x'; 300_000];
        input.extend_from_slice(b"\nnext\n");
        let found = lines(1000, &input).await;
        assert!(matches!(found[0], Line::Oversized { bytes: 300_000, .. }), "{:?}", found[0]);
        assert_eq!(found[1], whole("next"));
    }

    #[tokio::test]
    async fn a_line_of_exactly_the_limit_passes() {
        assert_eq!(lines(3, b"abc\n").await[0], whole("abc"));
        assert!(matches!(lines(3, b"abcd\n").await[0], Line::Oversized { bytes: 4, .. }));
    }
}
