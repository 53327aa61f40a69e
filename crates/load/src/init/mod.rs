//! A scenario from a server's own list of tools: what may be called unasked, with arguments that the schemas accept, and
//! the rest as comments. Pure: the list comes in, text goes out.

mod accepts;
mod argument;
mod array;
mod describe;
mod dialect;
mod document;
mod formats;
mod make;
mod number;
mod object;
mod pattern;
mod text;
mod tool;
mod write;

use std::collections::BTreeSet;

use music21_mcp_bench::client;
use serde_json::{Map, Value};

use crate::result::{Definition, Stage, Thresholds, Workload};
use argument::{Arguments, Known};
use tool::{Listed, Reason};
use write::{Call, commented_out, flow};

/// Tools that begin and end a score's life, and so surround the others.
const IMPORT: &str = client::Tool::ImportScore.name();
const DELETE: &str = client::Tool::DeleteScore.name();
/// What arguments of a music21 server mean.
const OF_MUSIC21: [Known; 3] = [
    Known { name: "score_id", text: "s-{{nonce}}", is_needed: false },
    Known { name: "source", text: "johnson_j_r/lift_every_voice", is_needed: false },
    // `imitate_style` refuses a call without one, which its schema does not say.
    Known { name: "composer", text: "bach", is_needed: true },
];

/// What is to be written for a server.
pub(crate) struct Draft {
    tools: Vec<Drafted>,
    /// How many were listed without a name of their own.
    nameless: usize,
}

struct Drafted {
    listed: Listed,
    arguments: Arguments,
    /// Why it is commented out.
    reason: Option<Reason>,
    /// What it said when it was tried.
    answer: Option<String>,
}

/// A call to try.
pub(crate) struct Trial {
    at: usize,
    pub(crate) tool: String,
    pub(crate) arguments: Map<String, Value>,
}

impl Draft {
    /// From the tools as the server lists them.
    pub(crate) fn of(listed: &[Value]) -> Self {
        let (mut seen, count) = (BTreeSet::new(), listed.len());
        let listed: Vec<Listed> =
            listed.iter().filter_map(Listed::read).filter(|tool| seen.insert(tool.name.clone())).collect();
        let nameless = count - listed.len();
        let is_music21 = seen.contains(IMPORT);
        let known: &[Known] = if is_music21 { &OF_MUSIC21 } else { &[] };
        let drafted = |listed: Listed| {
            let arguments = Arguments::of(&listed.schema, known);
            // Of a music21 server it is known what its tools do: what they make ends with its score.
            let is_known = |reason: &Reason| match reason {
                Reason::Destructive => is_music21 && listed.name == DELETE,
                Reason::Changes | Reason::Named(_) => is_music21,
                Reason::NeedsTask | Reason::NoArguments => false,
            };
            let reason = listed.reason().filter(|reason| !is_known(reason));
            let reason = reason.or_else(|| (!arguments.are_complete()).then_some(Reason::NoArguments));
            Drafted { listed, arguments, reason, answer: None }
        };
        let mut tools: Vec<Drafted> = listed.into_iter().map(drafted).collect();
        tools.sort_by_key(|tool| (tool.reason.is_some(), !tool.listed.is_read_only()));
        Self { tools, nameless }
    }

    /// Calls that change nothing, by the word of the server.
    pub(crate) fn trials(&self) -> Vec<Trial> {
        let tried = |(at, tool): (usize, &Drafted)| {
            let named =
                |argument: &argument::Argument| Some((argument.name.clone(), argument.value.clone().ok()?));
            let arguments = tool.arguments.required().filter_map(named).collect();
            let is_tried = tool.reason.is_none() && tool.listed.is_read_only();
            is_tried.then(|| Trial { at, tool: tool.listed.name.clone(), arguments })
        };
        self.tools.iter().enumerate().filter_map(tried).collect()
    }

    /// Notes what a trial brought.
    pub(crate) fn note(&mut self, trial: &Trial, answer: String) {
        self.tools[trial.at].answer = Some(answer);
    }

    /// The scenario but for its flows.
    pub(crate) fn definition() -> Definition {
        let stage = Stage {
            duration_s: Some(30.0),
            warm_up_s: 5.0,
            ..Stage::new("all tools", 4, Workload::default())
        };
        Definition {
            name: "custom".into(),
            description: "The server's tools, all equally often.".into(),
            thresholds: Thresholds { min_success: 0.95, ..Thresholds::default() },
            stages: vec![stage],
            ..Definition::default()
        }
    }

    /// The flows, those last that are comments.
    pub(crate) fn flows(&self) -> String {
        let mut explained = BTreeSet::new();
        let named = |name: &str| self.active().find(|tool| tool.listed.name == name);
        let around = named(IMPORT).map(|import| (import, named(DELETE)));
        let is_around =
            |tool: &Drafted| around.is_some() && [IMPORT, DELETE].contains(&tool.listed.name.as_str());
        let mut text = String::new();
        // A score's life is a flow by itself where there is nothing else to do with it.
        let is_lonely = !self.active().any(|tool| !is_around(tool));
        let shown = |tool: &&Drafted| !is_around(tool) || (is_lonely && tool.listed.name == IMPORT);
        for tool in self.tools.iter().filter(shown) {
            let (import, delete) = around.filter(|_| tool.reason.is_none()).unzip();
            let middle = Some(tool).filter(|tool| !is_around(tool));
            let steps = [import, middle, delete.flatten()];
            let calls: Vec<Call<'_>> = steps
                .into_iter()
                .flatten()
                .map(|one| one.call(around.is_some() && one.listed.name == DELETE, &mut explained))
                .collect();
            let written = flow(&tool.about(), &calls);
            text.push('\n');
            match &tool.reason {
                None => text += &written,
                Some(reason) => {
                    text += &format!("# {}\n#\n{}", reason.sentence(), commented_out(&written));
                }
            }
        }
        text
    }

    /// How many tools are called, and how many not and why, on one line.
    pub(crate) fn summary(&self) -> String {
        let counted = |n: usize| format!("{n} tool{}", if n == 1 { "" } else { "s" });
        let active = self.active().count();
        let mut text = format!("{} called", counted(active));
        let reasons: Vec<&str> =
            self.tools.iter().filter_map(|tool| Some(tool.reason.as_ref()?.word())).collect();
        if !reasons.is_empty() {
            let kinds: BTreeSet<&str> = reasons.iter().copied().collect();
            let count = |kind: &&str| reasons.iter().filter(|reason| *reason == kind).count();
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("{} {kind}", count(kind))).collect();
            text += &format!(", {} commented out ({})", reasons.len(), kinds.join(", "));
        }
        if self.nameless > 0 {
            text += &format!(", {} left out (listed without a name of their own)", self.nameless);
        }
        if active == 0 {
            text += "; nothing is active: remove the '# ' in front of a tool's lines before you run it";
        }
        text
    }

    fn active(&self) -> impl Iterator<Item = &Drafted> {
        self.tools.iter().filter(|tool| tool.reason.is_none())
    }
}

impl Drafted {
    fn about(&self) -> String {
        let nature = if self.listed.is_read_only() { " (It only reads.)" } else { "" };
        format!("{}{nature}", self.listed.description)
    }

    fn call<'a>(&'a self, is_last: bool, explained: &mut BTreeSet<&'a str>) -> Call<'a> {
        Call {
            tool: &self.listed.name,
            arguments: &self.arguments,
            is_last,
            is_new: explained.insert(self.listed.name.as_str()),
            answer: self.answer.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests;
