//! A tool as its server lists it, and whether it may be called unasked.

use serde_json::{Map, Value};

use super::text::words;

/// What init reads of a tool.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) description: String,
    /// The schema of its arguments.
    pub(super) schema: Value,
    pub(super) read_only: Option<bool>,
    destructive: Option<bool>,
    needs_task: bool,
}

/// Why a tool is not called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Destructive,
    Changes,
    Named(&'static str),
    NeedsTask,
    NoArguments,
}

/// Words in the name of a tool that changes something, where the tool does not say whether it does.
const CHANGING: [&str; 72] = [
    "add",
    "append",
    "apply",
    "approve",
    "archive",
    "assign",
    "book",
    "buy",
    "cancel",
    "checkout",
    "clear",
    "click",
    "commit",
    "copy",
    "create",
    "delete",
    "deploy",
    "destroy",
    "disable",
    "drop",
    "edit",
    "enable",
    "eval",
    "exec",
    "execute",
    "grant",
    "import",
    "insert",
    "install",
    "invite",
    "kill",
    "merge",
    "modify",
    "move",
    "order",
    "patch",
    "pay",
    "post",
    "publish",
    "purge",
    "push",
    "put",
    "register",
    "remove",
    "rename",
    "replace",
    "reset",
    "restart",
    "restore",
    "revoke",
    "rm",
    "run",
    "save",
    "send",
    "set",
    "shell",
    "shutdown",
    "start",
    "stop",
    "store",
    "submit",
    "sync",
    "toggle",
    "transfer",
    "trigger",
    "truncate",
    "uninstall",
    "update",
    "upload",
    "upsert",
    "wipe",
    "write",
];

impl Listed {
    /// `None` for one without a name, which cannot be called.
    pub(super) fn read(listed: &Value) -> Option<Self> {
        let text = |key: &str| listed.get(key).and_then(Value::as_str);
        let hint = |key: &str| listed.get("annotations")?.get(key)?.as_bool();
        let schema = listed.get("inputSchema").filter(|schema| schema.is_object() || schema.is_boolean());
        Some(Self {
            // What has no name cannot be called.
            name: text("name").filter(|name| !name.is_empty())?.to_owned(),
            description: text("description").or_else(|| text("title")).unwrap_or_default().to_owned(),
            schema: schema.cloned().unwrap_or_else(|| Value::Object(Map::new())),
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            needs_task: listed["execution"]["taskSupport"] == "required",
        })
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.read_only == Some(true)
    }

    /// Why it must not be called without a second look; `None` where it may. The protocol's default is that a tool without
    /// hints destroys: for most servers nothing would be left to measure, so their names decide.
    pub(super) fn reason(&self) -> Option<Reason> {
        let is_changing = |word: &&&str| words(&self.name).iter().any(|own| own == *word);
        match (self.needs_task, self.destructive, self.read_only) {
            (true, ..) => Some(Reason::NeedsTask),
            (_, Some(true), _) => Some(Reason::Destructive),
            (.., Some(true)) => None,
            (.., Some(false)) => Some(Reason::Changes),
            (.., None) => CHANGING.iter().find(is_changing).map(|word| Reason::Named(word)),
        }
    }
}

impl Reason {
    /// In the summary, behind a count.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Destructive => "destructive",
            Self::Changes => "not read-only",
            Self::Named(_) => "by their names not read-only",
            Self::NeedsTask => "in need of a task",
            Self::NoArguments => "without arguments that their schema accepts",
        }
    }

    /// In the file, in front of the tool.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Destructive => "Not called: it is destructive (destructiveHint).".to_owned(),
            Self::Changes => "Not called: it changes something (readOnlyHint = false).".to_owned(),
            Self::Named(word) => {
                format!("Not called: it does not say that it only reads, and its name has '{word}'.")
            }
            Self::NeedsTask => {
                "Not called: it wants to be called as a task (execution.taskSupport).".to_owned()
            }
            Self::NoArguments => "Not called: no arguments were found that its schema accepts.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(listed: &Value) -> Option<Reason> {
        Listed::read(listed).unwrap().reason()
    }

    #[test]
    fn only_what_reads_or_seems_to_is_called() {
        let hints = |hints: Value| reason(&json!({ "name": "delete_it", "annotations": hints }));
        assert_eq!(hints(json!({ "readOnlyHint": true })), None);
        assert_eq!(hints(json!({ "readOnlyHint": true, "destructiveHint": false })), None);
        assert_eq!(
            hints(json!({ "readOnlyHint": true, "destructiveHint": true })),
            Some(Reason::Destructive)
        );
        assert_eq!(hints(json!({ "destructiveHint": true })), Some(Reason::Destructive));
        assert_eq!(hints(json!({ "readOnlyHint": false, "destructiveHint": false })), Some(Reason::Changes));
        assert_eq!(hints(json!({ "title": "It" })), Some(Reason::Named("delete")));
        assert_eq!(hints(Value::Null), Some(Reason::Named("delete")));
        assert_eq!(reason(&json!({ "name": "get_settings" })), None);
        assert_eq!(reason(&json!({ "name": "writeFile" })), Some(Reason::Named("write")));
        let task = |support| reason(&json!({ "name": "t", "execution": { "taskSupport": support } }));
        assert_eq!(task("required"), Some(Reason::NeedsTask));
        assert_eq!(task("optional"), None);
    }

    #[test]
    fn odd_tools_are_read_as_far_as_they_go() {
        assert!(Listed::read(&json!({ "name": null })).is_none());
        assert!(Listed::read(&json!({ "name": "" })).is_none());
        let odd = Listed::read(&json!({ "name": "t", "inputSchema": null, "annotations": "none" })).unwrap();
        assert_eq!(odd.schema, json!({}));
    }
}
