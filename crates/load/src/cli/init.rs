//! `init`: a scenario file from a server's own list of tools.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use music21_mcp_bench::client;
use rmcp::model::Tool;
use serde_json::{Map, Value, json};
use tokio::runtime::Builder;

use super::support::connection::ConnectionArgs;
use super::support::files::write;
use super::support::template::template;
use super::{Exit, Usage};
use crate::result::{Definition, Flow, Stage, Step, Thresholds, Workload};
use crate::run::Host;
use crate::runtime::block_on;

/// Write a scenario file that calls every tool of a server, to edit and to `run`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// A command line (stdio), an http:// URL, or `embedded`, which it is if not given.
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The file; standard output if not given. An existing file is never overwritten.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Tools that begin and end a score's life, and so surround the others.
const LIFECYCLE: [&str; 2] = [client::Tool::ImportScore.name(), client::Tool::DeleteScore.name()];

impl Init {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        if let Some(path) = self.output.as_ref().filter(|path| path.exists()) {
            bail!("'{}' exists; choose another name", path.display());
        }
        let options = self.connection.options(&[]).map_err(Usage)?;
        let tools = block_on(Builder::new_multi_thread().worker_threads(1), async {
            let host = std::sync::Arc::new(Host::start(self.server.as_deref(), options, None, 1).await?);
            let client = host.target.session().await?;
            let tools = client.list_tools(Duration::from_secs(30)).await;
            client.close().await;
            host.stop().await;
            Ok(tools?)
        })?;
        let text = template(&definition(self.server, &tools))?;
        match self.output {
            None => write!(std::io::stdout(), "{text}")?,
            Some(path) => write(&path, text)?,
        }
        Ok(Exit::Ok)
    }
}

fn definition(server: Option<String>, tools: &[Tool]) -> Definition {
    let named = |name: &str| tools.iter().find(|tool| tool.name == name).map(step);
    let [import, delete] = LIFECYCLE.map(named);
    let others = tools.iter().filter(|tool| !LIFECYCLE.contains(&tool.name.as_ref()));
    let flow = |tool| Flow {
        weight: 1.0,
        steps: [import.clone(), Some(step(tool)), delete.clone().map(Step::always)]
            .into_iter()
            .flatten()
            .collect(),
    };
    let workload = Workload { flows: others.map(flow).collect(), ..Workload::default() };
    let stage = Stage { duration_s: Some(30.0), warm_up_s: 5.0, ..Stage::new("all tools", 4, workload) };
    Definition {
        name: "custom".into(),
        description: "Every tool of the server, all equally often.".into(),
        server,
        thresholds: Thresholds { min_success: 0.95, ..Thresholds::default() },
        stages: vec![stage],
        ..Definition::default()
    }
}

/// A call with something plausible for each argument that the tool requires.
fn step(tool: &Tool) -> Step {
    let schema = &tool.input_schema;
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let properties = schema.get("properties").and_then(Value::as_object);
    let arguments: Map<String, Value> = required
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), plausible(name, properties.and_then(|all| all.get(name)))))
        .collect();
    Step::call(&tool.name, Value::Object(arguments))
}

fn plausible(name: &str, schema: Option<&Value>) -> Value {
    let kind = schema.and_then(|schema| schema.get("type")).and_then(Value::as_str).unwrap_or("string");
    let choices = schema.and_then(|schema| schema.get("enum")).and_then(Value::as_array);
    if let Some(first) = choices.and_then(|choices| choices.first()) {
        return first.clone();
    }
    match (name, kind) {
        ("score_id", _) => json!("s-{{nonce}}"),
        ("source", _) => json!("johnson_j_r/lift_every_voice"),
        (_, "integer" | "number") => json!(1),
        (_, "boolean") => json!(false),
        (_, "array") => json!([]),
        (_, "object") => json!({}),
        _ => json!("edit me"),
    }
}
