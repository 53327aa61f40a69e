//! A run whose wall clock is set forward and back by hours while it goes on: no figure may know.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context;
use music21_mcp_bench::client::Outcome;
use tokio::time::sleep;

use super::harness::{self, Machine, Server};
use super::{Finding, Length, client};
use crate::record::{unix_time, utc};
use crate::result::RunFile;

/// The library that gives a process a wall clock of its own, as Debian's and Fedora's packages place it.
const DIRECTORIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
];
const HOUR_S: u64 = 3600;
/// That the run may take to say when it began.
const START_S: u64 = 600;
const SESSIONS: usize = 4;
const WHAT: &str = "a run whose wall clock is stepped by 2 h, back and forth";
/// What a run of so many seconds may take more or less: calls under way end by themselves.
const SLACK: Duration = Duration::from_secs(1);

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let Some(library) = library() else {
        let doubt = "libfaketime is not installed, and nothing else steps one process's clock".to_owned();
        return Ok(vec![Finding::new(WHAT, "as long as any other", "not run", false).unless(Some(doubt))]);
    };
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let server = Server::null().await?;
    let machine = Machine::watch(&server.pids());
    let duration_s = length.of(3, 12);
    let began = unix_time();
    stepped(&library, directory.path(), &server.url, duration_s).await?;
    let busy = machine.busy_with_others();
    server.stop().await;
    findings(began, client::read(directory.path())?, duration_s, busy)
}

fn findings(
    began: Duration,
    file: RunFile,
    duration_s: u64,
    busy: Option<String>,
) -> anyhow::Result<Vec<Finding>> {
    let later = |offset_s: u64| utc(UNIX_EPOCH + began + Duration::from_secs(offset_s));
    let is_later = file.created_utc >= later(HOUR_S) && file.created_utc < later(HOUR_S + START_S);
    let clocks = format!("{} and {}", later(0), file.created_utc);
    let stage = client::stage(file)?;
    let elapsed = Duration::from_nanos(stage.elapsed_ns);
    let in_time = elapsed.abs_diff(Duration::from_secs(duration_s)) <= SLACK;
    let lost = stage.accounts.sent - stage.accounts.count(Outcome::Ok);
    let longest = stage.tools.values().filter_map(|tool| tool.service.as_ref()).map(|service| service.max_ns);
    let longest_ms = longest.max().map_or(f64::NAN, harness::ms);
    let took = format!("{:.2} s", elapsed.as_secs_f64());
    Ok(vec![
        Finding::new("our clock and that of the run", "an hour later", clocks, is_later),
        Finding::new(WHAT, format!("{duration_s} s ± 1 s"), took, in_time).unless(busy.clone()),
        Finding::exact("its calls that did not end well", 0, lost),
        Finding::new("its longest call", "< 1000 ms", format!("{longest_ms:.1} ms"), longest_ms < 1000.0)
            .unless(busy),
    ])
}

fn library() -> Option<PathBuf> {
    DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join("libfaketimeMT.so.1"))
        .find(|path| path.exists())
}

/// The clock is an hour fast at first, an hour slow in the middle third, and an hour fast again.
async fn stepped(library: &Path, directory: &Path, url: &str, duration_s: u64) -> anyhow::Result<()> {
    let clock = directory.join("clock");
    let set =
        |sign: char| std::fs::write(&clock, format!("{sign}{HOUR_S}\n")).context("failed to set a clock");
    set('+')?;
    let mut client = client::run(directory, url, SESSIONS, duration_s)?
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        // It inherits the clock to what it starts, and rustc, which it asks for its version, stands still then.
        .env("PATH", "")
        .spawn()
        .context("failed to start 'run'")?;
    let third = Duration::from_secs(duration_s) / 3;
    sleep(third).await;
    set('-')?;
    sleep(third).await;
    set('+')?;
    client.wait().await.context("'run' was lost")?;
    Ok(())
}
