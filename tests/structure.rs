//! Rules of the code itself that no type can hold.

use std::path::{Path, PathBuf};

fn sources(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut next = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "{directory}");
    found
}

/// Files of `directory` that hold one of `words`, and the word.
fn naming(directory: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources(directory) {
        let text = std::fs::read_to_string(&path).unwrap();
        let here = words.iter().filter(|word| text.contains(**word));
        found.extend(here.map(|word| format!("{}: {word}", path.display())));
    }
    found
}

/// A step of the wall clock, by an hour or by a leap second, then changes no figure.
#[test]
fn what_measures_names_no_wall_clock() {
    for room in
        ["src/load", "src/measure", "src/client", "src/scenario", "src/pair/measure.rs", "src/pair/round.rs"]
    {
        let found = naming(room, &["SystemTime", "UNIX_EPOCH"]);
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// Time is data there: the same samples give the same figures, anywhere.
#[test]
fn figures_and_verdicts_read_no_clock_no_file_and_no_network() {
    for room in ["src/measure", "src/compare"] {
        let found = naming(room, &["std::fs", "std::net", "Instant", "tokio::net", "std::process"]);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn rooms_below_know_nothing_of_those_above() {
    let rules: [(&str, &[&str]); 5] = [
        (
            "src/score",
            &["crate::client", "crate::load", "crate::target", "crate::embedded", "crate::scenario"],
        ),
        (
            "src/measure",
            &["crate::client", "crate::load", "crate::target", "crate::record", "crate::scenario"],
        ),
        ("src/client", &["crate::load", "crate::target", "crate::scenario", "crate::embedded::"]),
        ("src/load", &["crate::scenario", "crate::record", "crate::compare", "crate::cli::"]),
        (
            "src/compare",
            &["crate::client", "crate::load", "crate::scenario", "crate::cli::", "crate::target"],
        ),
    ];
    for (room, above) in rules {
        let found = naming(room, above);
        assert!(found.is_empty(), "{found:#?}");
    }
}
