//! What an agent really does: the messages between it and its server, as a scenario that does the same. Pure: messages come
//! in with their times, a definition goes out.

mod http;
mod ids;
mod left_out;
mod refusal;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

pub(crate) use http::{Part, Sessions};

use crate::result::placeholder;
use crate::result::{Asked, Definition, Flow, Stage, Step, Think, Workload};
use refusal::Refusal;

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    calls: Vec<Seen>,
    /// Calls without an answer, by their ids as JSON.
    waiting: BTreeMap<String, usize>,
    /// Texts that the server wrote, in order, with the number of calls sent by then.
    said: Vec<(usize, String)>,
    said_bytes: usize,
}

/// One request.
#[derive(Debug)]
struct Seen {
    tool: String,
    request: Option<Asked>,
    arguments: Map<String, Value>,
    sent: Duration,
    answered: Option<Duration>,
    refusal: Option<Refusal>,
}

/// A scenario, and what a reader must know of it.
pub(crate) struct Recorded {
    pub(crate) definition: Definition,
    pub(crate) notes: Vec<String>,
}

/// Bytes of a server's answers that are kept to find ids in; of more, ids are taken for the server's.
const SAID: usize = 32 << 20;

/// A client for each session, which does the same as one of them, again and again.
pub(crate) fn recorded(sessions: &[Transcript], server: String) -> Recorded {
    let (mut flows, mut notes) = (Vec::new(), Vec::new());
    for (number, session) in sessions.iter().enumerate() {
        let (steps, of_session) = session.steps();
        let place = if sessions.len() > 1 { format!("session {}: ", number + 1) } else { String::new() };
        notes.extend(of_session.into_iter().map(|note| format!("{place}{note}")));
        // All that one session asked for may have been refused.
        if !steps.is_empty() {
            flows.push(Flow { weight: 1.0, steps });
        }
    }
    let clients = flows.len().max(1);
    let workload = Workload { flows, ..Workload::default() };
    let stage = Stage { duration_s: Some(60.0), ..Stage::new("as recorded", clients, workload) };
    let definition = Definition {
        name: "recorded".to_owned(),
        description: "What an agent did, at its own pace.".to_owned(),
        server: Some(server),
        stages: vec![stage],
        ..Definition::default()
    };
    Recorded { definition, notes }
}

impl Transcript {
    /// Takes a message of the agent's.
    pub(crate) fn agent_says(&mut self, line: &[u8], at: Duration) {
        for message in messages(line) {
            let Some(seen) = Seen::read(&message, at) else { continue };
            if let Some(id) = message.get("id") {
                self.waiting.insert(id.to_string(), self.calls.len());
            }
            self.calls.push(seen);
        }
    }

    /// Takes a message of the server's.
    pub(crate) fn server_says(&mut self, line: &[u8], at: Duration) {
        for message in messages(line) {
            // A request of the server's own may have the same id.
            let answers = message.get("id").filter(|_| message.get("method").is_none());
            if let Some(call) = answers.and_then(|id| self.waiting.remove(&id.to_string())) {
                let call = &mut self.calls[call];
                call.answered = Some(at);
                call.refusal = Refusal::of(call, &message);
            }
        }
        self.said_bytes = self.said_bytes.saturating_add(line.len());
        if self.said_bytes <= SAID {
            self.said.push((self.calls.len(), String::from_utf8_lossy(line).into_owned()));
        }
    }

    /// What the server writes cannot be read: every id may be its own.
    pub(crate) fn cannot_hear(&mut self) {
        self.said_bytes = usize::MAX;
    }

    /// How many calls there were.
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// The same calls, and what a reader must know of them.
    fn steps(&self) -> (Vec<Step>, Vec<String>) {
        let mut steps: Vec<Step> = self.calls.iter().map(Seen::step).collect();
        for (step, think_ms) in steps.iter_mut().zip(self.thinking_ms()) {
            step.think_ms = Think::Fixed(think_ms);
        }
        let mut notes = left_out::remove(&mut steps);
        notes.extend(ids::replace(&mut steps, |id, before| self.is_the_servers(id, before)));
        // Last, since until here a step's number is its call's.
        let mut calls = self.calls.iter().zip(1..);
        steps.retain_mut(|step| {
            let Some((call, number)) = calls.next() else { return true };
            let (note, stays) = refusal::allow(step, call, number);
            notes.extend(note);
            stays
        });
        (steps, notes)
    }

    /// From each answer to the next call; none where that did not wait for it, and after the last.
    fn thinking_ms(&self) -> impl Iterator<Item = u64> {
        let next = self.calls.iter().skip(1).map(|call| Some(call.sent)).chain([None]);
        self.calls.iter().zip(next).map(|(call, next)| match (call.answered, next) {
            (Some(answered), Some(next)) => next.saturating_sub(answered).as_millis() as u64,
            _ => 0,
        })
    }

    /// The server had written it before the agent's call of that number.
    fn is_the_servers(&self, id: &str, before: usize) -> bool {
        self.said_bytes > SAID || self.said.iter().any(|(calls, text)| *calls <= before && text.contains(id))
    }
}

impl Seen {
    fn read(message: &Value, sent: Duration) -> Option<Self> {
        let parameters = || message.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
        let request = match message.get("method")?.as_str()? {
            "tools/call" => None,
            "ping" => Some(Asked::Ping),
            "tools/list" => Some(Asked::ListTools),
            "resources/list" => Some(Asked::ListResources),
            "prompts/list" => Some(Asked::ListPrompts),
            "resources/read" => Some(Asked::Read),
            _ => return None,
        };
        let mut parameters = parameters();
        parameters.remove("_meta");
        let (tool, arguments) = match request {
            Some(_) => (String::new(), parameters),
            None => {
                let arguments = parameters.remove("arguments").and_then(|arguments| match arguments {
                    Value::Object(map) => Some(map),
                    _ => None,
                });
                (parameters.get("name")?.as_str()?.to_owned(), arguments.unwrap_or_default())
            }
        };
        Some(Self { tool, request, arguments, sent, answered: None, refusal: None })
    }

    fn step(&self) -> Step {
        let (tool, mut arguments) = (self.tool.clone(), self.arguments.clone());
        arguments.values_mut().for_each(placeholder::literally);
        Step { tool, request: self.request, arguments, ..Step::default() }
    }
}

/// The messages of a line: one, or a batch. None of what is no JSON.
fn messages(line: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(line) {
        Ok(Value::Array(all)) => all,
        Ok(one) => vec![one],
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn call(id: u64, tool: &str, arguments: &Value) -> Vec<u8> {
        let message = json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": arguments }
        });
        message.to_string().into_bytes()
    }

    fn answer(id: u64, text: &str) -> Vec<u8> {
        json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [{ "type": "text", "text": text }] } })
            .to_string()
            .into_bytes()
    }

    #[test]
    fn a_session_of_which_nothing_is_left_is_no_client() {
        let refused: &[u8] = br#"{"id":1,"error":{"code":-32602,"message":"no such resource"}}"#;
        let good = br#"{"id":1,"result":{}}"#;
        let sessions = [refused, good].map(|answer| {
            let mut seen = Transcript::default();
            seen.agent_says(br#"{"id":1,"method":"resources/read","params":{"uri":"a:b"}}"#, at(0));
            seen.server_says(answer, at(1));
            seen
        });
        let Recorded { definition, notes } = recorded(&sessions, "s".to_owned());
        assert_eq!((definition.stages[0].clients, definition.stages[0].workload.flows.len()), (1, 1));
        assert!(notes[0].starts_with("session 1: step 1 (resources/read) is left out"), "{notes:?}");
    }

    fn steps(transcript: Transcript) -> (Vec<Step>, Vec<String>) {
        let Recorded { definition, notes } = recorded(&[transcript], "s".to_owned());
        let text = toml::to_string(&definition).unwrap();
        assert_eq!(Definition::from_toml(&text).unwrap(), definition, "{text}");
        (definition.stages[0].workload.flows[0].steps.clone(), notes)
    }

    #[test]
    fn what_an_agent_did_is_done_again_at_its_pace() {
        let mut seen = Transcript::default();
        seen.agent_says(br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#, at(0));
        seen.server_says(br#"{"jsonrpc":"2.0","id":0,"result":{}}"#, at(10));
        seen.agent_says(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, at(20));
        seen.server_says(br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#, at(25));
        seen.agent_says(&call(2, "import_score", &json!({ "score_id": "mine", "source": "bach" })), at(525));
        seen.server_says(br#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#, at(550));
        seen.server_says(&answer(2, "imported mine"), at(600));
        seen.agent_says(&call(3, "key_analysis", &json!({ "score_id": "mine" })), at(1600));
        seen.server_says(b"noise", at(1650));
        seen.server_says(&answer(3, "C major"), at(1700));
        let (steps, notes) = steps(seen);
        let shown: Vec<(&str, Think)> = steps.iter().map(|step| (step.name(), step.think_ms)).collect();
        let paused = [("tools/list", 500), ("import_score", 1000), ("key_analysis", 0)];
        assert_eq!(shown, paused.map(|(name, ms)| (name, Think::Fixed(ms))));
        assert_eq!(steps[1].arguments["score_id"], "mine-{{nonce}}");
        assert_eq!(steps[2].arguments["score_id"], "mine-{{nonce}}");
        assert_eq!(steps[1].arguments["source"], "bach");
        assert_eq!(notes, ["'mine' is an id of the agent's: each iteration has one of its own"]);
    }

    #[test]
    fn an_id_of_the_servers_stays_and_is_told() {
        let mut seen = Transcript::default();
        seen.agent_says(&call(1, "new_document", &json!({})), at(0));
        seen.server_says(&answer(1, "made doc-17"), at(1));
        seen.agent_says(&call(2, "read", &json!({ "document_id": "doc-17" })), at(2));
        seen.agent_says(&call(3, "close", &json!({ "document_id": "doc-17" })), at(3));
        let (steps, notes) = steps(seen);
        assert_eq!(steps[1].arguments["document_id"], "doc-17");
        assert!(notes[0].starts_with("'doc-17' came from the server"), "{notes:?}");
    }

    #[test]
    fn what_the_agent_saw_refused_may_be_refused_again() {
        let mut seen = Transcript::default();
        let refused = [
            answer(1, r#"{"status": "error", "message": "no score"}"#),
            br#"{"id":2,"error":{"code":-32602,"message":"Unknown tool"}}"#.to_vec(),
            br#"{"id":3,"result":{"isError":true,"content":[{"type":"text","text":"too\n late"}]}}"#.to_vec(),
            answer(4, "Error: no such page"),
            answer(5, "the page"),
            br#"{"id":6,"result":{"content":[{"type":"image","data":"","mimeType":"image/png"}]}}"#.to_vec(),
        ];
        for (id, (answer, tool)) in
            (1..).zip(refused.iter().zip(["score_info", "gone", "send", "read", "read", "draw"]))
        {
            seen.agent_says(&call(id, tool, &json!({ "n": id })), at(id));
            seen.server_says(answer, at(id));
        }
        let (steps, notes) = steps(seen);
        let shown: Vec<(&str, bool)> = steps.iter().map(|step| (step.name(), step.errors.fail())).collect();
        assert_eq!(
            shown,
            [("score_info", false), ("send", false), ("read", false), ("read", true), ("draw", true)]
        );
        assert_eq!(notes[0], "step 1 (score_info): the tool refused ('no score'), and may do so again");
        assert_eq!(notes[1], "step 2 (gone) is left out: the server refused the request ('Unknown tool')");
        assert_eq!(notes[2], "step 3 (send): the tool refused ('too late'), and may do so again");
        assert!(notes[3].starts_with("step 4 (read): the tool refused ("), "{notes:?}");
    }

    #[test]
    fn secrets_and_long_texts_are_left_out() {
        let mut seen = Transcript::default();
        let arguments =
            json!({ "api_token": "s3cret", "text": "x".repeat(5000), "n": 3, "deep": { "password": "p" } });
        seen.agent_says(&call(1, "send", &arguments), at(0));
        let (steps, notes) = steps(seen);
        assert_eq!(Value::Object(steps[0].arguments.clone()), json!({ "n": 3, "deep": {} }));
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes.iter().all(|note| !note.contains("s3cret")), "{notes:?}");
    }

    #[test]
    fn braces_of_the_agents_are_no_placeholders() {
        let mut seen = Transcript::default();
        seen.agent_says(&call(1, "render", &json!({ "text": ["Dear {{name}},"] })), at(0));
        let (steps, _) = steps(seen);
        assert_eq!(steps[0].arguments["text"], json!(["Dear {{open}}name}},"]));
    }

    #[test]
    fn what_toml_has_no_word_for_is_left_out() {
        let mut seen = Transcript::default();
        let arguments = json!({
            "limit": null, "filter": { "by": null, "n": 1 }, "ids": [1, { "a": null }], "hash": u64::MAX, "page": 2
        });
        seen.agent_says(&call(1, "find", &arguments), at(0));
        let (steps, notes) = steps(seen);
        assert_eq!(Value::Object(steps[0].arguments.clone()), json!({ "filter": { "n": 1 }, "page": 2 }));
        assert_eq!(notes.len(), 4, "{notes:?}");
        let said = "step 1 (find): 'limit' is null, which TOML does not have, and is left out";
        assert!(notes.contains(&said.to_owned()), "{notes:?}");
    }
}
