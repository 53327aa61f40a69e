//! A run on a machine whose every CPU is busy with something else.

use std::process::Stdio;

use anyhow::Context;
use tokio::process::{Child, Command};

use super::harness::{self, CHEAP, Server, constant};
use super::{Finding, Length};
use crate::measure::steady::Steadiness;

/// Busy processes for each CPU.
const BURNERS: usize = 2;

pub(super) async fn run(length: Length) -> anyhow::Result<Vec<Finding>> {
    let server = Server::start(&["--fault", "delay=5ms"]).await?;
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let burners = (0..BURNERS * cpus).map(|_| burn()).collect::<anyhow::Result<Vec<_>>>()?;
    let plan = harness::cheap(constant(200.0, 50), harness::seconds(length.of(6, 30)));
    let measured = harness::measure(&plan, &server).await?;
    drop(burners);
    server.stop().await;
    let steadiness = measured.recorder.figures(CHEAP).and_then(|figures| figures.steadiness);
    let is_unsteady = steadiness == Some(Steadiness::Unsteady);
    let reasons: Vec<String> = measured.validity.invalid.iter().map(ToString::to_string).collect();
    let found = match (reasons.is_empty(), is_unsteady) {
        (false, _) => format!("INVALID: {}", reasons.join("; ")),
        (true, true) => "UNSTEADY".to_owned(),
        (true, false) => {
            let warnings: Vec<String> = measured.validity.warnings.iter().map(ToString::to_string).collect();
            format!("valid and steady, with warnings: {}", warnings.join("; "))
        }
    };
    let passed = is_unsteady || !measured.validity.is_valid();
    let what = format!("{} busy processes on {cpus} CPUs", BURNERS * cpus);
    Ok(vec![Finding::new(what, "INVALID or UNSTEADY", found, passed)])
}

/// A process that does nothing else, until it is dropped.
fn burn() -> anyhow::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().context("failed to start 'sh'")
}
