//! The embedded server that a run starts for itself.

use std::path::Path;

use music21_mcp_bench::server::spawn_own;
use music21_mcp_embedded::Config;
use tokio::process::Child;

/// How our own HTTP server is started.
pub(super) struct OwnServer {
    address: String,
    /// What it is told beside its address.
    limits: Vec<String>,
}

impl OwnServer {
    /// Scores that a client holds at most: its own, and one that an end of a stage left behind.
    const SCORES_A_CLIENT: usize = 2;

    /// As the original holds them, and more where so many clients would evict each other's.
    pub(super) fn for_clients(clients: usize) -> Self {
        let default = Config::default().limits;
        let scores = default.scores.max(clients * Self::SCORES_A_CLIENT);
        let memory_mib = default.memory_mib * scores as u64 / default.scores as u64;
        let limits =
            ["--max-scores", &scores.to_string(), "--max-memory", &memory_mib.to_string()].map(str::to_owned);
        Self { address: "127.0.0.1:0".to_owned(), limits: limits.into() }
    }

    /// The same on the address that it was given.
    pub(super) fn at(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    /// # Errors
    ///
    /// Where it cannot be started.
    pub(super) async fn start(&self, directory: &Path) -> anyhow::Result<(Child, String)> {
        let fixed = ["serve", "--http", &self.address, "--quiet"];
        let arguments: Vec<&str> = fixed.into_iter().chain(self.limits.iter().map(String::as_str)).collect();
        spawn_own(directory, &arguments).await
    }
}
