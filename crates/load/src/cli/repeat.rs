//! `run --repeat`: the same run several times, and what differs from one to the next.

use std::path::Path;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::run::Run;
use super::support::select::Selected;
use super::{Exit, report};
use crate::report::{html, repeats};
use crate::result::{Repeats, RunFile};
use crate::scenario::Options;

/// Runs as often, each into a directory of its own, and writes the summary after each: an end in between loses nothing.
pub(super) async fn repeat(
    mut run: Run,
    times: u32,
    selected: &[Selected],
    options: &Options,
    interrupt: &CancellationToken,
) -> anyhow::Result<Exit> {
    let (out, mut exit, mut runs) = (run.out.clone(), Exit::Ok, Vec::new());
    for number in 1..=times {
        let name = number.to_string();
        run.out = out.join(&name);
        std::fs::create_dir_all(&run.out)
            .with_context(|| format!("failed to create '{}'", run.out.display()))?;
        report::print(|_| format!("run {number} of {times}"))?;
        exit = exit.worst(run.once(selected, options.clone(), interrupt).await?);
        runs.push((name, RunFile::read(&report::result_of(&run.out))?));
        write(&Repeats::of(&runs), &out)?;
        if interrupt.is_cancelled() {
            break;
        }
    }
    report::print(|screen| repeats::terminal(&Repeats::of(&runs), screen))?;
    report::name_beside(&out.join(NAME))?;
    Ok(exit)
}

const NAME: &str = "repeats.json";

fn write(repeats: &Repeats, out: &Path) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(repeats)? + "\n";
    for (name, text) in [(NAME, json), ("report.html", html::repeats::page(repeats))] {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write '{}'", path.display()))?;
    }
    Ok(())
}
