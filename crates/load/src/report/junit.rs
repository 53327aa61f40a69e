//! JUnit XML, as continuous integration shows it: suites of cases. In that of a run, a scenario is a suite and a check a
//! case.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::measure::validity::Figures;
use crate::result::{RunFile, ScenarioResult, Verdict};

/// Cases that belong together.
pub(super) struct Suite {
    pub name: String,
    /// Attributes beside its name and its counts.
    pub attributes: Vec<(&'static str, String)>,
    pub cases: Vec<Case>,
}

/// A case with what is said of it.
pub(super) struct Case {
    pub class: String,
    pub name: String,
    pub end: End,
    pub text: String,
}

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Failed,
    Skipped,
    Error,
}

impl End {
    /// The element that holds the text.
    fn element(self) -> &'static str {
        match self {
            Self::Passed => "system-out",
            Self::Failed => "failure",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }
}

impl From<Verdict> for End {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Passed,
            Verdict::Fail => Self::Failed,
            Verdict::Inconclusive => Self::Skipped,
            Verdict::Invalid | Verdict::ServerFailed | Verdict::Interrupted => Self::Error,
        }
    }
}

/// The document of a run.
///
/// # Errors
///
/// None: memory takes what is written.
pub(crate) fn of_run(file: &RunFile) -> std::io::Result<String> {
    let suite = |scenario: &ScenarioResult| {
        let ns: u64 = scenario.stages.iter().map(|stage| stage.elapsed_ns).sum();
        let timestamp = file.created_utc.trim_end_matches('Z').to_owned();
        Suite {
            name: scenario.name.clone(),
            attributes: vec![("timestamp", timestamp), ("time", format!("{:.3}", ns as f64 / 1e9))],
            cases: cases(scenario),
        }
    };
    xml(&file.scenarios.iter().map(suite).collect::<Vec<_>>())
}

/// The checks, and before them whether the scenario could be judged at all.
fn cases(scenario: &ScenarioResult) -> Vec<Case> {
    let ended = match scenario.verdict {
        Verdict::Pass | Verdict::Fail | Verdict::Inconclusive => Verdict::Pass,
        prevented => prevented,
    };
    let reasons = scenario.stages.iter().flat_map(|stage| stage.validity.why(Figures::Times));
    let texts: Vec<String> = scenario.error.iter().cloned().chain(reasons.map(ToString::to_string)).collect();
    let case = |name: &str, verdict: Verdict, text: String| Case {
        class: scenario.name.clone(),
        name: name.to_owned(),
        end: verdict.into(),
        text,
    };
    let checks = scenario.checks.iter().map(|check| case(&check.name, check.verdict, check.text.clone()));
    std::iter::once(case("can be judged", ended, texts.join("; "))).chain(checks).collect()
}

/// The document of suites.
///
/// # Errors
///
/// None: memory takes what is written.
pub(super) fn xml(suites: &[Suite]) -> std::io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "music21-mcp-bench"));
    counts(&mut root, &suites.iter().flat_map(|suite| &suite.cases));
    writer.write_event(Event::Start(root))?;
    for Suite { name, attributes, cases } in suites {
        let mut suite = BytesStart::new("testsuite");
        suite.push_attribute(("name", &**name));
        attributes.iter().for_each(|(name, value)| suite.push_attribute((*name, &**value)));
        counts(&mut suite, &cases.iter());
        writer.write_event(Event::Start(suite))?;
        cases.iter().try_for_each(|case| write_case(&mut writer, case))?;
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    // OK because only text was written.
    Ok(String::from_utf8(writer.into_inner()).unwrap() + "\n")
}

fn counts<'a>(start: &mut BytesStart<'_>, cases: &(impl Iterator<Item = &'a Case> + Clone)) {
    let count = |wanted: fn(End) -> bool| cases.clone().filter(|case| wanted(case.end)).count().to_string();
    start.push_attribute(("tests", &*count(|_| true)));
    start.push_attribute(("failures", &*count(|end| end == End::Failed)));
    start.push_attribute(("skipped", &*count(|end| end == End::Skipped)));
    start.push_attribute(("errors", &*count(|end| end == End::Error)));
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case) -> std::io::Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("classname", &*printable(&case.class)));
    start.push_attribute(("name", &*printable(&case.name)));
    let text = printable(&case.text);
    let mut inner = BytesStart::new(case.end.element());
    match case.end {
        End::Passed if text.is_empty() => return writer.write_event(Event::Empty(start)),
        End::Passed => {
            writer.write_event(Event::Start(start))?;
            writer.write_event(Event::Start(inner.borrow()))?;
            writer.write_event(Event::Text(BytesText::new(&text)))?;
            writer.write_event(Event::End(inner.to_end()))?;
        }
        End::Failed | End::Skipped | End::Error => {
            writer.write_event(Event::Start(start))?;
            inner.push_attribute(("message", &*text));
            writer.write_event(Event::Empty(inner))?;
        }
    }
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// A server's words may hold what XML cannot, not even escaped.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && !matches!(c, '\t' | '\n' | '\r') { '\u{fffd}' } else { c })
        .collect()
}
