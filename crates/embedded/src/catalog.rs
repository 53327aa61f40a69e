//! The tools on offer: names, descriptions and schemas, equal to the real server's.

use std::sync::{Arc, LazyLock};

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

/// One tool; every argument of every tool is a string.
#[derive(Debug)]
pub(crate) struct ToolSpec {
    pub(crate) name: &'static str,
    pub(crate) call: ToolName,
    description: &'static str,
    pub(crate) arguments: &'static [Argument],
}

/// One argument.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    title: &'static str,
    /// `None`: required.
    pub(crate) default: Option<&'static str>,
}

/// Which tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToolName {
    ImportScore,
    ListScores,
    ScoreInfo,
    ExportScore,
    DeleteScore,
    KeyAnalysis,
    ChordAnalysis,
    HarmonyAnalysis,
    HealthCheck,
}

const SCORE_ID: Argument = Argument { name: "score_id", title: "Score Id", default: None };

/// In the real server's order; what it has beyond these is not offered.
pub(crate) static TOOLS: [ToolSpec; 9] = [
    ToolSpec {
        name: "import_score",
        call: ToolName::ImportScore,
        description: "Import a score from various sources",
        arguments: &[
            SCORE_ID,
            Argument { name: "source", title: "Source", default: None },
            Argument { name: "source_type", title: "Source Type", default: Some("corpus") },
        ],
    },
    ToolSpec {
        name: "list_scores",
        call: ToolName::ListScores,
        description: "List all available scores",
        arguments: &[],
    },
    ToolSpec {
        name: "score_info",
        call: ToolName::ScoreInfo,
        description: "Get detailed information about a score",
        arguments: &[SCORE_ID],
    },
    ToolSpec {
        name: "export_score",
        call: ToolName::ExportScore,
        description: "Export a score to various formats",
        arguments: &[SCORE_ID, Argument { name: "format", title: "Format", default: Some("musicxml") }],
    },
    ToolSpec {
        name: "delete_score",
        call: ToolName::DeleteScore,
        description: "Delete a score from storage",
        arguments: &[SCORE_ID],
    },
    ToolSpec {
        name: "key_analysis",
        call: ToolName::KeyAnalysis,
        description: "Analyze the key signature of a score",
        arguments: &[SCORE_ID],
    },
    ToolSpec {
        name: "chord_analysis",
        call: ToolName::ChordAnalysis,
        description: "Analyze chord progressions in a score",
        arguments: &[SCORE_ID],
    },
    ToolSpec {
        name: "harmony_analysis",
        call: ToolName::HarmonyAnalysis,
        description: "Perform harmony analysis (roman numeral or functional)",
        arguments: &[
            SCORE_ID,
            Argument { name: "analysis_type", title: "Analysis Type", default: Some("roman") },
        ],
    },
    ToolSpec {
        name: "health_check",
        call: ToolName::HealthCheck,
        description: "Check server and adapter health",
        arguments: &[],
    },
];

static LISTED: LazyLock<Vec<Tool>> = LazyLock::new(|| TOOLS.iter().map(ToolSpec::listed).collect());

/// What `tools/list` answers.
pub(crate) fn listed() -> Vec<Tool> {
    LISTED.clone()
}

/// The tool of that name.
pub(crate) fn find(name: &str) -> Option<&'static ToolSpec> {
    TOOLS.iter().find(|tool| tool.name == name)
}

impl ToolSpec {
    fn listed(&self) -> Tool {
        let properties: Map<String, Value> =
            self.arguments.iter().map(|argument| (argument.name.to_owned(), argument.schema())).collect();
        let mut schema = Map::new();
        schema.insert("properties".to_owned(), properties.into());
        let required: Vec<Value> = self
            .arguments
            .iter()
            .filter(|argument| argument.default.is_none())
            .map(|argument| argument.name.into())
            .collect();
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        schema.insert("type".to_owned(), "object".into());
        Tool::new(self.name, self.description, Arc::new(schema))
    }
}

impl Argument {
    fn schema(&self) -> Value {
        match self.default {
            None => json!({"title": self.title, "type": "string"}),
            Some(default) => json!({"default": default, "title": self.title, "type": "string"}),
        }
    }
}
