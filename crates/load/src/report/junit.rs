//! JUnit XML, as continuous integration shows it: a suite a scenario, a case a check.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};

use crate::result::{RunFile, ScenarioResult, Verdict};

/// A case with what is wrong with it.
struct Case {
    name: String,
    verdict: Verdict,
    text: String,
}

/// The whole document.
///
/// # Errors
///
/// None: memory takes what is written.
pub(crate) fn xml(file: &RunFile) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<(&ScenarioResult, Vec<Case>)> =
        file.scenarios.iter().map(|scenario| (scenario, cases(scenario))).collect();
    let all = suites.iter().flat_map(|(_, cases)| cases);
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "music21-mcp-bench"));
    counts(&mut root, &all);
    writer.write_event(Event::Start(root))?;
    for (scenario, cases) in &suites {
        let mut suite = BytesStart::new("testsuite");
        suite.push_attribute(("name", &*scenario.name));
        suite.push_attribute(("timestamp", file.created_utc.trim_end_matches('Z')));
        suite.push_attribute(("time", &*seconds(scenario)));
        counts(&mut suite, &cases.iter());
        writer.write_event(Event::Start(suite))?;
        for case in cases {
            write_case(&mut writer, &scenario.name, case)?;
        }
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    Ok(writer.into_inner())
}

/// The checks, and before them whether the scenario could be judged at all.
fn cases(scenario: &ScenarioResult) -> Vec<Case> {
    let ended = match scenario.verdict {
        Verdict::Pass | Verdict::Fail | Verdict::Inconclusive => Verdict::Pass,
        prevented => prevented,
    };
    let mut text = scenario.error.clone().unwrap_or_default();
    for reason in scenario.stages.iter().flat_map(|stage| &stage.validity.invalid) {
        text = if text.is_empty() { reason.to_string() } else { format!("{text}; {reason}") };
    }
    let mut cases = vec![Case { name: "can be judged".into(), verdict: ended, text }];
    cases.extend(scenario.checks.iter().map(|check| Case {
        name: check.name.clone(),
        verdict: check.verdict,
        text: check.text.clone(),
    }));
    cases
}

/// The element that a case holds beside its name; none of a case that passed.
fn element(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some("failure"),
        Verdict::Inconclusive => Some("skipped"),
        Verdict::Invalid | Verdict::ServerFailed | Verdict::Interrupted => Some("error"),
    }
}

fn counts<'a>(start: &mut BytesStart<'_>, cases: &(impl Iterator<Item = &'a Case> + Clone)) {
    let count = |wanted: &str| cases.clone().filter(|case| element(case.verdict) == Some(wanted)).count();
    start.push_attribute(("tests", &*cases.clone().count().to_string()));
    for (name, wanted) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
        start.push_attribute((name, &*count(wanted).to_string()));
    }
}

fn write_case(writer: &mut Writer<Vec<u8>>, class: &str, case: &Case) -> std::io::Result<()> {
    let mut start = BytesStart::new("testcase");
    start.push_attribute(("classname", class));
    start.push_attribute(("name", &*printable(&case.name)));
    let Some(name) = element(case.verdict) else {
        return writer.write_event(Event::Empty(start));
    };
    writer.write_event(Event::Start(start))?;
    let mut inner = BytesStart::new(name);
    inner.push_attribute(("message", &*printable(&case.text)));
    writer.write_event(Event::Empty(inner))?;
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// A server's words may hold what XML cannot.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && !matches!(c, '\t' | '\n' | '\r') { '\u{fffd}' } else { c })
        .collect()
}

fn seconds(scenario: &ScenarioResult) -> String {
    let ns: u64 = scenario.stages.iter().map(|stage| stage.elapsed_ns).sum();
    format!("{:.3}", ns as f64 / 1e9)
}
