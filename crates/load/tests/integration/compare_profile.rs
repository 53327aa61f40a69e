//! Which function changed: `ab --profile` on servers that differ in one, and `report --baseline` on runs with profiles.

use std::path::Path;
use std::process::{Command, Output};

use music21_mcp_load::result::StageProfile;

use crate::report::memory_run;
use crate::skip::skip;

/// Compares the test server with one whose `sort` works twenty times as much.
fn ab(arguments: &[&str], directory: &Path) -> Output {
    let server = concat!("python3 ", env!("CARGO_MANIFEST_DIR"), "/../../tests/servers/slowed.py");
    Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"))
        .args(["ab", "--slot", "2ms", "--rounds", "2", "--entry", "list_scores", "--profile"])
        .args(["--baseline-server", server, "--server", &format!("SLOWED=20 {server}")])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_function_that_was_slowed_is_the_first_row_and_red() {
    if !Command::new("py-spy").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return skip("no-py-spy", "PyPI's py-spy, on the PATH");
    }
    let directory = tempfile::tempdir().unwrap();
    let output = ab(&["--format", "json", "--out", "ab.md"], directory.path());
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let refused =
        json["notes"].as_array().unwrap().iter().find(|note| note.to_string().contains("py-spy gave up"));
    if let Some(refused) = refused {
        return skip("py-spy-refused", &refused.to_string());
    }
    let profile = &json["profile"];
    let first = &profile["rows"][0];
    assert_eq!(first["function"], "sort (servers/slowed.py)", "{json:#}");
    assert!(first["own_ns"][1].as_f64() > first["own_ns"][0].as_f64(), "{first}");
    assert_eq!(profile["sampler"], "py-spy");
    let svg = std::fs::read_to_string(directory.path().join("flamegraphs/differential.svg")).unwrap();
    let sort = svg.split("data-n=\"sort (servers/slowed.py)\"").nth(1).expect("its frame");
    let fill = sort.split("fill=\"").nth(1).unwrap();
    assert!(fill.starts_with("hsl(8,95%,62%)"), "the largest change is the deepest red: {fill:.40}");
    let markdown = std::fs::read_to_string(directory.path().join("ab.md")).unwrap();
    assert!(markdown.contains("\n| sort (servers/slowed.py) |"), "{markdown}");
}

#[test]
fn servers_that_cannot_be_sampled_are_judged_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_music21-mcp-bench");
    let output = Command::new(program)
        .args([
            "ab",
            "--slot",
            "2ms",
            "--rounds",
            "2",
            "--entry",
            "list_scores",
            "--server",
            "embedded",
            "--profile",
        ])
        .current_dir(directory.path())
        .env("PATH", directory.path())
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert!(shown.contains("note: not profiled: baseline: perf is not on PATH; install"), "{shown}");
    assert!(shown.contains("\nlist_scores  wall"), "{shown}");
    assert!(!directory.path().join("flamegraphs/differential.svg").exists());
}

/// A run of `memory` whose server was sampled, as it is on disk.
fn sampled_run(path: &Path, hour: u32, folded: &str, profile: Option<StageProfile>) {
    std::fs::create_dir_all(path.join("flamegraphs")).unwrap();
    std::fs::write(path.join("flamegraphs/stacks.folded"), folded).unwrap();
    let mut file = memory_run(600, "a server");
    file.created_utc = format!("2026-11-24T{hour}:00:00Z");
    file.scenarios[0].stages[0].profile = profile;
    file.write(&path.join("result.json")).unwrap();
}

fn profile(sampler: &str, calls: f64) -> Option<StageProfile> {
    let (sampler, folded) = (sampler.to_owned(), "stacks.folded".to_owned());
    Some(StageProfile { sampler, calls, period_ns: 20_000_000, folded })
}

/// The page of a run beside a baseline of these profiles.
fn page(profiles: [Option<StageProfile>; 2]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let [before, after] = ["before", "after"].map(|name| directory.path().join(name));
    let [of_before, of_after] = profiles;
    sampled_run(&before, 11, "serve (a.py);slow (a.py) 1000000\nserve (a.py);same (a.py) 4000000", of_before);
    sampled_run(&after, 12, "serve (a.py);slow (a.py) 6000000\nserve (a.py);same (a.py) 2000000", of_after);
    let output = Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"))
        .arg("report")
        .arg(&after)
        .arg("--baseline")
        .arg(&before)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::fs::read_to_string(after.join("report.html")).unwrap()
}

#[test]
fn a_report_beside_a_baseline_shows_which_functions_changed_in_a_stage() {
    let html = page([profile("py-spy", 200.0), profile("py-spy", 100.0)]);
    let (_, section) = html.split_once("What changed in the profile").expect("its section");
    let (_, body) = section.split_once("<tbody>").unwrap();
    let (body, after) = body.split_once("</tbody>").unwrap();
    assert_eq!(body.matches("<tr").count(), 1, "20 ms a call on both sides is no change: {body}");
    for part in ["slow (a.py)", "5.00 ms", "60.0 ms", "+55.0 ms"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(after.contains("title=\"flamegraph of memory · steady load, what changed\""));
    assert!(html.contains("frame-src data:"), "its frame is let in");
}

#[test]
fn a_report_says_which_run_lacks_a_profile_and_how_to_make_it() {
    for (profiles, line) in [
        (
            [None, profile("py-spy", 1.0)],
            "the baseline has no profile: make it with ‘run memory --profile --out DIR’",
        ),
        ([profile("py-spy", 1.0), None], "this run has no profile: make it with"),
        (
            [profile("py-spy", 1.0), profile("perf", 1.0)],
            "the baseline was sampled by py-spy, this run by perf: they do not compare",
        ),
    ] {
        let html = page(profiles);
        assert!(html.contains(line), "{line}");
    }
    assert!(!page([None, None]).contains("What changed in the profile"));
}
