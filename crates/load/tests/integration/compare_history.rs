//! `history` as a user runs it, on records made of Criterion's files.

use std::fs;
use std::process::{Command, Output};

use serde_json::json;

fn run(directory: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("CRITERION_HOME")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("MUSIC21_MCP_SERVER")
        .output()
        .unwrap()
}

#[test]
fn records_are_listed_over_time_and_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("target/criterion/tools/key/new");
    fs::create_dir_all(&folder).unwrap();
    for (record, ns) in [("a", 2e6), ("b", 3e6)] {
        let id = json!({ "full_id": "tools/key", "throughput": null });
        fs::write(folder.join("benchmark.json"), id.to_string()).unwrap();
        fs::write(folder.join("estimates.json"), "{}").unwrap();
        fs::write(folder.join("tukey.json"), "[]").unwrap();
        let sample = json!({ "iters": [1.0, 2.0], "times": [ns, 2.0 * ns] });
        fs::write(folder.join("sample.json"), sample.to_string()).unwrap();
        assert!(run(directory.path(), &["baseline", "save", record]).status.success());
    }
    let output = run(directory.path(), &["history", "embedded", "--svg", "h.svg"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        "embedded: 2 records, a to b\ntools/key  2.00 ms to 3.00 ms (+50.0 %); 2 of 30 points for change points\n"
    );
    let svg = fs::read_to_string(directory.path().join("h.svg")).unwrap();
    assert!(svg.contains(">tools/key</text>") && svg.contains("<polyline"), "{svg}");

    let unknown = run(directory.path(), &["history", "other"]);
    assert_eq!(unknown.status.code(), Some(2));
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        told.contains("no record of target 'other' in 'baselines'; there are records of embedded"),
        "{told}"
    );
}
