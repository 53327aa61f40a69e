//! `serve`: the embedded server for other programs, over stdio or streamable HTTP.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use music21_mcp_embedded::rate_limit::RateLimit;
use music21_mcp_embedded::{Config, Fault, FaultKind, HttpOptions, HttpServer, Limits, Server, serve_stdio};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

use super::support::process::{EndsWithStdin, watch_signals};
use super::{Exit, Usage};
use crate::duration;
use crate::runtime::block_on;

/// Offer the embedded music21 MCP server over stdio (the default) or streamable HTTP.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Serve one client on standard input and output.
    #[arg(long, conflicts_with = "http")]
    stdio: bool,
    /// Serve streamable HTTP on this address; port 0 takes a free one. The URL is printed when ready.
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Without sessions: each request stands alone.
    #[arg(long, requires = "http")]
    stateless: bool,
    /// Answer in JSON instead of SSE.
    #[arg(long, requires = "stateless")]
    json_response: bool,
    /// Longest HTTP request body, in bytes; a longer one gets 413.
    #[arg(long, value_name = "BYTES", requires = "http", default_value_t = HttpOptions::default().max_body_bytes)]
    max_body: usize,
    /// A directory laid out like music21's corpus, searched beside the bundled works.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// The most scores held; one more evicts the oldest.
    #[arg(long, value_name = "N", default_value_t = Limits::default().scores)]
    max_scores: usize,
    /// The most memory of all scores, as estimated, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().memory_mib)]
    max_memory: u64,
    /// When a score expires: seconds, or a time such as 90s, 5m or 1h.
    #[arg(long, value_name = "TIME", default_value_t = Limits::default().time_to_live.as_secs_f64(), value_parser = seconds)]
    time_to_live: f64,
    /// How long an import or a chord analysis may take: seconds, or a time such as 500ms.
    #[arg(long, value_name = "TIME", default_value_t = Limits::default().operation.as_secs_f64(), value_parser = seconds)]
    timeout: f64,
    /// Import files from below this directory; repeatable. The working and the temporary directory if
    /// not given.
    #[arg(long, value_name = "DIR")]
    allow: Vec<PathBuf>,
    /// Where exports are written; the temporary directory if not given.
    #[arg(long, value_name = "DIR")]
    export_dir: Option<PathBuf>,
    /// Leave exported files behind, as the real server does; otherwise they go with their score.
    #[arg(long)]
    keep_exports: bool,
    /// Refuse calls beyond a rate, for each session: capacity and refill a second, such as 10/1s, and
    /// optionally a broken kind of limiter, such as 10/1s,no-cap.
    #[arg(long, value_name = "LIMIT")]
    rate_limit: Option<RateLimit>,
    /// Misbehave: delay=20ms, delay=90%10ms+10%50ms, stall=1s/10s, serial=4ms, leak=1MiB, probe-leak=1KiB,
    /// slow=10%, tool-error=N, is-error=N, rpc-error=N, wrong=N, swap=N, crash=N, hang=N, half-frame=N, noise=N; then
    /// ,tool=NAME ,every=N ,seed=N. Repeatable.
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// Say in each reply's _meta how long its handling took and how many calls there have been.
    #[arg(long)]
    account: bool,
    /// Do not say on stderr why an import failed.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    ends: EndsWithStdin,
}

/// A time, as a number of seconds.
fn seconds(text: &str) -> Result<f64, &'static str> {
    let time = duration::parse(text).ok_or("no number of seconds from 0 on, nor a time such as 500ms")?;
    Ok(time.as_secs_f64())
}

impl Serve {
    /// Serves until the client leaves or a signal comes; a second one ends the process.
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let config = self.config()?;
        self.ends.watch();
        block_on(&mut Builder::new_multi_thread(), async {
            let stop = CancellationToken::new();
            watch_signals(&stop)?;
            let server = Server::new(config);
            match self.http {
                None => serve_stdio(&server, stop).await.context("failed to serve on stdio")?,
                Some(address) => self.serve_http(server, address, stop).await?,
            }
            Ok(Exit::Ok)
        })
    }

    fn config(&self) -> anyhow::Result<Config> {
        let only_stdio = |fault: &Fault| matches!(fault.kind, FaultKind::HalfFrame(_) | FaultKind::Noise(_));
        if self.http.is_some() && self.fault.iter().any(only_stdio) {
            let why = "half-frame and noise are faults of standard output; leave --http out";
            return Err(Usage(why.to_owned()).into());
        }
        let limits = Limits {
            scores: self.max_scores,
            memory_mib: self.max_memory,
            time_to_live: Duration::from_secs_f64(self.time_to_live),
            operation: Duration::from_secs_f64(self.timeout),
        };
        let default = Config::default();
        Ok(Config {
            limits,
            allowed_directories: match self.allow.as_slice() {
                [] => default.allowed_directories,
                given => given.to_vec(),
            },
            export_directory: self.export_dir.clone().unwrap_or(default.export_directory),
            keep_exports: self.keep_exports,
            corpus: self.corpus.clone(),
            log: !self.quiet,
            faults: self.fault.clone(),
            rate_limit: self.rate_limit,
            account: self.account,
            ..default
        })
    }

    async fn serve_http(
        &self,
        server: Server,
        address: SocketAddr,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let options = HttpOptions {
            address,
            sessions: !self.stateless,
            json_response: self.json_response,
            max_body_bytes: self.max_body,
        };
        let server = HttpServer::bind(server, options)
            .await
            .with_context(|| format!("cannot listen on {address}; is the port in use?"))?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{}", server.url())
            .and_then(|()| stdout.flush())
            .context("failed to print the URL")?;
        server.run(stop).await;
        Ok(())
    }
}
