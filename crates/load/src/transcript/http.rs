//! What passes over HTTP, put together: the messages in bodies and event streams, by the session that they belong to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Transcript;

/// A part of an exchange, as it passes.
#[derive(Debug)]
pub(crate) enum Part {
    /// A request begins.
    Request {
        /// The session that it names; none where it names none.
        session: String,
    },
    /// Bytes of its body.
    Sent(Vec<u8>),
    /// It is sent.
    SentAll,
    /// Its answer begins.
    Answer {
        /// It is a stream of events.
        is_stream: bool,
        /// It is compressed, or so.
        is_encoded: bool,
    },
    /// Bytes of the answer's body.
    Answered(Vec<u8>),
    /// Its answer is over, or never came.
    End,
}

/// All sessions that were seen, in the order of their beginning.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    transcripts: Vec<Transcript>,
    by_id: BTreeMap<String, usize>,
    open: BTreeMap<u64, Exchange>,
}

/// A request whose answer is not over.
#[derive(Debug)]
struct Exchange {
    session: usize,
    request: Vec<u8>,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Whole(Vec<u8>),
    Stream(Events),
    Unreadable,
}

impl Sessions {
    /// Takes a part of the exchange of that number.
    pub(crate) fn take(&mut self, number: u64, part: Part, at: Duration) {
        if let Part::Request { session } = part {
            let next = self.transcripts.len();
            let session = *self.by_id.entry(session).or_insert(next);
            if session == next {
                self.transcripts.push(Transcript::default());
            }
            let answer = Answer::Whole(Vec::new());
            self.open.insert(number, Exchange { session, request: Vec::new(), answer });
            return;
        }
        let Some(exchange) = self.open.get_mut(&number) else { return };
        let transcript = &mut self.transcripts[exchange.session];
        match part {
            Part::Request { .. } => {}
            Part::Sent(bytes) => exchange.request.extend(bytes),
            // Here, so that calls are in the order of their sending.
            Part::SentAll => transcript.agent_says(&std::mem::take(&mut exchange.request), at),
            Part::Answer { is_stream, is_encoded } => {
                // Of a request that was answered before its end.
                transcript.agent_says(&std::mem::take(&mut exchange.request), at);
                exchange.answer = match (is_encoded, is_stream) {
                    (true, _) => {
                        transcript.cannot_hear();
                        Answer::Unreadable
                    }
                    (false, true) => Answer::Stream(Events::default()),
                    (false, false) => Answer::Whole(Vec::new()),
                };
            }
            Part::Answered(bytes) => match &mut exchange.answer {
                Answer::Whole(body) => body.extend(bytes),
                Answer::Stream(events) => {
                    events.push(&bytes).iter().for_each(|message| transcript.server_says(message, at));
                }
                Answer::Unreadable => {}
            },
            Part::End => {
                // Of a request that nobody answered.
                transcript.agent_says(&exchange.request, at);
                if let Answer::Whole(body) = &exchange.answer {
                    transcript.server_says(body, at);
                }
                self.open.remove(&number);
            }
        }
    }

    /// Whether calls named no session, so that nobody knows how many agents made them.
    pub(crate) fn has_calls_without_session(&self) -> bool {
        self.by_id.get("").is_some_and(|&session| self.transcripts[session].len() > 0)
    }

    /// Each session's, where it called something.
    pub(crate) fn transcripts(self) -> Vec<Transcript> {
        self.transcripts.into_iter().filter(|transcript| transcript.len() > 0).collect()
    }
}

/// An event stream that comes in pieces.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    after_return: bool,
}

impl Events {
    /// The data of the events that these bytes complete.
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut complete = Vec::new();
        for &byte in bytes {
            let is_second_of_two = byte == b'\n' && std::mem::take(&mut self.after_return);
            self.after_return = byte == b'\r';
            match byte {
                b'\n' if is_second_of_two => {}
                b'\n' | b'\r' => complete.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        complete
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Some(std::mem::take(&mut self.data)).filter(|data| !data.is_empty());
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            self.data.extend(data);
            self.data.push(b'\n');
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Step, Think};
    use crate::transcript::recorded;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn request(sessions: &mut Sessions, number: u64, session: &str, body: &str, ms: u64) {
        sessions.take(number, Part::Request { session: session.to_owned() }, at(ms));
        let (one, two) = body.as_bytes().split_at(body.len() / 2);
        sessions.take(number, Part::Sent(one.to_vec()), at(ms));
        sessions.take(number, Part::Sent(two.to_vec()), at(ms));
        sessions.take(number, Part::SentAll, at(ms));
    }

    fn call(id: u64, tool: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
    }

    #[test]
    fn two_sessions_at_once_are_two_flows_with_their_own_pauses() {
        let mut sessions = Sessions::default();
        let stream = || Part::Answer { is_stream: true, is_encoded: false };
        request(&mut sessions, 0, "a", &call(1, "one"), 0);
        request(&mut sessions, 1, "b", &call(1, "other"), 5);
        sessions.take(0, stream(), at(10));
        sessions.take(1, Part::Answer { is_stream: false, is_encoded: false }, at(11));
        sessions.take(0, Part::Answered(b": hello\n\ndata: {\"id\":1,\"resu".to_vec()), at(12));
        sessions.take(1, Part::Answered(br#"{"id":1,"result":{}}"#.to_vec()), at(13));
        sessions.take(1, Part::End, at(13));
        sessions.take(0, Part::Answered(b"lt\":{}}\r\n\r\n".to_vec()), at(20));
        request(&mut sessions, 2, "a", &call(2, "two"), 120);
        sessions.take(2, Part::End, at(130));
        assert!(!sessions.has_calls_without_session());
        request(&mut sessions, 3, "", "{}", 140);
        let transcripts = sessions.transcripts();
        let definition = recorded(&transcripts, "s".to_owned()).definition;
        let flows = &definition.stages[0].workload.flows;
        let think = |step: &Step| (step.tool.clone(), step.think_ms);
        let shown: Vec<Vec<(String, Think)>> =
            flows.iter().map(|flow| flow.steps.iter().map(think).collect()).collect();
        let step = |tool: &str, ms| (tool.to_owned(), Think::Fixed(ms));
        assert_eq!(shown, [vec![step("one", 100), step("two", 0)], vec![step("other", 0)]]);
        assert_eq!(definition.stages[0].clients, 2);
    }

    #[test]
    fn events_come_in_pieces_and_in_every_kind_of_line() {
        let mut events = Events::default();
        let text = b"event: message\ndata: 1\n\n: c\n\ndata:2\rdata:3\r\rid: 7\r\ndata: 4\r\n\r\n";
        let whole = events.push(text);
        let expected: [&[u8]; 3] = [b" 1\n", b"2\n3\n", b" 4\n"];
        assert_eq!(whole, expected);
        let mut events = Events::default();
        let pieces: Vec<Vec<u8>> = text.iter().flat_map(|&byte| events.push(&[byte])).collect();
        assert_eq!(pieces, expected);
    }
}
