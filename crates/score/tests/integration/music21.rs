//! music21's reading of scores against ours, through the committed script `scripts/check_scores.py`.
//!
//! Runs `$MUSIC21_PYTHON` (default `python3`). Without music21 the tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use music21_mcp_score::{
    NoteFlags, OrchestraSpec, Part, ReadLimits, Score, generate, read, read_file, write, write_mxl,
};
use serde_json::{Value, json};

use crate::skip::skip;

fn python() -> String {
    std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether the interpreter has the modules; says so if not.
fn has_modules(modules: &[&str]) -> bool {
    let program = format!("import {}", modules.join(", "));
    let found =
        Command::new(python()).args(["-c", &program]).output().is_ok_and(|output| output.status.success());
    if !found {
        skip("no-music21", &format!("PyPI's {modules:?}; MUSIC21_PYTHON names an interpreter that has them"));
    }
    found
}

/// The script's answer for each file.
fn music21_facts(files: &[PathBuf], validate: bool) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check_scores.py");
    let mut command = Command::new(python());
    command.arg(script);
    if validate {
        command.arg("--xsd");
    }
    let output = command.args(files).output().expect("the interpreter was found before");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

fn fraction(numerator: i128, denominator: i128) -> String {
    let (mut a, mut b) = (numerator.abs(), denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let (numerator, denominator) = (numerator / a.max(1), denominator / a.max(1));
    if denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") }
}

fn part_facts(part: &Part, divisions: u32) -> Value {
    let notes = &part.notes;
    let (mut onsets, mut durations, mut pitched) = (0_i128, 0_i128, 0_i128);
    let mut ties = [0; 3];
    for row in (0..notes.len()).filter(|&row| !notes.flags[row].has(NoteFlags::REST)) {
        onsets += i128::from(notes.onset[row]);
        durations += i128::from(notes.duration[row]);
        pitched += i128::from(notes.onset[row]) * i128::from(notes.pitch[row].midi());
        match [NoteFlags::TIE_START, NoteFlags::TIE_STOP].map(|tie| notes.flags[row].has(tie)) {
            [true, false] => ties[0] += 1,
            [true, true] => ties[1] += 1,
            [false, true] => ties[2] += 1,
            [false, false] => {}
        }
    }
    let quarters = |ticks| fraction(ticks, i128::from(divisions));
    json!({
        "measures": part.measures.len(),
        "last": quarters(part.measures.last().map_or(0, |measure| measure.start.into())),
        "onsets": quarters(onsets),
        "durations": quarters(durations),
        "pitched": quarters(pitched),
        "ties": ties,
    })
}

fn facts(score: &Score) -> Value {
    let parts: Vec<Value> = score.parts.iter().map(|part| part_facts(part, score.divisions)).collect();
    json!({ "notes": score.note_count(), "parts": parts })
}

/// What differs between the two readings, or nothing.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    for field in ["notes", "parts"] {
        if ours[field] != theirs[field] {
            return Some(format!(
                "{}: {field}\n  ours   {}\n  theirs {}",
                theirs["file"], ours[field], theirs[field]
            ));
        }
    }
    None
}

/// Generated scores up to 20x100 and odd sizes, written to a folder.
fn written_scores(folder: &Path) -> Vec<(PathBuf, Score)> {
    let sizes = [(1, 1, 1), (3, 7, 2), (40, 20, 3), (20, 100, 7), (9, 40, 4), (13, 30, 5)];
    let written = sizes.map(|(parts, measures, seed)| {
        let spec = OrchestraSpec::new(parts, measures, seed).expect("the sizes are in range");
        let score = generate(&spec);
        let path = folder.join(format!("{parts}x{measures}.musicxml"));
        write(&score, &mut fs::File::create(&path).expect("a temporary file")).expect("room for it");
        (path, score)
    });
    written.into()
}

#[test]
fn generated_scores_are_valid_and_music21_counts_what_was_generated() {
    if !has_modules(&["music21", "musicxml", "xmlschema"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = written_scores(folder.path());
    let files: Vec<PathBuf> = written.iter().map(|(path, _)| path.clone()).collect();
    let theirs = music21_facts(&files, true);
    assert_eq!(theirs.len(), files.len());
    for (theirs, (path, score)) in theirs.iter().zip(&written) {
        assert_eq!(theirs["invalid"], Value::Null, "{} is not valid MusicXML 4.0", path.display());
        assert_eq!(difference(&facts(score), theirs), None);
    }
}

#[test]
fn music21_reads_a_compressed_score_as_the_uncompressed_one() {
    if !has_modules(&["music21"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let score = generate(&OrchestraSpec::new(3, 9, 1).expect("the sizes are in range"));
    let path = folder.path().join("score.mxl");
    write_mxl(&score, fs::File::create(&path).expect("a temporary file")).expect("room for it");
    let theirs = music21_facts(std::slice::from_ref(&path), false);
    assert_eq!(difference(&facts(&score), &theirs[0]), None);
    assert!(read_file(&path, &ReadLimits::default()).is_ok_and(|read| read == score));
}

/// What became of a score that was written and read, if it is not the same.
fn round_trip_difference(score: &Score) -> Option<String> {
    let mut document = Vec::new();
    write(score, &mut document).expect("memory is writable");
    match read(&document, &ReadLimits::default()) {
        Ok(again) if again == *score => None,
        Ok(_) => Some("changed when written and read".to_owned()),
        Err(error) => Some(format!("cannot be read when written: {error}")),
    }
}

/// Works of music21's corpus named in `MUSIC21_SCORES`, a file of paths; a long run, asked for only.
#[test]
fn listed_scores_are_read_as_music21_reads_them_and_survive_the_round_trip() {
    let Ok(list) = std::env::var("MUSIC21_SCORES") else {
        return skip("no-list-of-scores", "MUSIC21_SCORES names no file of paths");
    };
    let list = fs::read_to_string(list).expect("MUSIC21_SCORES is a file of paths");
    let files: Vec<PathBuf> = list.lines().map(PathBuf::from).collect();
    if !has_modules(&["music21"]) {
        return;
    }
    let theirs = music21_facts(&files, false);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut differences = Vec::new();
    let mut written = Vec::new();
    for (index, theirs) in theirs.iter().enumerate() {
        let file = theirs["file"].as_str().expect("the script names the file");
        match read_file(Path::new(file), &ReadLimits::default()) {
            Ok(score) => {
                differences.extend(difference(&facts(&score), theirs));
                differences.extend(round_trip_difference(&score).map(|what| format!("{file}: {what}")));
                let path = folder.path().join(format!("{index}.musicxml"));
                write(&score, &mut fs::File::create(&path).expect("a temporary file")).expect("room for it");
                written.push((path, theirs));
            }
            Err(error) => differences.push(format!("{file}: {error}")),
        }
    }
    // What was written, music21 reads as what it was written from.
    let paths: Vec<PathBuf> = written.iter().map(|(path, _)| path.clone()).collect();
    for (again, (_, theirs)) in music21_facts(&paths, false).iter().zip(&written) {
        differences.extend(difference(again, theirs).map(|what| format!("written and read again: {what}")));
    }
    eprintln!("{} of {} agree", theirs.len() - differences.len(), theirs.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
