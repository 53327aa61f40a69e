//! What a terminal shows: it fits a screen, and only a terminal gets colours and a line that moves.

use std::process::{Command, Stdio};

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::report::screen::Screen;
use music21_mcp_load::report::terminal;

use crate::report::{all_ended, memory_run, probed};
use crate::run::{Bench, PROGRAM, text};
use crate::skip::skip;

#[test]
fn a_scenario_and_the_overview_fit_a_screen() {
    let mut file = memory_run(600, "a server");
    let shown = terminal::scenario(&file.scenarios[0], Screen::of(80));
    assert!(shown.lines().count() <= 24, "{shown}");
    let table = shown.lines().skip_while(|line| !line.starts_with("  response")).take(6);
    let widths: Vec<usize> = table.map(|row| row.chars().count()).collect();
    assert_eq!(widths, [80; 6], "{shown}");
    let stage = file.scenarios[0].stages[0].clone();
    file.scenarios[0].stages = vec![stage; 8];
    let shown = terminal::scenario(&file.scenarios[0], Screen::of(80));
    assert!(shown.lines().count() <= 24, "{shown}");
    file.scenarios.push(probed());
    let shown = terminal::overview(&file, Screen::of(80));
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.lines().last().unwrap().starts_with("Passed: 2 scenarios"), "{shown}");
}

#[test]
fn colours_do_not_move_columns() {
    let file = memory_run(60, "a server");
    let coloured = Screen { colour: true, columns: Some(80) };
    let plain = |text: String| text.replace("\x1b[32m", "").replace("\x1b[0m", "");
    assert_ne!(terminal::overview(&file, coloured), terminal::overview(&file, Screen::of(80)));
    assert_eq!(plain(terminal::overview(&file, coloured)), terminal::overview(&file, Screen::of(80)));
    assert_eq!(
        plain(terminal::scenario(&file.scenarios[0], coloured)),
        terminal::scenario(&file.scenarios[0], Screen::of(80))
    );
}

#[test]
fn what_a_server_says_cannot_command_the_terminal() {
    let file = all_ended(memory_run(60, "a server"), Outcome::ToolError, "\x1b]0;title\x07\x1b[2J");
    for shown in
        [terminal::scenario(&file.scenarios[0], Screen::of(80)), terminal::overview(&file, Screen::of(80))]
    {
        assert!(shown.contains("tool_error") && !shown.contains(['\x1b', '\x07']), "{shown:?}");
    }
}

/// What a terminal would have been sent; `None` where there is no `script`.
fn on_a_terminal(no_color: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let command = format!("'{PROGRAM}' run tools --duration 2 --out '{}'", directory.path().display());
    let output = Command::new("script")
        .args(["-qc", &command, "/dev/null"])
        .envs([("NO_COLOR", no_color), ("TERM", "xterm-256color"), ("COLUMNS", "120")])
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(text(&output.stdout)),
        Err(_) => {
            skip("no-script", "Debian's package bsdutils");
            None
        }
    }
}

const COLOURS: [&str; 3] = ["\x1b[31m", "\x1b[32m", "\x1b[33m"];

#[test]
fn a_terminal_gets_a_live_line_and_colours() {
    let Some(shown) = on_a_terminal("") else { return };
    for part in ["in flight · ", "/s 0 err p50 ", " p95 ", "MB "] {
        assert!(shown.contains(part), "{part} in {shown:?}");
    }
    assert!(COLOURS.iter().any(|colour| shown.contains(colour)), "{shown:?}");
}

#[test]
fn a_terminal_whose_user_wants_no_colours_gets_none() {
    let Some(shown) = on_a_terminal("1") else { return };
    assert!(COLOURS.iter().all(|colour| !shown.contains(colour)), "{shown:?}");
}

#[test]
fn a_pipe_gets_neither() {
    let bench = Bench::new(&["tools", "--duration", "1"]);
    let output = bench.command().output().unwrap();
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(!shown.contains('\x1b') && !shown.contains("in flight"), "{shown:?}");
    assert!(shown.trim_end().ends_with("report.html"), "{shown}");
    assert!(bench.result().complete);
}
