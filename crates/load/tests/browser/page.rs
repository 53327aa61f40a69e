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
    assert!(dom.matches("<script").count() == 1 && !dom.contains("<img"), "the page's own alone");
}

/// Writes down what the first chart reads out, for keys and at the pointer.
const READER: &str = "
  const figure = document.querySelector('figure:has(.readout)');
  const [frame, svg, readout] = ['.scroll', 'svg[data-left]', '.readout'].map((part) => figure.querySelector(part));
  const note = (what) => document.body.append(Object.assign(document.createElement('output'), { id: what, textContent: readout.textContent }));
  for (const key of ['Home', 'ArrowRight', 'End']) {
    frame.dispatchEvent(new KeyboardEvent('keydown', { key }));
    note(key);
  }
  frame.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home' }));
  const box = svg.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.right, clientY: box.top }));
  note('pointer');
";

#[test]
fn a_chart_reads_out_where_the_keys_went_and_what_is_pointed_at() {
    let html = page(&memory_run(60, "s"));
    let (before, rest) = html.split_once("script-src 'sha256-").unwrap();
    let (digest, after) = rest.split_once('\'').unwrap();
    assert_eq!(digest.len(), 44, "the page's script is named by its digest");
    let after = after.replace("</body>", &format!("<script>{READER}</script></body>"));
    let Some((dom, console)) = in_chromium(&format!("{before}script-src 'unsafe-inline'{after}")) else {
        return;
    };
    assert!(console.is_empty(), "{console:?}");
    let said = |what: &str| {
        let (_, rest) = dom.split_once(&format!("<output id=\"{what}\">")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    let [home, right, end] = ["Home", "ArrowRight", "End"].map(said);
    assert!(home.starts_with("second 0") && home.contains(" · "), "{home}");
    assert!(home != right && right != end, "{home}; {right}; {end}");
    assert_eq!(said("pointer"), end);
}

/// Complains of each two texts of a chart that cover each other, and of each that is cut off.
const OVERLAPS: &str = "
  for (const details of document.querySelectorAll('details')) details.open = true;
  let seen = 0;
  for (const svg of document.querySelectorAll('figure svg[data-left]')) {
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
    for (const [at, [one, a]] of texts.entries()) {
      seen += 1;
      if (a.left < box.left - 1 || a.right > box.right + 1) console.error(`cut: ${one}`);
      for (const [other, b] of texts.slice(at + 1)) {
        const [wide, high] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
        if (wide > 1 && high > 3) console.error(`${one} covers ${other}`);
      }
    }
  }
  document.body.append(Object.assign(document.createElement('output'), { id: 'texts', textContent: seen }));
";

#[test]
fn no_label_of_a_chart_covers_another() {
    for file in [memory_run(600, "s"), memory_run(60, "s"), everything()] {
        let html = page(&file);
        let (before, rest) = html.split_once("script-src 'sha256-").unwrap();
        let (_, after) = rest.split_once('\'').unwrap();
        let after = after.replace("</body>", &format!("<script>{OVERLAPS}</script></body>"));
        let Some((dom, console)) = in_chromium(&format!("{before}script-src 'unsafe-inline'{after}")) else {
            return;
        };
        assert!(console.is_empty(), "{console:#?}");
        let (_, seen) = dom.split_once("<output id=\"texts\">").unwrap();
        let seen: u32 = seen.split_once('<').unwrap().0.parse().unwrap();
        assert!(seen > 50, "{seen} texts");
    }
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
