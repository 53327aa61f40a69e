//! The page in a real browser: all of it is there, it complains of nothing, and runs nothing of the server's.

use std::path::Path;
use std::process::Command;

use music21_mcp_bench::report::html::{self, Extras, Flamegraph};

use super::report::memory_run;
use super::run::text;
use super::sections::everything;
use super::{hostile, page};

/// The page after a browser has read it, and what it complained of; `None` where there is no browser.
fn in_chromium(test: &str, html: &str) -> Option<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("page.html");
    std::fs::write(&path, html).unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .arg(url(&path))
        .output();
    match output {
        Ok(output) => Some((text(&output.stdout), text(&output.stderr))),
        Err(_) => {
            eprintln!("skipped: {test} needs 'chromium' on the PATH");
            None
        }
    }
}

fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[test]
fn a_browser_shows_all_of_it_without_complaint() {
    let html = page(&everything());
    let Some((dom, log)) = in_chromium("a_browser_shows_all_of_it_without_complaint", &html) else {
        return;
    };
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    for part in ["<figure", "<h1>", "<section", "<main", "role=\"img\"", "<details", "<tr>"] {
        let count = dom.matches(part).count();
        assert!(count > 0 && count == html.matches(part).count(), "{count} of {part}");
    }
}

#[test]
fn a_browser_runs_nothing_of_what_a_server_says() {
    let Some((dom, log)) = in_chromium("a_browser_runs_nothing_of_what_a_server_says", &page(&hostile()))
    else {
        return;
    };
    assert!(!log.contains("CONSOLE"), "{log}");
    assert!(!dom.contains("<script") && !dom.contains("<img"));
}

#[test]
fn a_flamegraph_runs_its_scripts_in_a_frame_of_its_own() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>console.log('zoom ' + (window.origin == 'null'))</script></svg>";
    let flamegraphs = vec![Flamegraph { name: "server <b>".into(), svg: svg.into() }];
    let html = html::page(&memory_run(60, "s"), &Extras { flamegraphs, ..Extras::default() });
    let Some((dom, log)) = in_chromium("a_flamegraph_runs_its_scripts_in_a_frame_of_its_own", &html) else {
        return;
    };
    assert!(dom.contains("server &lt;b&gt;"));
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(lines.len() == 1 && lines[0].contains("zoom true"), "{lines:?}");
}

#[test]
fn a_browser_that_is_asked_to_fetch_something_complains() {
    let fetching = page(&memory_run(60, "s")).replace("<main>", "<main><img src='http://127.0.0.1:9/x.png'>");
    let Some((_, log)) = in_chromium("a_browser_that_is_asked_to_fetch_something_complains", &fetching)
    else {
        return;
    };
    assert!(log.contains("CONSOLE"), "the two tests above would notice: {log}");
}
