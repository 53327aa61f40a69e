//! Server-sent events out of chunks: the data of one event after the other, whatever the line ends.
//!
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::frame::BOM;

/// Takes chunks in, gives events out.
#[derive(Default)]
pub(super) struct EventReader {
    buffer: BytesMut,
    /// Bytes at the front of `buffer` known to hold no line end.
    scanned: usize,
    data: Option<Bytes>,
    /// The event's type, if it is none of ours.
    other: Option<Bytes>,
    /// The type of the latest event that was passed over for it.
    passed_over: Option<Bytes>,
    /// There was an event of the type `endpoint`, with which the transport of 2024-11-05 begins.
    pub has_named_endpoint: bool,
    /// A carriage return ended the last line: a line feed that follows belongs to it.
    after_cr: bool,
    /// The first bytes were looked at, which may be a byte order mark.
    has_begun: bool,
    /// Where to go on if the stream ends before the answer.
    pub resume: Resume,
}

/// What a server says about resuming its stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resume {
    /// The id of the last event; `None` where the server gave none and the stream cannot be resumed.
    pub last_id: Option<Bytes>,
    /// How long to wait first.
    pub retry: Option<Duration>,
}

impl EventReader {
    /// A stream that continues another.
    pub(super) fn after(resume: Resume) -> Self {
        Self { resume, ..Self::default() }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Bytes of an event that is not complete yet.
    pub(super) fn held(&self) -> usize {
        self.buffer.len() + self.data.as_ref().map_or(0, Bytes::len)
    }

    /// What there was instead of an answer in a stream that has ended, to be put behind the reason; empty if nothing.
    pub(super) fn instead(&self) -> String {
        match &self.passed_over {
            _ if self.data.is_some() || self.buffer.starts_with(b"data:") => {
                "; its last event lacks the empty line that ends one".to_owned()
            }
            Some(kind) => {
                let kind = String::from_utf8_lossy(kind);
                format!("; it had events of the type '{kind}', where a message's is 'message' or none")
            }
            None => String::new(),
        }
    }

    /// The data of the next complete event that has any.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let (data, other) = (self.data.take().filter(|data| !data.is_empty()), self.other.take());
                match (data, other) {
                    (Some(data), None) => return Some(data),
                    (Some(_), other) => self.passed_over = other,
                    (None, _) => {}
                }
            } else if let Some(id) = value_of(&line, b"id:") {
                self.resume.last_id = Some(line.slice_ref(id)).filter(|id| !id.is_empty());
            } else if let Some(retry) = value_of(&line, b"retry:") {
                let ms = std::str::from_utf8(retry).ok().and_then(|text| text.parse().ok());
                self.resume.retry = ms.map(Duration::from_millis).or(self.resume.retry);
            } else if let Some(kind) = value_of(&line, b"event:") {
                self.other = Some(line.slice_ref(kind)).filter(|kind| !matches!(&kind[..], b"" | b"message"));
                self.has_named_endpoint |= kind == b"endpoint";
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

    /// The next line, whether it ends in a line feed, a carriage return, or both.
    fn line(&mut self) -> Option<Bytes> {
        if !self.has_begun && self.buffer.len() >= BOM.len() {
            self.has_begun = true;
            if self.buffer.starts_with(BOM) {
                self.buffer.advance(BOM.len());
                self.scanned = 0;
            }
        }
        if self.after_cr && !self.buffer.is_empty() {
            self.after_cr = false;
            if self.buffer[0] == b'\n' {
                self.buffer.advance(1);
            }
        }
        let Some(at) = memchr::memchr2(b'\n', b'\r', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let end = self.scanned + at;
        self.scanned = 0;
        self.after_cr = self.buffer[end] == b'\r';
        Some(self.buffer.split_to(end + 1).freeze().slice(..end))
    }
}

/// The value of a line's field, where the line is about that one.
fn value_of<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(field)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
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
        let marked = format!("\u{feff}{stream}");
        for stream in [stream.to_owned(), stream.replace('\n', "\r\n"), stream.replace('\n', "\r"), marked] {
            for chunk in [1, 2, 7, 1000] {
                assert_eq!(events(&stream, chunk), [&b"{\"a\":1}"[..], b"x\ny"], "chunks of {chunk}");
            }
        }
    }

    #[test]
    fn events_of_other_kinds_are_passed_over_and_where_to_resume_is_kept() {
        let mut reader = EventReader::default();
        reader.push(b"event: ping\ndata: {}\n\nid: e-7\nretry: 200\ndata:\n\nevent: message\ndata: 1\n\n");
        assert_eq!(reader.next(), Some(Bytes::from_static(b"1")));
        let resume = Resume { last_id: Some("e-7".into()), retry: Some(Duration::from_millis(200)) };
        assert_eq!((reader.next(), &reader.resume), (None, &resume));
        assert!(reader.instead().contains("type 'ping'"), "{}", reader.instead());
        for beginning in ["event:\ndata: half", "\n"] {
            reader.push(beginning.as_bytes());
            assert_eq!(reader.next(), None);
            assert!(reader.instead().contains("empty line"), "{}", reader.instead());
        }
        reader.push(b"\n");
        assert_eq!(reader.next(), Some(Bytes::from_static(b"half")), "a type without a name is no other");
    }
}
