//! The closing report: what Criterion does not show, because it could not measure it.

use std::process::ExitCode;
use std::time::Duration;

use music21_mcp_bench::server::ServerUnderTest;

/// The closing report of one bench program.
pub(super) struct Report {
    rows: Vec<(String, Row)>,
}

/// How a bench ended that Criterion did not finish.
pub(super) enum Row {
    /// Too slow for Criterion: the times of single calls, in order.
    Plain(Vec<Duration>),
    /// Cut by our deadline or given up by the server, and by whom.
    Cut(String),
    /// Not what the call expects.
    Failed(String),
}

impl Report {
    /// Says what is measured.
    pub(super) fn new(bench: &str, target: &ServerUnderTest) -> Self {
        let server = target.server();
        eprintln!(
            "{bench}: {}, '{}' {}, protocol {}, one caller on tokio's current-thread runtime",
            target.spec(),
            server.name,
            server.version,
            server.protocol
        );
        Self { rows: Vec::new() }
    }

    pub(super) fn add(&mut self, name: String, row: Row) {
        let line = line(&name, &row);
        eprintln!("{line}");
        self.rows.push((name, row));
    }

    /// Repeats the rows, which Criterion's output has buried. Only a wrong answer is a failure: a slow
    /// server is a result.
    pub(super) fn print(&self) -> ExitCode {
        if self.rows.is_empty() {
            return ExitCode::SUCCESS;
        }
        eprintln!("\nnot measured by Criterion:");
        for (name, row) in &self.rows {
            eprintln!("  {}", line(name, row));
        }
        let failed = self.rows.iter().any(|(_, row)| matches!(row, Row::Failed(_)));
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

fn line(name: &str, row: &Row) -> String {
    match row {
        Row::Plain(calls) => {
            let mut sorted = calls.clone();
            sorted.sort();
            let seconds: Vec<String> =
                sorted.iter().map(|call| format!("{:.3}", call.as_secs_f64())).collect();
            format!(
                "{name}: {} s ({} calls; too slow for ten samples in the budget)",
                seconds.join(", "),
                calls.len()
            )
        }
        Row::Cut(message) => format!("{name}: CUT: {message}"),
        Row::Failed(message) => format!("{name}: FAILED: {message}"),
    }
}
