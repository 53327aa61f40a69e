//! What both servers are asked to do: each entry is a tool on one small score.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::record::sha256_hex;
use music21_mcp_bench::client::{Music21Client, Reply};

/// The score every analysis works on.
const SCORE: &str = "pair";
/// The score that the import entry imports and deletes.
const IMPORTED: &str = "pair-import";

/// Calls that are timed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    /// The entry's name.
    pub name: &'static str,
    /// The tools it needs.
    tools: &'static [&'static str],
    /// What the last argument is, where there is one to choose.
    format: Option<&'static str>,
}

/// Every entry, the sentinel's first.
pub(crate) const WORKS: [Work; 8] = [
    Work { name: "key_analysis", tools: &["key_analysis"], format: None },
    // Deleting is part of it, else the store would fill up while it is timed.
    Work { name: "import_score", tools: &["import_score", "delete_score"], format: None },
    Work { name: "chord_analysis", tools: &["chord_analysis"], format: None },
    Work { name: "harmony_analysis", tools: &["harmony_analysis"], format: None },
    Work { name: "export_musicxml", tools: &["export_score"], format: Some("musicxml") },
    Work { name: "export_midi", tools: &["export_score"], format: Some("midi") },
    Work { name: "score_info", tools: &["score_info"], format: None },
    Work { name: "list_scores", tools: &["list_scores"], format: None },
];

/// The entries and the score they work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workload {
    /// What is measured.
    pub works: Vec<Work>,
    /// The score, as MusicXML.
    pub score: Vec<u8>,
}

impl Workload {
    /// SHA-256 of the score, the entries and their arguments.
    #[must_use]
    pub(crate) fn sha256(&self) -> String {
        let mut text = sha256_hex(&self.score);
        for work in &self.works {
            let calls = work.calls(Path::new("score")).map(|(tool, arguments)| json!([tool, arguments]));
            text += &Value::from_iter(calls).to_string();
        }
        sha256_hex(text.as_bytes())
    }

    /// The tools without which it cannot be done.
    #[must_use]
    pub(crate) fn tools(&self) -> Vec<String> {
        let named = self.works.iter().flat_map(|work| work.tools);
        let mut tools: Vec<String> = named.chain(&["import_score"]).map(|&tool| tool.to_owned()).collect();
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

impl Work {
    fn calls(self, score: &Path) -> impl Iterator<Item = (&'static str, JsonObject)> {
        let source = score.to_string_lossy().into_owned();
        self.tools.iter().map(move |&tool| {
            let arguments = match tool {
                "import_score" => {
                    json!({ "score_id": IMPORTED, "source": source, "source_type": "file" })
                }
                "delete_score" => json!({ "score_id": IMPORTED }),
                "list_scores" => json!({}),
                "export_score" => json!({ "score_id": SCORE, "format": self.format }),
                _ => json!({ "score_id": SCORE }),
            };
            let Value::Object(arguments) = arguments else { unreachable!("json! of braces is an object") };
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
            let reply = client.call(tool, arguments, deadline).await;
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
