//! The documents, and a place in which what they print can be run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(crate) fn documents() -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "baselines/README.md"].map(PathBuf::from).into();
    let docs =
        std::fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut docs: Vec<PathBuf> = docs.map(|name| Path::new("docs").join(name)).collect();
    docs.retain(|path| path.extension().is_some_and(|end| end == "md"));
    docs.sort();
    names.extend(docs);
    names
}

pub(crate) fn read(document: &Path) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(document)).unwrap()
}

/// The fenced blocks of one language.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The repository but for what is built and what the commands write.
pub(crate) fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(ROOT).unwrap().map(Result::unwrap) {
        if !["target", "results", "baselines"].contains(&entry.file_name().to_str().unwrap()) {
            symlink(entry.path(), directory.path().join(entry.file_name())).unwrap();
        }
    }
    let baselines = directory.path().join("baselines");
    std::fs::create_dir(&baselines).unwrap();
    for entry in std::fs::read_dir(Path::new(ROOT).join("baselines")).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), baselines.join(entry.file_name())).unwrap();
    }
    directory
}

pub(crate) fn shell(line: &str, directory: &Path) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(directory).env("MUSIC21_BENCH_DURATION", "1");
    // .ci/timed sets it for tests; cargo would build everything anew for it.
    command.env_remove("RUSTC_BOOTSTRAP").output().unwrap()
}

/// A command, what it was run as, and what it said.
pub(crate) fn said(line: &str, output: &Output) -> String {
    format!("{line}\n{:?}\n{}", output.status.code(), String::from_utf8_lossy(&output.stderr))
}
