//! What cannot be meant is refused before a server is started, with the value, where it stands, and what would be right.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{PROGRAM, text};

/// A stage with one call; `{}` is more of the stage, and `TOOL` what is called.
const STAGE: &str = "name = 'x'\n[[stages]]\nname = 's'\nclients = 1\ncalls = 1\n{}\n[[stages.workload.flows]]\nsteps = [{ tool = 't', arguments = ARGUMENTS }]\n";

/// The arguments of a command line, with `FILE` for a scenario file of that text, its exit code, and parts of what it says.
type Row = (&'static str, &'static str, i32, &'static [&'static str]);

const USAGE: [Row; 25] = [
    ("run nonsense", "", 2, &["unknown scenario 'nonsense'", "use one of tools, concurrent"]),
    ("run tool", "", 2, &["did you mean 'tools'?"]),
    ("run Memroy", "", 2, &["did you mean 'memory'?"]),
    ("run concurrent --clients -5", "", 2, &["'-5'", "--clients", "1..=10000"]),
    ("run concurrent --clients 0", "", 2, &["'0'", "1..=10000"]),
    ("run concurrent --clients many", "", 2, &["'many'", "--clients"]),
    ("run concurrent --clients 10001", "", 2, &["10001", "1..=10000"]),
    ("run tools --duration -1", "", 2, &["'-1'", "--duration"]),
    ("run tools --duration 5parsecs", "", 2, &["'5parsecs'", "90s, 5m or 500ms"]),
    ("run tools --duration 0", "", 2, &["'0'", "more than nothing"]),
    ("run memory --rate 1e9", "", 2, &["'1e9'", "too large: at most 1000000"]),
    ("run memory --rate -3", "", 2, &["'-3'", "must be positive"]),
    ("run capacity --objective 500", "", 2, &["'500'", "500ms or 1s"]),
    ("run tools --deadline 30m1h", "", 2, &["'30m1h'", "not a time"]),
    ("run stability --hours 0", "", 2, &["--hours", "must be positive"]),
    ("run rate-limit --rate-limit 10", "", 2, &["'10'", "--rate-limit"]),
    ("run rate-limit --rate-limit 10/1s,no-cap", "", 2, &["has no kind; write it like 10/1s"]),
    ("run tools --shard 3/2", "", 2, &["'3/2'", "--shard"]),
    ("run tools --metrics nowhere", "", 2, &["'nowhere'", "--metrics"]),
    ("run tools --header Authorization", "", 2, &["Authorization"]),
    ("run tools --header A:env:NO_SUCH_VARIABLE", "", 2, &["NO_SUCH_VARIABLE"]),
    ("run tools --protocol 1999-01-01", "", 2, &["'1999-01-01'", "2025-06-18"]),
    ("run tools --start-timeout 0s", "", 2, &["'0s'", "--start-timeout"]),
    ("run quick --objective 1s", "", 2, &["--objective changes nothing"]),
    ("run tools --seed x", "", 2, &["'x'", "--seed"]),
];

const FILES: [Row; 12] = [
    ("run missing.toml", "", 2, &["cannot read 'missing.toml'"]),
    ("run FILE", "name = 'x'\n", 2, &["no [[stages]]"]),
    ("run FILE", "name = 'x'\nclint = 3\n", 2, &["clint"]),
    ("run FILE", "{ a = '{{scores:x}}' }", 2, &["{{scores:x}}", "{{score:"]),
    ("run FILE", "{ a = '{{nonce' }", 2, &["{{nonce"]),
    ("run FILE", "duration_s = 9\nwarm_up_s = 9", 2, &["warm_up_s = 9 covers all of duration_s = 9"]),
    ("run FILE", "deadline_s = 0", 2, &["deadline_s = 0.0 is not above 0"]),
    ("run FILE", "rate_per_s = 1e12", 2, &["rate_per_s", "1000000"]),
    (
        "run FILE",
        "rate_per_s = 1\nduration_s = 9\narrivals = { kind = 'day', hours = 24, levels = [[25, 1]] }",
        2,
        &["a day has no hour 25"],
    ),
    ("run FILE", "settle_s = -1", 2, &["settle_s"]),
    ("run FILE --quick", "settle_s = 0", 2, &["--quick: a file has no short version"]),
    ("run FILE --hours 3", "settle_s = 0", 2, &["--hours changes nothing"]),
];

const OTHERS: [Row; 14] = [
    ("record --out mine.toml", "", 2, &["<COMMAND>"]),
    ("explain nosuch", "", 2, &["unknown scenario 'nosuch'"]),
    ("explain quick --toml", "", 2, &["'quick' is several scenarios"]),
    ("generate --parts 0 --measures 4", "", 2, &["0"]),
    ("compare no-such-record no-such-candidate", "", 2, &["no-such-candidate"]),
    ("baseline show no-such-record", "", 2, &["no-such-record"]),
    ("report no-such-run", "", 2, &["no-such-run"]),
    ("history nobody", "", 2, &["there is no directory 'baselines' of records"]),
    ("ab --baseline-server a --server b --slot 50", "", 2, &["'50'", "500ms or 1s"]),
    ("ab --baseline-server a --server b --rounds 1", "", 2, &["'1'", "--rounds"]),
    ("ab --baseline-server a --server b --entry nosuch", "", 2, &["'nosuch'", "--entry"]),
    ("serve --fault nonsense", "", 2, &["'nonsense'", "--fault"]),
    ("serve --http nowhere", "", 2, &["'nowhere'", "--http"]),
    ("audit nosuch", "", 2, &["'nosuch'"]),
];

/// A scenario file of that text, or of a stage with it.
fn file(text: &str) -> String {
    let stage = |more: &str, arguments: &str| STAGE.replace("{}", more).replace("ARGUMENTS", arguments);
    match text {
        text if text.starts_with("name") => text.to_owned(),
        text if text.starts_with('{') => stage("", text),
        text => stage(text, "{}"),
    }
}

fn try_row((line, text_of_file, code, parts): Row, directory: &Path) {
    let started = directory.join("started");
    if !text_of_file.is_empty() {
        std::fs::write(directory.join("mine.toml"), file(text_of_file)).unwrap();
    }
    let mut command = Command::new(PROGRAM);
    command.args(line.replace("FILE", "mine.toml").split(' ')).current_dir(directory).stdin(Stdio::null());
    if line.starts_with("run ") {
        command.arg("--server").arg(format!("touch {}", started.display()));
    }
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    for part in parts {
        assert!(said.contains(part), "{line}, {text_of_file}: no '{part}' in {said}");
    }
    assert!(!said.contains("panicked") && !started.exists(), "{line}: {said}");
}

#[test]
fn fifty_wrong_inputs_are_told_apart_and_start_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for row in USAGE.into_iter().chain(FILES).chain(OTHERS) {
        try_row(row, directory.path());
    }
}

#[test]
fn a_tool_that_the_server_lacks_is_named_with_the_one_that_was_meant() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("mine.toml"),
        file("{}").replace("tool = 't'", "tool = 'key_analysi'"),
    )
    .unwrap();
    let output = Command::new(PROGRAM)
        .args(["run", "mine.toml", "--duration", "1"])
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("no tool 'key_analysi' (did you mean 'key_analysis'?); it has import_score, "),
        "{said}"
    );
}
