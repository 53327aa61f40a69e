//! What a call expects of its answer, and the one judge of whether it got that.

use std::borrow::Cow;
use std::time::Duration;

use rmcp::model::JsonObject;

use super::answer::{self, Fields};
use super::nonce::{Belongs, Nonce};
use super::outcome::Outcome;
use super::tool::Tool;

/// What a call expects of its answer besides what its tool must always say; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Text that the answer holds; else it is a wrong answer.
    pub text: Option<String>,
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
}

/// The class of an answer, why it is not `Ok`, and how long the server asks to be left alone.
pub(super) struct Judgement {
    pub outcome: Outcome,
    pub message: Option<String>,
    pub retry_after: Option<Duration>,
}

impl Judgement {
    fn of(outcome: Outcome, message: String) -> Self {
        Self { outcome, message: Some(message), retry_after: None }
    }
}

/// Judges what a tool answered.
pub(super) fn judge(asked: Asked<'_>, answer: Answer<'_>) -> Judgement {
    let Answer { text, rest, is_error } = answer;
    let Some(text) = text else { return without_text(asked, is_error) };
    let fields: Option<Fields<'_>> = serde_json::from_str(text).ok();
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
    if let Some(refusal) = refusal(is_error, text, fields.as_ref()) {
        return refusal;
    }
    let right = keeps_rules(asked, text, fields.as_ref()).and_then(|()| {
        asked.expect.keeps_text(text, rest)?;
        match belongs {
            Some((nonce, Belongs::Nowhere)) => Err(format!("the answer does not hold '{nonce}'")),
            _ => asked.expect.keeps_counts(fields.as_ref()),
        }
    });
    match right {
        Ok(()) => Judgement { outcome: Outcome::Ok, message: None, retry_after: None },
        Err(message) => Judgement::of(Outcome::WrongAnswer, message),
    }
}

fn without_text(asked: Asked<'_>, is_error: bool) -> Judgement {
    if is_error {
        return Judgement::of(Outcome::ToolError, "refused without a word".to_owned());
    }
    let text_is_due = Tool::named(asked.tool).is_some() || *asked.expect != Expectation::default();
    if text_is_due {
        return Judgement::of(Outcome::WrongAnswer, format!("{} answered no text", asked.tool));
    }
    Judgement { outcome: Outcome::Ok, message: None, retry_after: None }
}

fn refusal(is_error: bool, text: &str, fields: Option<&Fields<'_>>) -> Option<Judgement> {
    let field = |name: &str| fields.and_then(|fields| fields.get(name)).map(|raw| raw.get());
    let string = |name: &str| field(name).and_then(|json| serde_json::from_str::<Cow<'_, str>>(json).ok());
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
        match &self.text {
            Some(expected)
                if !text.contains(expected) && !rest.iter().any(|part| part.contains(expected)) =>
            {
                Err(format!("the answer does not hold '{expected}'"))
            }
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
        let judged = judge(asked, Answer { text: Some(text), rest: &[], is_error });
        assert_eq!((judged.outcome, judged.message.as_deref().unwrap_or_default()), (outcome, message));
    }

    #[test]
    fn an_answer_must_hold_what_its_call_expects() {
        let text = Expectation { text: Some("pong".to_owned()), ..Expectation::default() };
        check(&text, false, "a pong", Outcome::Ok, "");
        check(&text, false, "ping", Outcome::WrongAnswer, "the answer does not hold 'pong'");
        check(&text, true, "busy", Outcome::ToolError, "busy");
        let counts = ScoreCounts { parts: 2, notes: 9 };
        let counts = Expectation { counts: Some(counts), ..Expectation::default() };
        check(&counts, false, r#"{"num_parts": 2, "num_notes": 9}"#, Outcome::Ok, "");
        let wrong = "the answer counts 2 parts and no notes of 2 and 9";
        check(&counts, false, r#"{"num_parts": 2}"#, Outcome::WrongAnswer, wrong);
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
