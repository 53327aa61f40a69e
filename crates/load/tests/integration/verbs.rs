//! What each verb prints on a terminal of 60 and of 120 columns, and in a pipe.
//!
//! Of `run`, `ab`, `audit`, `merge` and `record` there is what they say without having measured: their figures differ each
//! time, and their tables have snapshots of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::run::{PROGRAM, text};
use crate::skip::skip;

/// Verbs whose words are the same each time.
const VERBS: [&str; 21] = [
    "list",
    "explain sessions",
    "baseline list --dir records",
    "baseline show embedded-load-quiet-2026-11-24 --dir records",
    "baseline verify --dir records",
    "history embedded --dir records",
    "history embedded --dir records --svg history.svg",
    "compare embedded-2core-2026-11-24 embedded-quiet-2026-11-24 --dir records",
    "compare embedded-2core-2026-11-24 nosuch --dir records",
    "report old/result.json",
    "merge --out merged old/result.json",
    "generate --parts 2 --measures 3 -o score.musicxml",
    "init --server embedded -o mine.toml",
    "man pages",
    "run nosuch",
    "record --out recorded.toml -- true",
    "ab --entry nosuch --server embedded",
    "audit nosuch",
    "completions nosuch",
    "serve --fault nosuch",
    "null-server --nosuch",
];

/// A directory with records and a result.
fn workshop() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let records =
        ["embedded-2core-2026-11-24", "embedded-quiet-2026-11-24", "embedded-load-quiet-2026-11-24"];
    for (name, from) in [("records", root.join("../../baselines")), ("old", root.join("tests/fixtures"))] {
        let to = directory.path().join(name);
        std::fs::create_dir(&to).unwrap();
        if name == "old" {
            std::fs::copy(from.join("result-v1.json"), to.join("result.json")).unwrap();
            continue;
        }
        for record in records.map(|record| format!("{record}.json")) {
            std::fs::copy(from.join(&record), to.join(record)).unwrap();
        }
    }
    directory
}

/// What a terminal of that many columns is sent, or a pipe; `None` where there is no `script`.
fn shown(verb: &str, columns: Option<usize>, directory: &Path) -> Option<String> {
    let line = format!("'{PROGRAM}' {verb} 2>&1; echo \"(exit $?)\"");
    let mut command = match columns {
        Some(columns) => {
            let mut command = Command::new("script");
            command.args(["-qec", &format!("stty cols {columns}; {line}"), "/dev/null"]);
            command
        }
        None => {
            let mut command = Command::new("sh");
            command.args(["-c", &line]);
            command
        }
    };
    let output = command
        .current_dir(directory)
        .envs([("NO_COLOR", "1"), ("TERM", "xterm"), ("SHELL", "/bin/sh")])
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(text(&output.stdout).replace('\r', "")),
        Err(_) => {
            skip("no-script", "Debian's package bsdutils");
            None
        }
    }
}

#[test]
fn every_verb_reads_well_on_narrow_and_wide_terminals_and_in_a_pipe() {
    for (name, columns) in [("60", Some(60)), ("120", Some(120)), ("pipe", None)] {
        let directory = workshop();
        let mut all = String::new();
        for verb in VERBS {
            let Some(shown) = shown(verb, columns, directory.path()) else { return };
            all += &format!("== {verb}\n{shown}\n");
        }
        insta::assert_snapshot!(format!("verbs-{name}"), all);
    }
}

#[test]
fn what_differs_each_time_fits_a_narrow_terminal() {
    let directory = workshop();
    for verb in ["audit histogram --quick", "run cleanup --quick --quiet --out run"] {
        let Some(shown) = shown(verb, Some(60), directory.path()) else { return };
        assert!(shown.contains("(exit 0)"), "{shown}");
        // A line of a stage may take two.
        let most = if verb.starts_with("run") { 120 } else { 60 };
        let too_long = shown.lines().find(|line| line.chars().count() > most);
        assert_eq!(too_long, None, "{verb}: {shown}");
    }
}
