//! The GitHub workflows run what they say: their shell lines, as they are written, on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const REGRESSION: &str = include_str!("../../../../.github/workflows/regression.yml");
const SERVER: &str = include_str!("../../../../.github/workflows/server.yml");
const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");

/// The script of a workflow's step of this name, without its indentation.
fn script(workflow: &str, step: &str) -> String {
    let start = workflow.find(&format!("- name: {step}\n")).unwrap_or_else(|| panic!("no step '{step}'"));
    let (_, rest) = workflow[start..].split_once("run: ").unwrap();
    let Some(block) = rest.strip_prefix("|\n") else { return rest.lines().next().unwrap().to_owned() };
    let indentation = block.len() - block.trim_start().len();
    let inside = |line: &&str| line.is_empty() || line.len() - line.trim_start().len() >= indentation;
    let lines: Vec<&str> = block.lines().take_while(inside).map(|line| line.trim_start()).collect();
    lines.join("\n")
}

/// Runs a script as GitHub does, in a directory whose `target/release` holds `program`.
fn run(script: &str, directory: &Path, program: &str) -> Output {
    let release = directory.join("target/release");
    fs::create_dir_all(&release).unwrap();
    let path = release.join("music21-mcp-bench");
    fs::write(&path, program).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.replace("git:${{ github.event.pull_request.base.sha }}", "embedded");
    assert!(!script.contains("${{"), "{script}");
    Command::new("bash").args(["-e", "-c", &script]).current_dir(directory).output().unwrap()
}

#[test]
fn the_comparison_of_the_workflow_leaves_the_files_that_its_next_steps_take() {
    let directory = tempfile::tempdir().unwrap();
    let shorter = format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\" --rounds 2 --slot 1ms --entry list_scores\n");
    let output = run(&script(REGRESSION, "compare with the base revision"), directory.path(), &shorter);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?} {error}", output.status);
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(read("ab.md").contains("| list_scores | wall |"));
    assert!(serde_json::from_str::<serde_json::Value>(&read("ab.json")).unwrap()["rows"].is_array());
    assert!(read("ab.xml").ends_with("</testsuites>\n"));
}

#[test]
fn only_a_verdict_that_cannot_be_told_lets_the_step_pass() {
    let scripts =
        [script(REGRESSION, "compare with the base revision"), script(SERVER, "compare both revisions")];
    for (code, expected) in [(0, 0), (1, 1), (2, 2), (3, 0), (4, 4), (130, 130)] {
        for script in &scripts {
            let directory = tempfile::tempdir().unwrap();
            let stub = format!("#!/bin/sh\nexit {code}\n");
            let output = run(script, directory.path(), &stub);
            assert_eq!(output.status.code(), Some(expected), "after exit code {code}");
        }
    }
}

#[test]
fn the_server_workflow_names_both_revisions_and_starts_the_program_with_them() {
    let directory = tempfile::tempdir().unwrap();
    let echo = "#!/bin/sh\nprintf '%s\\n' \"$@\" > arguments\n";
    assert_eq!(run(&script(SERVER, "compare both revisions"), directory.path(), echo).status.code(), Some(0));
    let arguments = fs::read_to_string(directory.path().join("arguments")).unwrap();
    let module = "/bin/python -m music21_mcp.server_minimal";
    assert_eq!(
        arguments.lines().take(5).collect::<Vec<_>>(),
        ["ab", "--baseline-server", &format!("baseline{module}"), "--server", &format!("candidate{module}")]
    );
    let install = script(SERVER, "install both revisions");
    for side in ["baseline", "candidate"] {
        assert!(install.contains(&format!("{side}/bin/pip install")), "{install}");
    }
}

#[test]
fn what_they_build_is_in_this_workspace() {
    let manifest = include_str!("../../../../Cargo.toml");
    for workflow in [REGRESSION, SERVER] {
        let package = script(workflow, "build");
        let package = package.strip_prefix("cargo build --release --locked -p ");
        assert_eq!(package, Some(env!("CARGO_PKG_NAME")));
    }
    let counts = script(REGRESSION, "instruction counts");
    let (_, bench) = counts.rsplit_once("cargo bench --bench ").unwrap();
    assert!(manifest.contains(&format!("[[bench]]\nname = \"{}\"\n", bench.trim())), "{bench}");
}
