//! The tools of a music21 MCP server, each under the one name that client, benches and load runs call it by.

use std::fmt;

use rmcp::model::JsonObject;
use serde_json::Value;

/// A tool of a music21 MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tool {
    /// Imports a score under an id.
    ImportScore,
    /// Lists the stored scores.
    ListScores,
    /// Counts and metadata of a score.
    ScoreInfo,
    /// The key by four profiles.
    KeyAnalysis,
    /// The chord progression.
    ChordAnalysis,
    /// The roman numerals.
    HarmonyAnalysis,
    /// Writes a score to a file on the server's disk.
    ExportScore,
    /// Deletes a score, or all of them for the id `*`.
    DeleteScore,
    /// The cheapest call there is.
    HealthCheck,
}

impl Tool {
    /// Every tool, in the order in which a score meets them.
    pub const ALL: [Self; 9] = [
        Self::ImportScore,
        Self::ListScores,
        Self::ScoreInfo,
        Self::KeyAnalysis,
        Self::ChordAnalysis,
        Self::HarmonyAnalysis,
        Self::ExportScore,
        Self::DeleteScore,
        Self::HealthCheck,
    ];

    /// Its name in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ImportScore => "import_score",
            Self::ListScores => "list_scores",
            Self::ScoreInfo => "score_info",
            Self::KeyAnalysis => "key_analysis",
            Self::ChordAnalysis => "chord_analysis",
            Self::HarmonyAnalysis => "harmony_analysis",
            Self::ExportScore => "export_score",
            Self::DeleteScore => "delete_score",
            Self::HealthCheck => "health_check",
        }
    }

    /// The tool of this name; `None` where it is not one of a music21 server's.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The arguments of the plainest call about a score; those that take none get none. An import needs its source
    /// besides, an export may name its format.
    #[must_use]
    pub fn arguments(self, score_id: &str) -> JsonObject {
        match self {
            Self::ListScores | Self::HealthCheck => JsonObject::new(),
            Self::ImportScore
            | Self::ScoreInfo
            | Self::KeyAnalysis
            | Self::ChordAnalysis
            | Self::HarmonyAnalysis
            | Self::ExportScore
            | Self::DeleteScore => [("score_id".to_owned(), Value::from(score_id))].into_iter().collect(),
        }
    }
}

impl AsRef<str> for Tool {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_found_by_its_name() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
        }
        assert_eq!(Tool::named("echo"), None);
    }
}
