//! The page in a real browser: all of it is there, it complains of nothing, and runs nothing of the server's.

use music21_mcp_load::report::html::{self, Flamegraph};

use super::report::memory_run;
use super::sections::everything;
use super::{chromium, hostile, page};

fn in_chromium(html: &str) -> Option<(String, Vec<String>)> {
    chromium::in_chromium("page.html", html)
}

#[test]
fn a_browser_shows_all_of_it_without_complaint() {
    let html = page(&everything());
    let Some((dom, console)) = in_chromium(&html) else {
        return;
    };
    assert!(console.is_empty(), "{console:?}");
    for part in ["<figure", "<h1>", "<section", "<main", "role=\"img\"", "<details", "<tr>"] {
        let count = dom.matches(part).count();
        assert!(count > 0 && count == html.matches(part).count(), "{count} of {part}");
    }
}

#[test]
fn a_browser_runs_nothing_of_what_a_server_says() {
    let Some((dom, console)) = in_chromium(&page(&hostile())) else {
        return;
    };
    assert!(console.is_empty(), "{console:?}");
    assert!(!dom.contains("<script") && !dom.contains("<img"));
}

#[test]
fn a_flamegraph_runs_its_scripts_in_a_frame_of_its_own() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>console.log('zoom ' + (window.origin == 'null'))</script></svg>";
    let flamegraphs = vec![Flamegraph { name: "server <b>".into(), svg: svg.into() }];
    let html = html::page(&memory_run(60, "s"), &flamegraphs.into());
    let Some((dom, console)) = in_chromium(&html) else {
        return;
    };
    assert!(dom.contains("server &lt;b&gt;"));
    assert!(console.len() == 1 && console[0].contains("zoom true"), "{console:?}");
}

#[test]
fn a_browser_that_is_asked_to_fetch_something_complains() {
    let fetching = page(&memory_run(60, "s")).replace("<main>", "<main><img src='http://127.0.0.1:9/x.png'>");
    let Some((_, console)) = in_chromium(&fetching) else {
        return;
    };
    assert!(!console.is_empty(), "the tests above would notice");
}
