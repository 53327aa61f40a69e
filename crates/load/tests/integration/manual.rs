//! What is made from the command line's own definition.

use std::process::{Command, Output};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench")).args(arguments).output().unwrap()
}

fn verbs() -> Vec<String> {
    let help = String::from_utf8(program(&["--help"]).stdout).unwrap();
    let listed = help.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0.to_owned();
    let at_margin = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    listed
        .lines()
        .filter(at_margin)
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn completions_know_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let output = program(&["completions", shell]);
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: {verb}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let directory = tempfile::tempdir().unwrap();
    assert!(program(&["man", directory.path().to_str().unwrap()]).status.success());
    for verb in verbs().into_iter().filter(|verb| verb != "help") {
        let page = directory.path().join(format!("music21-mcp-bench-{verb}.1"));
        assert!(std::fs::read_to_string(&page).is_ok_and(|text| text.contains(".TH")), "{}", page.display());
    }
}

#[test]
fn every_verb_has_a_help_that_says_what_it_is_for() {
    for verb in verbs().into_iter().filter(|verb| verb != "help") {
        let output = program(&[verb.as_str(), "--help"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(
            output.status.success() && first.len() > 10 && !first.starts_with("Usage"),
            "{verb}: {first}"
        );
    }
}
