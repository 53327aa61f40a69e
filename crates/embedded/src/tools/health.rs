//! `health_check`: the one reply without a message, and with a status of its own.

use serde::Serialize;

use crate::catalog::TOOLS;
use crate::reply::{Reply, pretty};

#[derive(Serialize)]
struct Health {
    status: &'static str,
    server: &'static str,
    adapter_version: &'static str,
    tools_available: usize,
    core_service_healthy: bool,
}

pub(crate) fn run() -> Reply {
    Ok(pretty(&Health {
        status: "healthy",
        server: super::super::SERVER_NAME,
        adapter_version: concat!("music21-mcp-bench-", env!("CARGO_PKG_VERSION")),
        // The real server does not count this tool.
        tools_available: TOOLS.len() - 1,
        core_service_healthy: true,
    }))
}
