//! `init`: a scenario file from a server's own list of tools.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use music21_mcp_bench::client::{Music21Client, Reply};
use music21_mcp_bench::server::with_references;
use tokio::runtime::Builder;

use super::support::connection::{ConnectionArgs, named_server};
use super::support::files::write;
use super::support::template::template_before;
use super::{Exit, Usage};
use crate::init::Draft;
use crate::result::Definition;
use crate::run::Host;
use crate::runtime::block_on;
use crate::wrap::cut;

/// Write a scenario file that calls the tools of a server, to edit and to `run`.
///
/// Arguments are made from the tools' schemas. Tools that declare that they only read come first. Those that declare
/// otherwise, seem to change something by their names, need a task, or have arguments for which no value was found, are in
/// the file as comments.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// A command line (stdio), an http:// URL, or `embedded`, which it is if not given.
    #[arg(long, value_name = "SERVER", value_parser = named_server)]
    server: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The file; standard output if not given. An existing file is never overwritten.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Call each tool once that declares that it only reads, and note what it answered.
    #[arg(long = "try")]
    is_tried: bool,
}

/// For the list of tools, and for each call that is tried.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of an answer: one line of a comment.
const ANSWER: usize = 98;

impl Init {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        if let Some(path) = self.output.as_ref().filter(|path| path.exists()) {
            bail!("'{}' exists; choose another name", path.display());
        }
        let options = self.connection.options(&[]).map_err(Usage)?;
        let mut error = std::io::stderr();
        let draft = block_on(Builder::new_multi_thread().worker_threads(1), async {
            let host = Arc::new(Host::start(self.server.as_deref(), options, None, 1, Vec::new()).await?);
            let client = host.target.session().await?;
            let listed = client.listed_tools(PATIENCE).await;
            let mut draft = listed.map(|listed| Draft::of(&listed));
            if let (Ok(draft), true) = (&mut draft, self.is_tried) {
                let said = try_each(draft, &client).await;
                // There is nobody to say it to if stderr is gone.
                let _ = writeln!(error, "{said}");
            }
            client.close().await;
            host.stop().await;
            Ok(draft?)
        })?;
        let (server, secrets) = self.server.as_deref().map(with_references).unzip();
        let (headers, left_out) = self.connection.headers_for_a_file();
        let definition = Definition { server, headers, ..Draft::definition() };
        let text = template_before("stages.workload.flows", &definition)? + &draft.flows();
        for name in left_out {
            let _ = writeln!(
                error,
                "the value of the header '{name}' may be a secret and is not in the file: name there where it is found, as in \
                 headers = [\"{name}: env:NAME\"]"
            );
        }
        for name in secrets.into_iter().flatten() {
            let _ = writeln!(
                error,
                "{name} may be a secret and is not in the file: export it before you run that"
            );
        }
        let written = match self.output {
            None => {
                write!(std::io::stdout(), "{text}")?;
                String::new()
            }
            Some(path) => {
                write(&path, text)?;
                format!("wrote {}: ", path.display())
            }
        };
        let _ = writeln!(error, "{written}{}", draft.summary());
        Ok(Exit::Ok)
    }
}

/// Calls each tool that only reads. What became of them, on one line.
async fn try_each(draft: &mut Draft, client: &Music21Client) -> String {
    let trials = draft.trials();
    let mut good = 0;
    for trial in &trials {
        let reply = client.call(&trial.tool, trial.arguments.clone(), PATIENCE).await;
        good += usize::from(reply.is_ok());
        draft.note(trial, answer(&reply));
    }
    match trials.len() {
        0 => "tried none: no tool declares that it only reads (readOnlyHint)".to_owned(),
        n if n == good => format!("tried {n}: all answered well"),
        n => format!("tried {n}: {good} answered well; edit the arguments of the others"),
    }
}

fn answer(reply: &Reply) -> String {
    let text = reply.text.as_deref().or(reply.message.as_deref()).unwrap_or("no text");
    let said = match reply.is_ok() {
        true => format!("Answered: {text}"),
        false => format!("Answered ({}): {}", reply.outcome, reply.message.as_deref().unwrap_or(text)),
    };
    cut(&said, ANSWER)
}
