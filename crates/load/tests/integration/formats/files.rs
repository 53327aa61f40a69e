//! What other programs read of a run: written beside its result, and read back as they would.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::{RunFile, StageResult};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::python::{has, python};
use crate::run::{self, Bench};
use crate::skip::skip;

/// One short run for all tests of this file.
static RUN: LazyLock<Bench> = LazyLock::new(|| {
    let bench = Bench::new(&["tools", "concurrent", "--clients", "2", "--duration", "2"]);
    let output = bench.command().output().unwrap();
    assert!(bench.path().exists(), "{}", run::text(&output.stderr));
    bench
});

pub(crate) fn file(name: &str) -> PathBuf {
    RUN.path().with_file_name(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

fn stages(result: &RunFile) -> impl Iterator<Item = (&str, &StageResult)> {
    result.scenarios.iter().flat_map(|one| one.stages.iter().map(|stage| (one.name.as_str(), stage)))
}

#[test]
fn the_tables_hold_every_call() {
    let result = RUN.result();
    let sent: u64 = stages(&result).map(|(_, stage)| stage.accounts.sent).sum();
    let column = |text: &str, name: &str| -> u64 {
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let at = header.iter().position(|column| *column == name).unwrap();
        lines.map(|fields| fields[at].parse::<u64>().unwrap()).sum()
    };
    let (tools, timeline) = (text("tools.csv"), text("timeline.csv"));
    assert_eq!(column(&tools, "calls"), sent);
    assert_eq!(column(&timeline, "ok") + column(&timeline, "errors"), sent);
}

#[test]
fn junit_has_a_case_for_every_check_and_one_for_whether_it_could_be_judged() {
    let (result, text) = (RUN.result(), text("results.junit.xml"));
    let mut reader = Reader::from_str(&text);
    let (mut cases, mut declared) = (0, 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "testcase" => cases += 1,
                "testsuites" => {
                    let tests = tag.try_get_attribute("tests").unwrap().unwrap();
                    declared = tests.value.parse().unwrap();
                }
                _ => {}
            },
            _ => {}
        }
    }
    let expected: usize = result.scenarios.iter().map(|scenario| scenario.checks.len() + 1).sum();
    assert_eq!((cases, declared), (expected, expected), "{text}");
}

#[test]
fn the_intervals_of_the_log_add_up_to_the_histograms_of_the_result() {
    let log = std::fs::read(file("latency.hlog")).unwrap();
    let mut sums: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    let (mut intervals, mut last) = (0, Duration::ZERO);
    for entry in IntervalLogIterator::new(&log) {
        let LogEntry::Interval(interval) = entry.unwrap() else { continue };
        assert!(interval.start_timestamp() >= last, "in order of time");
        last = interval.start_timestamp();
        intervals += 1;
        let tag = interval.tag().unwrap().as_str().to_owned();
        let histogram = decoded(interval.encoded_histogram());
        sums.entry(tag).and_modify(|sum| sum.add(&histogram).unwrap()).or_insert(histogram);
    }
    let result = RUN.result();
    for (scenario, stage) in stages(&result) {
        for (tool, figures) in &stage.tools {
            let tag = format!("{scenario}/{}/{tool}", stage.name.replace(' ', "_"));
            assert_eq!(sums[&format!("{tag}/service")], decoded(&figures.service_hdr), "{tag}");
            assert_eq!(sums[&format!("{tag}/response")], decoded(&figures.response_hdr), "{tag}");
        }
    }
    assert!(sums.values().any(|sum| !sum.is_empty()));
    assert_eq!(intervals, lines(&result));
    assert!(intervals > sums.len(), "there are several of some tool");
}

fn decoded(text: &str) -> Histogram<u64> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
}

/// Lines that the log has for a result: one for each kind of times of each tool where it has no intervals.
fn lines(result: &RunFile) -> usize {
    let tools = stages(result).flat_map(|(_, stage)| stage.tools.values());
    tools.map(|tool| 2 * tool.intervals.len().max(1)).sum()
}

#[test]
fn another_reader_of_interval_logs_opens_it() {
    let script =
        "import sys; from hdrh.histogram import HdrHistogram; from hdrh.log import HistogramLogReader
reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600000000000, 3))
n = 0
while reader.get_next_interval_histogram(): n += 1
print(n)";
    if !has("hdrh") {
        return skip(
            "no-hdrhistogram",
            "PyPI's hdrhistogram; MUSIC21_PYTHON names an interpreter that has it",
        );
    }
    let output = Command::new(python()).arg("-c").arg(script).arg(file("latency.hlog")).output().unwrap();
    let expected = lines(&RUN.result()).to_string();
    assert_eq!(run::text(&output.stdout).trim(), expected, "{}", run::text(&output.stderr));
}

#[test]
fn the_metrics_name_every_call_and_prometheus_has_nothing_to_say_against_them() {
    let (result, metrics) = (RUN.result(), text("metrics.prom"));
    let calls = metrics.lines().filter(|line| line.starts_with("music21_mcp_calls_total{"));
    let ok = calls.filter(|line| line.contains("outcome=\"ok\""));
    let sum: u64 = ok.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    let expected: u64 = stages(&result).map(|(_, stage)| stage.accounts.count(Outcome::Ok)).sum();
    assert_eq!(sum, expected);
    let checker = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut checker) = checker else {
        return skip("no-promtool", "Debian's package prometheus");
    };
    std::io::Write::write_all(&mut checker.stdin.take().unwrap(), metrics.as_bytes()).unwrap();
    assert!(checker.wait().unwrap().success(), "{metrics}");
}
