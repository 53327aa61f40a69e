//! The program's `generate`, run as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

use music21_mcp_score::{OrchestraSpec, ReadLimits, generate, read, read_file};

fn run(arguments: &[&str], folder: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_music21-mcp-bench");
    Command::new(program).args(arguments).current_dir(folder).output().expect("the program starts")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_file_an_archive_and_stdout_hold_the_same_score() {
    let folder = folder();
    let expected = generate(&OrchestraSpec::new(5, 9, 7).expect("the sizes are in range"));
    let size = ["generate", "--parts", "5", "--measures", "9", "--seed", "7", "-o"];
    for name in ["score.musicxml", "score.mxl"] {
        let output = run(&[&size[..], &[name]].concat(), folder.path());
        assert_eq!(output.status.code(), Some(0));
        // Nobody watches: no progress.
        assert!(output.stdout.is_empty());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.starts_with(&format!("wrote {name}: 5 parts of 9 measures, ")) && said.lines().count() == 1,
            "{said}"
        );
        let score = read_file(&folder.path().join(name), &ReadLimits::default()).expect("our own file");
        assert!(score == expected, "{name}");
    }
    let output = run(&[&size[..], &["-"]].concat(), folder.path());
    let score = read(&output.stdout, &ReadLimits::default()).expect("our own document");
    assert!(score == expected);
}

#[test]
fn a_preset_gives_the_size_its_name_says() {
    let folder = folder();
    let output = run(&["generate", "--preset", "20x100", "-o", "-"], folder.path());
    let score = read(&output.stdout, &ReadLimits::default()).expect("our own document");
    assert_eq!((score.parts.len(), score.parts[0].measures.len()), (20, 100));
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_is_possible() {
    let folder = folder();
    let wrong: [(&[&str], &str); 4] = [
        (&["generate", "--parts", "0", "--measures", "5", "-o", "a.xml"], "1..=1000"),
        (&["generate", "--preset", "9x9", "-o", "a.xml"], "150x500"),
        (&["generate", "--parts", "3", "-o", "a.xml"], "--measures"),
        (&["generate", "--preset", "20x100"], "--output"),
    ];
    for (arguments, expected) in wrong {
        let output = run(arguments, folder.path());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn a_path_that_cannot_be_written_exits_with_4_and_is_named() {
    let folder = folder();
    let output = run(&["generate", "--preset", "20x100", "-o", "no/such/score.xml"], folder.path());
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains("no/such/score.xml") && message.lines().count() == 1, "{message}");
}
