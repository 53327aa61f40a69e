//! The closing report: what Criterion does not show, because it could not measure it.

use std::process::ExitCode;
use std::time::Duration;

use music21_mcp_bench::client::ProtocolViolations;
use music21_mcp_bench::server::ServerUnderTest;

use super::profiler::Shares;

/// The closing report of one bench program.
pub(super) struct Report {
    rows: Vec<(String, Row)>,
    /// What the server did against the protocol.
    pub(super) seen: ProtocolViolations,
    /// Where benches were profiled.
    pub(super) shares: Shares,
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
        eprintln!("elem: a note of the score; of list and delete, a call");
        Self { rows: Vec::new(), seen: ProtocolViolations::default(), shares: Shares::default() }
    }

    pub(super) fn add(&mut self, name: String, row: Row) {
        let line = line(&name, &row);
        eprintln!("{line}");
        self.rows.push((name, row));
    }

    /// Repeats the rows, which Criterion's output has buried. It fails for a wrong answer, for a call that was answered
    /// twice, and for a client that is measured beside the server; a slow server is a result.
    pub(super) fn print(&self) -> ExitCode {
        let is_client_measured = self.print_shares();
        if !self.rows.is_empty() {
            eprintln!("\nnot measured by Criterion:");
        }
        for (name, row) in &self.rows {
            eprintln!("  {}", line(name, row));
        }
        for remark in self.seen.remarks() {
            eprintln!("note: {remark}");
        }
        let stray = self.seen.stray();
        if let Some(stray) = &stray {
            eprintln!("FAILED: {stray}");
        }
        let is_wrong = self.rows.iter().any(|(_, row)| matches!(row, Row::Failed(_))) || stray.is_some();
        if is_wrong || is_client_measured { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Says how much of the profiled benches' figures is the client's work at most, and returns whether that is too much.
    fn print_shares(&self) -> bool {
        let shares = self.shares.borrow();
        let most = shares.iter().max_by(|(_, one), (_, other)| one.at_least().total_cmp(&other.at_least()));
        if let Some((id, share)) = most {
            eprintln!("\nof {} benches most in {id}: {share}", shares.len());
            if share.client == 0 {
                eprintln!(
                    "that shows nothing: there are too few samples, or they do not name the client's functions"
                );
            }
        }
        let too_much = shares.iter().filter(|(_, share)| share.is_too_much());
        for (id, share) in too_much.clone() {
            eprintln!("FAILED: {id}: {share}: the figure is not the server's alone");
        }
        too_much.count() > 0
    }
}

fn line(name: &str, row: &Row) -> String {
    match row {
        Row::Plain(calls) => {
            let mut sorted = calls.clone();
            sorted.sort();
            let [least, median, most] =
                [0, sorted.len() / 2, sorted.len() - 1].map(|at| sorted[at].as_secs_f64());
            format!(
                "{name}: median {median:.3} s, least {least:.3} s, most {most:.3} s of {} call{} (too slow for ten samples in \
                 the budget)",
                sorted.len(),
                if sorted.len() == 1 { "" } else { "s" }
            )
        }
        Row::Cut(message) => format!("{name}: CUT: {message}"),
        Row::Failed(message) => format!("{name}: FAILED: {message}"),
    }
}
