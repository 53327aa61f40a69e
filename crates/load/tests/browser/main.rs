//! The HTML report: its first line, what a server's words may not do to it, its size, the sections that only some
//! results have, and the page in a real browser.

mod chromium;
mod page;
mod profile;
#[path = "../integration/report.rs"]
mod report;
#[path = "../integration/run.rs"]
mod run;
mod sections;
#[path = "../../../../tests/support/skip.rs"]
mod skip;

use std::process::Command;

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::measure::validity::{self, GeneratorFacts};
use music21_mcp_load::report::html::{self, Extras};
use music21_mcp_load::result::{RunFile, Verdict};
use report::{all_ended, memory_run, probed};
use run::{PROGRAM, text};

/// The page's first words, without their markup.
fn first_line(html: &str) -> String {
    let heading = html.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0;
    let before = html.split_once("<body>").unwrap().1.split_once("<h1>").unwrap().0;
    assert_eq!(
        before.matches('>').count(),
        before.matches('<').count(),
        "no words stand before it: {before}"
    );
    let (word, reason) = heading.split_once("</strong>").unwrap();
    format!("{}{reason}", word.split_once('>').unwrap().1)
}

/// The page but for the one script that is its own.
fn without_script(html: &str) -> String {
    let (before, rest) = html.split_once("<script>").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    format!("{before}{after}")
}

fn page(file: &RunFile) -> String {
    html::page(file, &Extras::default())
}

fn judged(verdict: Verdict) -> RunFile {
    let mut file = memory_run(60, "a server");
    file.scenarios[0].verdict = verdict;
    file.scenarios[0].checks[0].verdict = verdict;
    file
}

#[test]
fn the_first_line_says_how_the_run_ended() {
    let first = |file: &RunFile| first_line(&page(file));
    assert_eq!(
        first(&judged(Verdict::Pass)),
        "Passed: 1 scenario, 1 check; 600 of 600 calls ended well (100.0 %)"
    );
    assert_eq!(first(&judged(Verdict::Fail)), "FAILED: memory: steady load: success: 5400 of 5400 calls");
    assert!(first(&judged(Verdict::Inconclusive)).starts_with("inconclusive: memory: "));
    let mut file = judged(Verdict::ServerFailed);
    file.scenarios[0].error = Some("steady load: the process ended with signal 9".into());
    assert_eq!(first(&file), "SERVER FAILED: memory: steady load: the process ended with signal 9");
}

#[test]
fn an_interrupted_run_says_so_first() {
    let mut file = judged(Verdict::Interrupted);
    file.complete = false;
    assert_eq!(
        first_line(&page(&file)),
        "Interrupted: 'memory', with 1 of 1 stages; the figures are those up to then"
    );
    file.scenarios.clear();
    let line = first_line(&page(&file));
    assert_eq!(line, "No successful call · Incomplete: no call was made");
}

#[test]
fn a_run_without_a_successful_call_says_so_first_with_the_servers_words() {
    let file = all_ended(memory_run(60, "a server"), Outcome::ToolError, "no module named music21");
    assert_eq!(
        first_line(&page(&file)),
        "No successful call: 0 of 600 calls ended well, 600 ended as tool_error: no module named music21"
    );
}

#[test]
fn an_invalid_run_says_so_first_with_the_reason() {
    let mut file = judged(Verdict::Invalid);
    let facts = GeneratorFacts { internal_errors: 2, ..GeneratorFacts::default() };
    file.scenarios[0].stages[0].validity = validity::judge_generator(&facts);
    assert_eq!(first_line(&page(&file)), "INVALID: memory: steady load: tasks of the generator panicked: 2");
}

/// What came from a server, a file or a command line, in every place where a report shows it.
fn hostile() -> RunFile {
    let script = "<script>alert(1)</script>\"'<img src=x onerror=alert(2)>";
    let mut file = all_ended(memory_run(60, script), Outcome::RpcError, script);
    file.command_line.push(script.into());
    file.server.tools.push(script.into());
    (file.server.version, file.server.protocol) = (script.into(), script.into());
    file.scenarios[0].error = Some(script.into());
    file.scenarios[0].notes.push(script.into());
    file.scenarios[0].checks[0].text = script.into();
    let mut stage = file.scenarios[0].stages[0].clone();
    stage.name = script.into();
    let tool = memory_run(60, "").scenarios[0].stages[0].tools["key_analysis"].clone();
    stage.tools.insert(script.into(), tool);
    file.scenarios[0].stages.push(stage);
    file
}

#[test]
fn what_a_server_says_is_text_and_no_markup() {
    let html = without_script(&page(&hostile()));
    assert!(html.contains("&lt;script&gt;alert(1)"), "it is shown");
    for markup in ["<script", "<img", "onerror=alert(2)>\""] {
        assert!(!html.contains(markup), "{markup}");
    }
}

#[test]
fn a_page_names_nothing_outside_of_itself() {
    let mut file = memory_run(600, "a server");
    file.scenarios.push(probed());
    let html =
        without_script(&page(&file)).replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "");
    for outside in ["http", "//", "url(", "@import", "src=", "<link", "<script"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn every_chart_has_a_label_and_its_figures_as_a_table() {
    let mut file = memory_run(600, "a server");
    file.scenarios.push(probed());
    let html = page(&file);
    let figures: Vec<&str> =
        html.split("<figure").skip(1).map(|rest| rest.split("</figure>").next().unwrap()).collect();
    assert_eq!(
        figures.len(),
        8,
        "percentiles, times, calls, in flight, memory, handles, CPUs; the limiter's"
    );
    for figure in figures {
        for part in ["<figcaption>", "role=\"img\" aria-label=\"", "<details>", "<td>", "tabindex=\"0\""] {
            assert!(figure.contains(part), "{part} in {figure}");
        }
    }
    assert!(html.contains("Trend over 479 s: +1.2"), "memory grows by 1.2 MB/min");
}

#[test]
fn headings_go_down_one_level_at_a_time() {
    let html = page(&memory_run(60, "a server"));
    let levels: Vec<u32> =
        html.split("<h").skip(1).filter_map(|rest| rest.chars().next()?.to_digit(10)).collect();
    assert_eq!(levels[0], 1);
    assert_eq!(levels.iter().filter(|&&level| level == 1).count(), 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

#[test]
fn a_report_does_not_grow_with_the_length_of_the_run() {
    for minutes in [10, 120] {
        let size = page(&memory_run(minutes * 60, "s")).len();
        assert!(size < 300_000, "{minutes} minutes: {size} bytes");
    }
}

#[test]
fn the_verb_writes_a_page_and_names_it() {
    let directory = tempfile::tempdir().unwrap();
    memory_run(60, "a server").write(&directory.path().join("result.json")).unwrap();
    let output = Command::new(PROGRAM).arg("report").arg(directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = directory.path().join("report.html");
    assert_eq!(text(&output.stdout).trim(), written.to_str().unwrap());
    assert!(std::fs::read_to_string(written).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_run_is_shown_beside_a_baseline_and_its_flamegraphs() {
    let directory = tempfile::tempdir().unwrap();
    let [before, after] = ["before", "after"].map(|name| directory.path().join(name));
    for (path, hour) in [(&before, 11), (&after, 12)] {
        std::fs::create_dir_all(path.join("flamegraphs")).unwrap();
        let mut file = memory_run(600, "a server");
        file.created_utc = format!("2026-11-24T{hour}:00:00Z");
        file.write(&path.join("result.json")).unwrap();
    }
    std::fs::write(after.join("flamegraphs/key_analysis.svg"), "<svg/>").unwrap();
    let output =
        Command::new(PROGRAM).arg("report").arg(&after).arg("--baseline").arg(&before).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let html = std::fs::read_to_string(after.join("report.html")).unwrap();
    for part in [
        "Figures side by side",
        "memory/steady load/key_analysis",
        "1.00",
        "title=\"flamegraph of key_analysis\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let output =
        Command::new(PROGRAM).arg("report").arg(&after).args(["--baseline", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("not compared with 'nowhere': there is no record")
    );
    // A report is written all the same.
    let html = std::fs::read_to_string(after.join("report.html")).unwrap();
    assert!(html.contains("Not comparable") && html.contains("nowhere"));
}

#[test]
fn a_file_that_is_no_result_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result.json");
    for text in ["", "{", "[]"] {
        std::fs::write(&path, text).unwrap();
        let output = Command::new(PROGRAM).arg("report").arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stderr).contains("result.json"));
    }
    let absent = Command::new(PROGRAM).arg("report").arg(directory.path().join("typo")).output().unwrap();
    assert_eq!(absent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("there is no run '"));
}

#[test]
fn a_run_leaves_a_report_beside_its_result() {
    let bench = run::Bench::new(&["tools", "--duration", "1"]);
    bench.command().output().unwrap();
    let html = std::fs::read_to_string(bench.path().with_file_name("report.html")).unwrap();
    assert_eq!(first_line(&html), first_line(&page(&bench.result())));
}
