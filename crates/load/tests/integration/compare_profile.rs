//! `ab --profile`: which function changed, found in servers that differ in one.

use std::process::{Command, Output};

use crate::skip::skip;

/// Compares the test server with one whose `sort` works twenty times as much.
fn ab(arguments: &[&str], directory: &std::path::Path) -> Output {
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
