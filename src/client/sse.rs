//! Server-sent events out of chunks: the data of one event after the other, whatever the line ends.
//!
//! Fields other than `data` are of no use to a client that never resumes a stream.
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>

use bytes::{Bytes, BytesMut};

/// Takes chunks in, gives events out.
#[derive(Default)]
pub(super) struct EventReader {
    buffer: BytesMut,
    /// Bytes at the front of `buffer` known to hold no line end.
    scanned: usize,
    data: Option<Bytes>,
}

impl EventReader {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Bytes of an event that is not complete yet.
    pub(super) fn held(&self) -> usize {
        self.buffer.len() + self.data.as_ref().map_or(0, Bytes::len)
    }

    /// The data of the next complete event that has any.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
                    return Some(data);
                }
            } else if let Some(value) = line.strip_prefix(b"data:") {
                let value = line.slice_ref(value.strip_prefix(b" ").unwrap_or(value));
                self.data = Some(match self.data.take() {
                    None => value,
                    Some(before) => [&before[..], &value[..]].join(&b'\n').into(),
                });
            }
        }
        None
    }

    fn line(&mut self) -> Option<Bytes> {
        let Some(at) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + at;
        self.scanned = 0;
        let line = self.buffer.split_to(end + 1).freeze();
        let line = line.slice(..end);
        Some(line.strip_suffix(b"\r").map_or_else(|| line.clone(), |stripped| line.slice_ref(stripped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(stream: &str, chunk: usize) -> Vec<Bytes> {
        let mut reader = EventReader::default();
        let mut events = Vec::new();
        for chunk in stream.as_bytes().chunks(chunk) {
            reader.push(chunk);
            events.extend(std::iter::from_fn(|| reader.next()));
        }
        events
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut_and_its_lines_end() {
        let stream = "id: 0\nretry: 3000\ndata:\n\n: ping\n\nevent: message\ndata: {\"a\":1}\n\ndata:x\ndata: y\n\ndata: half\n";
        for stream in [stream.to_owned(), stream.replace('\n', "\r\n")] {
            for chunk in [1, 2, 7, 1000] {
                assert_eq!(events(&stream, chunk), [&b"{\"a\":1}"[..], b"x\ny"], "chunks of {chunk}");
            }
        }
    }
}
