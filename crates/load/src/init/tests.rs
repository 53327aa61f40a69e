use serde_json::json;

use super::*;

/// Schemas of every kind; those whose names begin with `none` accept nothing that a file could hold.
const TOOLS: &str = include_str!("../../tests/fixtures/tools.json");

fn draft(tools: &Value) -> Draft {
    Draft::of(tools.as_array().unwrap())
}

fn file(draft: &Draft) -> Result<Definition, String> {
    Definition::from_toml(&format!("{}\n{}", toml::to_string(&Draft::definition()).unwrap(), draft.flows()))
}

/// What each tool is called with, as the file says it.
fn calls(draft: &Draft) -> Vec<(String, Value)> {
    let steps = file(draft).unwrap_or_else(|why| panic!("{why}\n{}", draft.flows()));
    let call = |step: &crate::result::Step| (step.tool.clone(), Value::Object(step.arguments.clone()));
    steps.steps().map(call).collect()
}

#[test]
fn arguments_are_what_their_schemas_accept() {
    let draft = draft(&serde_json::from_str(TOOLS).unwrap());
    let calls = calls(&draft);
    let mut text = String::new();
    for tool in &draft.tools {
        let called = calls.iter().filter(|(name, _)| *name == tool.listed.name);
        let called: Vec<&Value> = called.map(|(_, arguments)| arguments).collect();
        let none = tool.listed.name.starts_with("none");
        assert_eq!(called.len(), usize::from(!none), "{}: {:?}", tool.listed.name, tool.why());
        let said = if none { tool.why() } else { called[0].to_string() };
        text += &format!("{:?}: {}\n", tool.listed.name, crate::wrap::cut(&said, 150));
    }
    insta::assert_snapshot!(text);
}

impl Drafted {
    fn why(&self) -> String {
        let of_arguments = self.arguments.all.iter().filter_map(|argument| argument.value.as_ref().err());
        of_arguments.chain(&self.arguments.failure).cloned().collect::<Vec<_>>().join("; ")
    }
}

fn sample() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let schema = json!({
        "type": "object", "required": ["where", "how"],
        "properties": {
            "where": text("A path that is read."),
            "how": { "enum": ["fast", "slow"], "default": "slow" },
            "most": { "type": "integer", "minimum": 1, "maximum": 10, "default": 5, "description": "Lines\nat most." },
            "odd key": { "type": "array", "items": { "type": "string" } },
            "none": { "type": "null" },
        },
    });
    json!([
        { "name": "drop_it", "description": "Drops it.", "inputSchema": schema },
        { "name": "plain", "description": "Says nothing of itself.", "inputSchema": { "type": "object" } },
        { "name": "read", "description": "Reads it.", "inputSchema": schema, "annotations": { "readOnlyHint": true } },
        { "name": "wipe", "inputSchema": {}, "annotations": { "destructiveHint": true } },
        { "name": "later", "inputSchema": {}, "execution": { "taskSupport": "required" } },
        { "name": "odd", "inputSchema": { "required": ["v"], "properties": { "v": { "type": "string", "pattern": "(" } } } },
        { "name": "read", "description": "Once more." },
        { "title": "Without a name." },
    ])
}

#[test]
fn what_may_be_called_comes_first_and_the_rest_is_there_as_comments() {
    let mut draft = draft(&sample());
    let trials = draft.trials();
    assert_eq!(trials.iter().map(|trial| trial.tool.as_str()).collect::<Vec<_>>(), ["read"]);
    draft.note(&trials[0], "Answered: line \u{1}1\nline 2".to_owned());
    insta::assert_snapshot!(draft.flows());
    insta::assert_snapshot!(draft.summary(), @"2 tools called, 4 commented out (1 by their names not read-only, 1 destructive, 1 in need of a task, 1 without arguments that their schema accepts), 2 left out (listed without a name of their own)");
    assert_eq!(calls(&draft).len(), 2);
}

#[test]
fn what_is_commented_out_works_when_it_is_put_back() {
    let draft = draft(&sample());
    let (mut text, mut is_out) = (String::new(), false);
    for line in draft.flows().lines() {
        is_out = (is_out && !line.is_empty()) || line.starts_with("# Not called");
        text += match is_out && !line.starts_with("# Not called") {
            true => line.get(2..).unwrap_or_default(),
            false => line,
        };
        text.push('\n');
    }
    let whole = format!("{}\n{text}", toml::to_string(&Draft::definition()).unwrap());
    let definition = Definition::from_toml(&whole).unwrap_or_else(|why| panic!("{why}\n{whole}"));
    assert_eq!(definition.steps().count(), 6, "{whole}");
}

#[test]
fn where_nothing_is_active_that_is_said() {
    let draft = draft(&json!([{ "name": "delete_all", "inputSchema": {} }]));
    assert_eq!(
        draft.summary(),
        "0 tools called, 1 commented out (1 by their names not read-only); nothing is active: remove the '# ' in front of \
         a tool's lines before you run it"
    );
    assert!(file(&draft).unwrap_err().contains("nothing in it is active"));
}

#[test]
fn a_scores_life_surrounds_the_tools_of_a_music21_server_alone() {
    let id = || json!({ "type": "object", "required": ["score_id"], "properties": { "score_id": { "type": "string" } } });
    let import = json!({ "type": "object", "required": ["score_id", "source"], "properties": { "score_id": { "type": "string" }, "source": { "type": "string" } } });
    let tools = json!([
        { "name": "delete_score", "inputSchema": id(), "annotations": { "destructiveHint": true } },
        { "name": "import_score", "inputSchema": import },
        { "name": "key_analysis", "inputSchema": id() },
        { "name": "export_score", "inputSchema": id() },
        { "name": "imitate_style", "inputSchema": { "properties": { "composer": { "type": ["string", "null"] }, "score_id": { "type": "string" } } } },
        { "name": "clear_scores", "inputSchema": {}, "annotations": { "destructiveHint": true } },
    ]);
    let music = draft(&tools);
    let tools_of = |draft: &Draft| calls(draft).into_iter().map(|(tool, _)| tool).collect::<Vec<_>>();
    assert_eq!(
        tools_of(&music),
        [
            ["import_score", "key_analysis", "delete_score"],
            ["import_score", "export_score", "delete_score"],
            ["import_score", "imitate_style", "delete_score"],
        ]
        .concat()
    );
    assert_eq!(
        calls(&music)[7].1,
        json!({ "composer": "bach" }),
        "needed, though its schema does not say so"
    );
    assert_eq!(
        calls(&music)[0].1,
        json!({ "score_id": "s-{{nonce}}", "source": "johnson_j_r/lift_every_voice" })
    );
    assert!(music.summary().starts_with("5 tools called, 1 commented out"), "{}", music.summary());
    let either = json!([
        { "name": "import_score", "inputSchema": {} },
        { "name": "imitate_style", "inputSchema": {
            "properties": { "composer": { "type": "string" }, "style": { "const": "slow" } },
            "oneOf": [{ "required": ["style"] }, { "required": ["composer"] }],
        } },
        { "name": "search", "inputSchema": { "properties": { "composer": { "enum": ["mozart"] } } } },
    ]);
    let either = draft(&either);
    let of = |tool: &str| calls(&either).into_iter().find(|(name, _)| name == tool).unwrap().1;
    assert_eq!(of("imitate_style"), json!({ "style": "slow" }), "the schema allows one of the two");
    assert_eq!(of("search"), json!({}), "the schema has other values");
    let other = json!([{ "name": "s", "inputSchema": { "required": ["source", "score_id"], "properties": { "source": { "enum": ["web"] }, "score_id": { "type": "integer" } } } }]);
    assert_eq!(calls(&draft(&other)), [("s".to_owned(), json!({ "source": "web", "score_id": 1 }))]);
}
