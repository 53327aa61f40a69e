//! Links of the documents lead somewhere, scenario files load, and README stays short.

use std::path::{Path, PathBuf};

use crate::documents::{PROGRAM, ROOT, blocks, documents, read, repository, said, shell};

/// More is a manual, and belongs into docs/.
const WORDS_OF_README: usize = 1200;

/// Classes in which calls may end while their server is killed.
const LOST: [&str; 4] = ["transport_closed", "connect_error", "session_expired", "timed_out"];

/// Runs one, shortened, and says how its calls ended.
fn try_example(path: &Path, directory: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let question = text.split("\n#\n").next().unwrap();
    assert!(question.starts_with("# ") && question.ends_with('?'), "{name} begins with what it answers");
    assert!(text.contains(&format!("run examples/{name} ")), "{name} says how it is run");
    let out = directory.join(name);
    let line = format!("'{PROGRAM}' run examples/{name} --duration 2 --out '{}' --json", out.display());
    let output = shell(&line, directory);
    // Two seconds are too few for some bounds, and for a recovery; a busy machine makes a run INVALID.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", said(name, &output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let scenario = &result["scenarios"][0];
    let stages = scenario["stages"].as_array().unwrap();
    assert!(!stages.is_empty() || scenario["rate_limit"].is_object(), "{name} made no calls");
    for ended in stages.iter().map(|stage| stage["accounts"]["ended"].as_object().unwrap()) {
        // A search ends beyond what the server keeps within its objective.
        let may_be = |class: &str| {
            class == "ok"
                || text.contains("\nfault = ") && LOST.contains(&class)
                || text.contains("\nsearch = ") && class == "timed_out"
        };
        assert!(ended.contains_key("ok") && ended.keys().all(|class| may_be(class)), "{name}: {ended:?}");
    }
}

#[test]
fn every_example_loads_and_its_calls_end_well() {
    let directory = repository();
    let files = std::fs::read_dir(Path::new(ROOT).join("examples")).unwrap();
    let files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.iter().for_each(|path| try_example(path, directory.path()));
    assert!(files.len() >= 4, "{files:?}");
}

#[test]
fn the_file_that_the_reference_shows_is_the_example() {
    let shown = blocks(&read(Path::new("docs/scenarios.md")), "toml");
    assert_eq!(shown, [read(Path::new("examples/visitors.toml"))]);
}

#[test]
fn readme_is_a_page_and_no_manual() {
    let words = read(Path::new("README.md")).split_whitespace().count();
    assert!(words <= WORDS_OF_README, "{words} words");
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

fn has_anchor(text: &str, wanted: &str) -> bool {
    prose(text)
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .any(|line| anchor(line.trim_start_matches('#')) == wanted)
}

fn check_link(document: &Path, link: &str) {
    let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
    let file = match path {
        "" => Path::new(ROOT).join(document),
        path => Path::new(ROOT).join(document).parent().unwrap().join(path),
    };
    assert!(file.exists(), "{}: {link}", document.display());
    if !wanted.is_empty() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(has_anchor(&text, wanted), "{}: {link}", document.display());
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut checked = 0;
    for document in documents() {
        let text = prose(&read(&document));
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.contains("://")) {
            check_link(&document, link);
            checked += 1;
        }
    }
    assert!(checked >= 50, "{checked} links found");
}
