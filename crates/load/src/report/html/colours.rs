//! One colour for a tool in every chart of a page.

use std::collections::BTreeSet;

use crate::report::chart::{COLOURS, Paint};
use crate::result::{RunFile, StageResult, ToolResult};

/// The tools of a run in order.
pub(super) struct Colours(Vec<String>);

impl Colours {
    /// Of all tools that were called.
    pub(super) fn of(file: &RunFile) -> Self {
        let stages = file.scenarios.iter().flat_map(|scenario| &scenario.stages);
        let names: BTreeSet<&String> = stages.flat_map(|stage| stage.tools.keys()).collect();
        Self(names.into_iter().cloned().collect())
    }

    fn number(&self, tool: &str) -> usize {
        self.0.iter().position(|name| name == tool).unwrap_or(0)
    }

    /// The tool's own.
    pub(super) fn paint(&self, tool: &str) -> Paint {
        Paint::series(self.number(tool))
    }

    /// A stage's tools in groups in which no two have the same colour.
    pub(super) fn groups<'a>(&self, stage: &'a StageResult) -> Vec<Vec<(&'a str, &'a ToolResult)>> {
        let mut groups: Vec<Vec<(&str, &ToolResult)>> = vec![Vec::new(); self.0.len().div_ceil(COLOURS)];
        for (name, tool) in &stage.tools {
            groups[self.number(name) / COLOURS].push((name.as_str(), tool));
        }
        groups.retain(|group| !group.is_empty());
        groups
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::Definition;
    use crate::result::fixture::{run, scenario, stage};

    #[test]
    fn a_tool_has_its_colour_in_every_stage_and_shares_it_with_none_of_its_group() {
        let tool = json!({
            "accounts": { "scheduled": 1, "sent": 1, "ended": { "ok": 1 } }, "response": null, "service": null,
            "response_hdr": "", "service_hdr": "", "examples": [], "first_calls_ns": [], "intervals": [], "steadiness": null
        });
        let stage_of = |tools: &[String]| {
            let tools: serde_json::Map<_, _> =
                tools.iter().map(|name| (name.clone(), tool.clone())).collect();
            stage(&json!({ "tools": tools }))
        };
        let names: Vec<String> = (0..COLOURS + 2).map(|at| format!("t{at:02}")).collect();
        let mut one = scenario(Definition::default());
        one.stages = vec![stage_of(&names), stage_of(&names[COLOURS - 1..])];
        let colours = Colours::of(&run(&[one.clone()]));
        let groups = |at: usize| colours.groups(&one.stages[at]).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!((groups(0), groups(1)), (vec![COLOURS, 2], vec![1, 2]));
        assert_eq!(colours.paint("t00"), colours.paint(&names[COLOURS]));
        assert_ne!(colours.paint("t00"), colours.paint("t01"));
    }
}
