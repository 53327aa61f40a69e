//! `bare-server`: what the audits of the client's own cost talk to.

use anyhow::Context;
use clap::Args;

use super::Exit;
use super::support::process::EndsWithStdin;

/// Answer every MCP call over HTTP with the same fixed reply, for `audit`.
#[derive(Debug, Args)]
pub(super) struct Bare {
    #[command(flatten)]
    ends: EndsWithStdin,
}

impl Bare {
    /// Serves until it is killed, on one thread.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        self.ends.watch();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(crate::audit::bare::serve()).context("the bare server ended")?;
        Ok(Exit::Ok)
    }
}
