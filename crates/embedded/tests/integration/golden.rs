//! The embedded analysis against music21's answers, as `scripts/golden.py` writes them.
//!
//! The committed answers are always compared. Where `$MUSIC21_PYTHON` (default `python3`) has
//! music21, the works listed in `tests/golden/works.txt` are compared too; else that test says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use music21_mcp_score::{OrchestraSpec, ReadLimits, generate, read_file};

use crate::compare::{Agreement, compare_work};
use crate::skip::skip;

const BUNDLED: [&str; 4] = [
    "johnson_j_r/lift_every_voice",
    "liliuokalani/aloha_oe",
    "lusitano/allor_che_ignuda",
    "weber/concertino_clarinet",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn compare_file(score: &Path, golden: &Path, agreement: &mut Agreement) {
    let score = read_file(score, &ReadLimits::default()).unwrap();
    let golden = serde_json::from_slice(&fs::read(golden).unwrap()).unwrap();
    compare_work(&score, &golden, agreement);
}

#[test]
fn bundled_works_agree_with_music21() {
    let mut agreement = Agreement::default();
    for work in BUNDLED {
        agreement.work = work.to_owned();
        let golden = format!("tests/golden/{}.json", work.replace('/', "_"));
        compare_file(&root().join(format!("corpus/{work}.mxl")), &root().join(golden), &mut agreement);
    }
    agreement.report();
    agreement.assert_bounds();
}

/// A small score for each kind of thing that scores of the field hold and that was once read otherwise.
#[test]
fn each_kind_of_score_agrees_with_music21() {
    let mut agreement = Agreement::default();
    let mut kinds: Vec<_> =
        fs::read_dir(root().join("tests/kinds")).unwrap().map(|e| e.unwrap().path()).collect();
    kinds.retain(|path| path.extension().is_none_or(|extension| extension != "json"));
    kinds.sort();
    for path in kinds {
        agreement.work = path.file_stem().unwrap().to_string_lossy().into_owned();
        compare_file(&path, &path.with_extension("json"), &mut agreement);
    }
    agreement.report();
    agreement.assert_all();
}

/// Parts, measures and seed; `music21-mcp-bench generate` writes the scores that music21 was asked about.
const GENERATED: [(u32, u32, u64); 3] = [(5, 20, 1), (12, 50, 2), (20, 100, 7)];

#[test]
fn generated_scores_agree_with_music21() {
    let mut agreement = Agreement::default();
    for (parts, measures, seed) in GENERATED {
        agreement.work = format!("generated_{parts}x{measures}_{seed}");
        let golden = fs::read(root().join(format!("tests/golden/{}.json", agreement.work))).unwrap();
        let spec = OrchestraSpec::new(parts, measures, seed).unwrap();
        compare_work(&generate(&spec), &serde_json::from_slice(&golden).unwrap(), &mut agreement);
    }
    agreement.report();
    agreement.assert_bounds();
}

/// Where an installed music21 has its corpus.
fn located_corpus(python: &str) -> Option<PathBuf> {
    let locate = "import music21, pathlib; print(pathlib.Path(music21.__file__).parent / 'corpus')";
    let located = Command::new(python).args(["-c", locate]).output();
    let located = located.ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8(located.stdout).unwrap().trim()))
}

#[test]
fn ninety_corpus_works_agree_with_music21() {
    let python = std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Some(corpus) = located_corpus(&python) else {
        return skip("no-music21", "PyPI's music21; MUSIC21_PYTHON names an interpreter that has it");
    };
    let works: Vec<_> = include_str!("../golden/works.txt").lines().collect();
    assert_eq!(works.len(), 90);

    let golden = tempfile::tempdir().unwrap();
    ask_music21(&python, &works, golden.path());
    let mut agreement = Agreement::default();
    for work in works {
        agreement.work = work.to_owned();
        let stem = work.rsplit_once('.').unwrap().0.replace('/', "_");
        let answers = golden.path().join(format!("{stem}.json"));
        compare_file(&corpus.join(work), &answers, &mut agreement);
    }
    agreement.report();
    agreement.assert_bounds();
}

/// All MusicXML of an installed music21's corpus, 654 works; music21 takes an hour over them, so that this is
/// asked for only. `MUSIC21_EVERY_WORK` names a folder where its answers are kept, or already lie.
#[test]
fn every_work_of_the_corpus_agrees_with_music21_but_for_known_reasons() {
    let Some(answers) = std::env::var_os("MUSIC21_EVERY_WORK").map(PathBuf::from) else {
        return skip("no-folder-of-answers", "MUSIC21_EVERY_WORK names no folder");
    };
    let python = std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let corpus = located_corpus(&python).expect("the interpreter has music21");
    let mut works = Vec::new();
    documents(&corpus, &corpus, &mut works);
    works.sort();
    let answer =
        |work: &str| answers.join(format!("{}.json", work.rsplit_once('.').unwrap().0.replace('/', "_")));
    let missing: Vec<&str> = works.iter().map(String::as_str).filter(|work| !answer(work).exists()).collect();
    ask_music21(&python, &missing, &answers);
    let mut agreement = Agreement::default();
    for work in &works {
        agreement.work.clone_from(work);
        compare_file(&corpus.join(work), &answer(work), &mut agreement);
    }
    eprintln!("{} works", works.len());
    agreement.report();
    let known = include_str!("../golden/disagreements.txt");
    agreement.assert_known(known.lines().filter_map(|line| line.split_once(": ")).map(|(work, _)| work));
}

/// The MusicXML below a folder, as paths from `root`.
fn documents(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            documents(root, &path, found);
        } else if path.extension().is_some_and(|e| e == "mxl" || e == "xml" || e == "musicxml") {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// Two processes at a time: music21 uses one core.
fn ask_music21(python: &str, works: &[&str], out: &Path) {
    if works.is_empty() {
        return;
    }
    let halves: [Vec<&str>; 2] = [0, 1].map(|half| works.iter().skip(half).step_by(2).copied().collect());
    let children = halves.map(|half| {
        Command::new(python).arg(root().join("../../scripts/golden.py")).arg(out).args(half).spawn().unwrap()
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}
