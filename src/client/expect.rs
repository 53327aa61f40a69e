//! What a call expects of its answer, and the one judge of whether it got that.

use std::borrow::Cow;
use std::time::Duration;

use rmcp::model::JsonObject;

use super::answer::{self, Fields};
use super::doubt;
use super::elided::Elided;
use super::nonce::{Belongs, Nonce};
use super::outcome::Outcome;
use super::tool::Tool;

/// What a call expects of its answer besides what its tool must always say; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Text that the answer holds; else it is a wrong answer.
    pub text: Option<String>,
    /// Text that the answer must not hold; else it is a wrong answer.
    pub text_not: Option<String>,
    /// An answer that refuses, or that reads like a failure, is a good one.
    pub allows_errors: bool,
    /// The mark that the answer repeats. One that bears another mark of the same run is misrouted, even if it refuses.
    pub nonce: Option<Nonce>,
    /// How large the score is that the answer counts (`num_parts`, `num_notes`); else it is a wrong answer.
    pub counts: Option<ScoreCounts>,
}

/// How large a score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreCounts {
    /// Its parts.
    pub parts: u64,
    /// Its notes, a chord counting once.
    pub notes: u64,
}

/// A call, as far as it decides what is right to answer.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub tool: &'a str,
    pub arguments: &'a JsonObject,
    pub expect: &'a Expectation,
}

/// What a tool answered.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    /// Its first text, by which tools with rules are judged; `None` for an answer without any.
    pub text: Option<&'a str>,
    /// Its other texts.
    pub rest: &'a [String],
    pub is_error: bool,
    /// It has no content of any kind.
    pub is_empty: bool,
}

/// The class of an answer, why it is not `Ok`, and how long the server asks to be left alone.
pub(super) struct Judgement {
    pub outcome: Outcome,
    pub message: Option<String>,
    pub retry_after: Option<Duration>,
    /// Why it may be a failure although it is `Ok`.
    pub doubt: Option<String>,
}

impl Judgement {
    fn of(outcome: Outcome, message: String) -> Self {
        Self { outcome, message: Some(message), retry_after: None, doubt: None }
    }

    fn ok(doubt: Option<String>) -> Self {
        Self { outcome: Outcome::Ok, message: None, retry_after: None, doubt }
    }
}

/// Judges what a tool answered.
pub(super) fn judge(asked: Asked<'_>, answer: Answer<'_>) -> Judgement {
    let Answer { text, rest, is_error, .. } = answer;
    let Some(text) = text else { return without_text(asked, answer) };
    let elided = Elided::of(text);
    let fields = answer::fields(&elided);
    let belongs = asked.expect.nonce.as_ref().map(|nonce| {
        let parts = std::iter::once(text).chain(rest.iter().map(String::as_str));
        let found = parts.map(|part| nonce.owns(part)).find(|belongs| *belongs != Belongs::Nowhere);
        (nonce, found.unwrap_or(Belongs::Nowhere))
    });
    // First: an answer to somebody else is one whatever it says, so that a refusal can be misrouted as well.
    if let Some((nonce, Belongs::Elsewhere(owner))) = &belongs {
        let message = format!("the answer to '{nonce}' belongs to '{owner}'");
        return Judgement::of(Outcome::MisroutedAnswer, message);
    }
    let refusal = refusal(is_error, text, fields.as_ref());
    let is_allowed = refusal.as_ref().is_some_and(|refusal| asked.allows(refusal.outcome));
    if let Some(refusal) = refusal.filter(|_| !is_allowed) {
        return refusal;
    }
    let rules = if is_allowed { Ok(()) } else { keeps_rules(asked, text, fields.as_ref()) };
    let right = rules.and_then(|()| {
        asked.expect.keeps_text(text, rest)?;
        match belongs {
            Some((nonce, Belongs::Nowhere)) => Err(format!("the answer does not hold '{nonce}'")),
            _ => asked.expect.keeps_counts(fields.as_ref()),
        }
    });
    match right {
        Ok(()) => {
            Judgement::ok(asked.may_be_doubted().then(|| doubt::of(text, rest, fields.as_ref())).flatten())
        }
        Err(message) => Judgement::of(Outcome::WrongAnswer, message),
    }
}

impl Asked<'_> {
    /// A limiter's refusal is its own affair, whatever else may go wrong.
    fn allows(self, refusal: Outcome) -> bool {
        self.expect.allows_errors && refusal != Outcome::RateLimited
    }

    /// Nobody has said how an answer of this tool is told from a failure. An echoed mark does not tell.
    fn may_be_doubted(self) -> bool {
        let Expectation { text, text_not, allows_errors, counts, nonce: _ } = self.expect;
        let is_told = text.is_some() || text_not.is_some() || *allows_errors || counts.is_some();
        !is_told && Tool::named(self.tool).is_none()
    }
}

fn without_text(asked: Asked<'_>, answer: Answer<'_>) -> Judgement {
    if answer.is_error && asked.expect.allows_errors {
        return Judgement::ok(None);
    }
    if answer.is_error {
        return Judgement::of(Outcome::ToolError, "refused without a word".to_owned());
    }
    let Expectation { text, nonce, counts, .. } = asked.expect;
    let text_is_due =
        Tool::named(asked.tool).is_some() || text.is_some() || nonce.is_some() || counts.is_some();
    if text_is_due {
        return Judgement::of(Outcome::WrongAnswer, format!("{} answered no text", asked.tool));
    }
    Judgement::ok((answer.is_empty && asked.may_be_doubted()).then(|| doubt::EMPTY.to_owned()))
}

fn refusal(is_error: bool, text: &str, fields: Option<&Fields<'_>>) -> Option<Judgement> {
    let field = |name: &str| fields.and_then(|fields| fields.get(name)).map(|raw| raw.get());
    let string = |name: &str| field(name).and_then(answer::text);
    if !is_error && string("status").as_deref() != Some("error") {
        return None;
    }
    let message = string("message").or_else(|| string("error")).unwrap_or(Cow::Borrowed(text));
    let limited = says_rate_limited(&message);
    let wait = field("retry_after").and_then(|json| json.parse().ok());
    Some(Judgement {
        outcome: if limited { Outcome::RateLimited } else { Outcome::ToolError },
        message: Some(one_line(&message)),
        retry_after: wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        doubt: None,
    })
}

/// The rules of the tool itself. Of a tool that is not a music21 server's nothing is known.
fn keeps_rules(asked: Asked<'_>, text: &str, fields: Option<&Fields<'_>>) -> Result<(), String> {
    let Some(tool) = Tool::named(asked.tool) else { return Ok(()) };
    let fields = fields.ok_or_else(|| format!("{tool} answered no JSON object: {}", one_line(text)))?;
    answer::check(tool, asked.arguments, fields)
}

impl Expectation {
    fn keeps_text(&self, text: &str, rest: &[String]) -> Result<(), String> {
        let holds = |wanted: &str| text.contains(wanted) || rest.iter().any(|part| part.contains(wanted));
        match (&self.text, &self.text_not) {
            (Some(expected), _) if !holds(expected) => Err(format!("the answer does not hold '{expected}'")),
            (_, Some(unwanted)) if holds(unwanted) => Err(format!("the answer holds '{unwanted}'")),
            _ => Ok(()),
        }
    }

    fn keeps_counts(&self, fields: Option<&Fields<'_>>) -> Result<(), String> {
        let Some(ScoreCounts { parts, notes }) = self.counts else { return Ok(()) };
        let count = |name: &str| fields?.get(name)?.get().parse::<u64>().ok();
        let found = [count("num_parts"), count("num_notes")];
        if found == [Some(parts), Some(notes)] {
            return Ok(());
        }
        let word = |count: Option<u64>| count.map_or_else(|| "no".to_owned(), |count| count.to_string());
        let [found_parts, found_notes] = found.map(word);
        Err(format!("the answer counts {found_parts} parts and {found_notes} notes of {parts} and {notes}"))
    }
}

pub(super) fn says_rate_limited(message: &str) -> bool {
    let message = message.get(..200).unwrap_or(message).to_ascii_lowercase();
    ["rate limit", "rate-limit", "too many requests"].iter().any(|words| message.contains(words))
}

/// Servers put whole tracebacks into messages; reports have one line for each.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: &Expectation, is_error: bool, text: &str, outcome: Outcome, message: &str) {
        let asked = Asked { tool: "echo", arguments: &JsonObject::new(), expect };
        let answer = Answer { text: Some(text), rest: &[], is_error, is_empty: false };
        let judged = judge(asked, answer);
        assert_eq!((judged.outcome, judged.message.as_deref().unwrap_or_default()), (outcome, message));
    }

    #[test]
    fn an_answer_must_hold_what_its_call_expects() {
        let text = Expectation { text: Some("pong".to_owned()), ..Expectation::default() };
        check(&text, false, "a pong", Outcome::Ok, "");
        check(&text, false, "ping", Outcome::WrongAnswer, "the answer does not hold 'pong'");
        check(&text, true, "busy", Outcome::ToolError, "busy");
        let not = Expectation { text_not: Some("no such".to_owned()), ..Expectation::default() };
        check(&not, false, "here it is", Outcome::Ok, "");
        check(&not, false, "no such thing", Outcome::WrongAnswer, "the answer holds 'no such'");
        let counts = ScoreCounts { parts: 2, notes: 9 };
        let counts = Expectation { counts: Some(counts), ..Expectation::default() };
        check(&counts, false, r#"{"num_parts": 2, "num_notes": 9}"#, Outcome::Ok, "");
        let wrong = "the answer counts 2 parts and no notes of 2 and 9";
        check(&counts, false, r#"{"num_parts": 2}"#, Outcome::WrongAnswer, wrong);
    }

    #[test]
    fn where_errors_are_allowed_a_refusal_is_good_but_for_a_limiters() {
        let allowed = Expectation { allows_errors: true, ..Expectation::default() };
        check(&allowed, true, "no such id", Outcome::Ok, "");
        check(&allowed, false, r#"{"status": "error"}"#, Outcome::Ok, "");
        check(&allowed, true, "rate limit exceeded", Outcome::RateLimited, "rate limit exceeded");
        let import = Asked { tool: "import_score", arguments: &JsonObject::new(), expect: &allowed };
        let answer = Answer { text: Some("nonsense"), rest: &[], is_error: false, is_empty: false };
        assert_eq!(judge(import, answer).outcome, Outcome::WrongAnswer, "it did not refuse");
    }

    #[test]
    fn an_answer_is_doubted_until_its_call_says_how_to_tell() {
        let doubted = |tool: &str, expect: &Expectation, text: Option<&str>| {
            let asked = Asked { tool, arguments: &JsonObject::new(), expect };
            let judged = judge(asked, Answer { text, rest: &[], is_error: false, is_empty: text.is_none() });
            judged.outcome == Outcome::Ok && judged.doubt.is_some()
        };
        let nothing = Expectation::default();
        let nonce = Nonce { run: "ab1".into(), client: 3, iteration: 1 };
        let text = |text: &str| Some(text.to_owned());
        assert!(doubted("search", &nothing, Some("Error: no key")));
        assert!(doubted("search", &nothing, None));
        assert!(!doubted("search", &nothing, Some("found")));
        assert!(doubted(
            "search",
            &Expectation { nonce: Some(nonce), ..nothing.clone() },
            Some("Error: ab1-3-1")
        ));
        assert!(!doubted(
            "search",
            &Expectation { text: text("Error"), ..nothing.clone() },
            Some("Error: no key")
        ));
        assert!(!doubted(
            "search",
            &Expectation { text_not: text("x"), ..nothing.clone() },
            Some("Error: no key")
        ));
        assert!(!doubted("search", &Expectation { allows_errors: true, ..nothing.clone() }, Some("Error")));
    }

    #[test]
    fn an_answer_with_another_calls_mark_is_misrouted_even_if_it_refuses() {
        let nonce = Nonce { run: "ab1".into(), client: 3, iteration: 1 };
        let expect = Expectation { nonce: Some(nonce), ..Expectation::default() };
        check(&expect, false, "b-ab1-3-1", Outcome::Ok, "");
        check(&expect, false, "b", Outcome::WrongAnswer, "the answer does not hold 'ab1-3-1'");
        check(&expect, true, "no score", Outcome::ToolError, "no score");
        let misrouted = "the answer to 'ab1-3-1' belongs to 'ab1-4-7'";
        for is_error in [false, true] {
            check(&expect, is_error, "no score ab1-4-7", Outcome::MisroutedAnswer, misrouted);
        }
    }
}
