//! In CI a skipped test fails, unless its reason is on the list; and the list holds nothing but such reasons.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip::{ALLOWED, is_allowed, skip};

/// All Rust files of the tests and of the crates.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut next = vec![PathBuf::from("tests"), PathBuf::from("crates")];
    while let Some(path) = next.pop() {
        if path.is_dir() {
            next.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Reasons that tests give: the first argument of `skip`.
fn reasons() -> Vec<String> {
    let texts = sources().into_iter().filter(|path| path != Path::new(file!())).map(std::fs::read_to_string);
    let of_a_file = |text: String| {
        let calls = text.split("skip(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        calls.collect::<Vec<_>>()
    };
    texts.flat_map(|text| of_a_file(text.unwrap())).collect()
}

#[test]
fn every_line_of_the_list_is_a_reason_that_some_test_gives_and_says_why() {
    let given = reasons();
    assert!(given.len() > 10, "{given:?}");
    for line in ALLOWED.lines().filter(|line| !line.starts_with('#')) {
        let (id, why) = line.split_once(": ").unwrap_or_else(|| panic!("no reason in '{line}'"));
        assert!(given.iter().any(|reason| reason == id), "no test is skipped for '{id}'");
        assert!(why.len() > 20, "{line}");
    }
}

#[test]
fn only_what_no_package_can_change_is_allowed() {
    assert!(is_allowed("perf-refused"));
    // Neither a program that .ci/run installs, nor a word that only begins like a reason of the list.
    for reason in ["no-music21", "no-chromium", "perf", "", "# Reasons"] {
        assert!(!is_allowed(reason), "{reason}");
    }
}

/// Makes the test below do what one does that cannot run here.
const SKIPPING: &str = "MUSIC21_SKIPPING_TEST";

#[test]
fn a_skip_passes_at_home_and_fails_in_ci_with_its_reason() {
    if std::env::var_os(SKIPPING).is_some() {
        return skip("no-such-program", "a package");
    }
    let run = |ci: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "skips::a_skip_passes_at_home_and_fails_in_ci_with_its_reason"]);
        command.arg("--show-output").env(SKIPPING, "1").env_remove("CI").envs(ci.map(|value| ("CI", value)));
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (passed, shown) = run(None);
    assert!(passed && shown.contains("1 passed"), "{shown}");
    let (passed, shown) = run(Some("true"));
    assert!(!passed && shown.contains("cannot run here (no-such-program): a package; install it"), "{shown}");
}
