//! `run` as a user runs it, and its result file.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::result::{RunFile, ScenarioResult, StoppedBy};
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");

/// One run with a directory of its own.
pub(crate) struct Bench {
    directory: TempDir,
    arguments: Vec<String>,
}

impl Bench {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { directory: tempfile::tempdir().unwrap(), arguments }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("run").args(&self.arguments).arg("--out").arg(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("result.json")
    }

    /// The result, once its accounts were found to add up.
    pub(crate) fn result(&self) -> RunFile {
        let text = std::fs::read(self.path()).unwrap();
        let file: RunFile = serde_json::from_slice(&text).unwrap();
        file.scenarios.iter().for_each(adds_up);
        file
    }
}

fn adds_up(scenario: &ScenarioResult) {
    for stage in &scenario.stages {
        let name = format!("{} {}", scenario.name, stage.name);
        let accounts = &stage.accounts;
        assert_eq!(accounts.ended.values().sum::<u64>(), accounts.scheduled, "{name}");
        assert_eq!(accounts.sent, accounts.scheduled - accounts.count(Outcome::Dropped), "{name}");
        let by_tool: u64 = stage.tools.values().map(|tool| tool.accounts.sent).sum();
        assert_eq!(by_tool, accounts.sent, "{name}");
        let seconds = stage.timeline.iter().map(|second| second.ok + second.errors.values().sum::<u64>());
        assert_eq!(seconds.sum::<u64>(), accounts.sent, "{name}");
        let is_graded = stage.ratings.success.is_some();
        let has_ended = stage.stopped_by != StoppedBy::StillRunning;
        let may_be = has_ended && stage.fault.is_none();
        let is_asked = scenario.definition.thresholds.min_success > 0.0;
        assert_eq!(
            is_graded,
            may_be && is_asked,
            "{name}: success is rated if it has a limit, however busy the machine"
        );
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
