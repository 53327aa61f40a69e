//! What both servers are asked to do: each entry is a tool on one small score.

use std::path::{Path, PathBuf};
use std::time::Duration;

use music21_mcp_bench::client::{Music21Client, Reply, Tool};
use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::record::sha256_hex;

/// The score every analysis works on.
const SCORE: &str = "pair";
/// The score that the import entry imports and deletes.
const IMPORTED: &str = "pair-import";

/// Calls that are timed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The entry's name.
    pub name: &'static str,
    /// The tools it needs.
    tools: &'static [Tool],
    /// What the last argument is, where there is one to choose.
    format: Option<&'static str>,
}

/// Every entry; the first is also the A/A control's.
pub(crate) const OPERATIONS: [Operation; 8] = [
    Operation { name: "key_analysis", tools: &[Tool::KeyAnalysis], format: None },
    // Deleting is part of it, else the store would fill up while it is timed.
    Operation { name: "import_score", tools: &[Tool::ImportScore, Tool::DeleteScore], format: None },
    Operation { name: "chord_analysis", tools: &[Tool::ChordAnalysis], format: None },
    Operation { name: "harmony_analysis", tools: &[Tool::HarmonyAnalysis], format: None },
    Operation { name: "export_musicxml", tools: &[Tool::ExportScore], format: Some("musicxml") },
    Operation { name: "export_midi", tools: &[Tool::ExportScore], format: Some("midi") },
    Operation { name: "score_info", tools: &[Tool::ScoreInfo], format: None },
    Operation { name: "list_scores", tools: &[Tool::ListScores], format: None },
];

/// The entries and the score they work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workload {
    /// What is measured.
    pub operations: Vec<Operation>,
    /// The score, as MusicXML.
    pub score: Vec<u8>,
}

impl Workload {
    /// SHA-256 of the score, the entries and their arguments.
    pub(crate) fn sha256(&self) -> String {
        let mut text = sha256_hex(&self.score);
        for operation in &self.operations {
            let calls =
                operation.calls(Path::new("score")).map(|(tool, arguments)| json!([tool.name(), arguments]));
            text += &Value::from_iter(calls).to_string();
        }
        sha256_hex(text.as_bytes())
    }

    /// The tools without which it cannot be done.
    pub(crate) fn tools(&self) -> Vec<String> {
        let named = self.operations.iter().flat_map(|operation| operation.tools);
        let mut tools: Vec<String> = named.chain(&[Tool::ImportScore]).map(Tool::to_string).collect();
        tools.sort();
        tools.dedup();
        tools
    }

    /// Writes the score where a server with this temporary directory may read it.
    pub(super) fn place(&self, directory: &Path) -> std::io::Result<PathBuf> {
        let path = directory.join("pair.musicxml");
        std::fs::write(&path, &self.score)?;
        Ok(path)
    }
}

impl Operation {
    fn calls(self, score: &Path) -> impl Iterator<Item = (Tool, JsonObject)> {
        let source = score.to_string_lossy().into_owned();
        self.tools.iter().map(move |&tool| {
            let is_of_import = matches!(tool, Tool::ImportScore | Tool::DeleteScore);
            let mut arguments = tool.arguments(if is_of_import { IMPORTED } else { SCORE });
            if tool == Tool::ImportScore {
                arguments.insert("source".to_owned(), source.as_str().into());
                arguments.insert("source_type".to_owned(), "file".into());
            }
            arguments.extend(self.format.map(|format| ("format".to_owned(), format.into())));
            (tool, arguments)
        })
    }

    /// Does it once and tells every reply. Stops at the first that is not well.
    pub(super) async fn perform(
        self,
        client: &Music21Client,
        score: &Path,
        deadline: Duration,
        mut tell: impl FnMut(&Reply),
    ) -> bool {
        for (tool, arguments) in self.calls(score) {
            let reply = client.call(tool.name(), arguments, deadline).await;
            tell(&reply);
            if !reply.is_ok() {
                return false;
            }
        }
        true
    }
}

/// Imports the score that all analyses work on.
pub(super) async fn prepare(client: &Music21Client, score: &Path, deadline: Duration) -> Result<(), String> {
    let source = score.to_string_lossy();
    let reply = client.import_score(SCORE, &source, "file", deadline).await;
    reply.is_ok().then_some(()).ok_or_else(|| {
        format!(
            "the score cannot be imported: {}",
            reply.message.unwrap_or_else(|| reply.outcome.to_string())
        )
    })
}
