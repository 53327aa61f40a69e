//! `null-server`: what the audits of the client's own cost talk to.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use music21_mcp_embedded::NullServer;
use tokio::runtime::Builder;

use super::Exit;
use super::support::process::EndsWithStdin;
use crate::runtime::block_on;

/// Answer every MCP call over HTTP with the same fixed reply, for `audit`.
#[derive(Debug, Args)]
pub(super) struct Null {
    #[command(flatten)]
    ends: EndsWithStdin,
}

impl Null {
    /// Prints its URL and serves until it is killed, on one thread.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        self.ends.watch();
        block_on(&mut Builder::new_current_thread(), async {
            let server = NullServer::bind(0).await.context("the null server cannot listen")?;
            let mut stdout = std::io::stdout();
            writeln!(stdout, "http://{}/mcp", server.address()?).and_then(|()| stdout.flush())?;
            server.run().await;
            Ok(Exit::Ok)
        })
    }
}
