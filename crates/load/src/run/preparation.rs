//! The calls of one session before everything else, outside of all figures.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::bail;
use music21_mcp_bench::client::Outcome;
use tokio_util::sync::CancellationToken;

use super::pool::Pool;
use super::scenario::Context;
use crate::driver::{Event, Load, Plan, Sink, Stop, drive_until};
use crate::lock::lock;
use crate::patience::with_word;
use crate::result::{Step, Workload};

/// Long enough for the first calls of a Python server on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// The preparation is a run of one client of which only the failures are looked at. What went wrong in it, if anything did.
///
/// # Errors
///
/// Where the server cannot be reached or leaves.
pub(super) async fn prepare(steps: &[Step], context: &Context<'_>) -> anyhow::Result<Option<String>> {
    if steps.is_empty() {
        return Ok(None);
    }
    let plan = Plan {
        load: Load::Closed { workers: 1 },
        workload: Arc::new(Workload::of(steps.to_vec())),
        stop: Stop { duration: None, calls: Some(steps.len() as u64) },
        deadline: DEADLINE,
        seed: context.seed,
        run_id: format!("{}p", context.run_id).into(),
    };
    let enough = CancellationToken::new();
    let seen = Arc::new(Mutex::new(Failures { first: None, enough: enough.clone() }));
    let target = Arc::new(Pool::kept(context.host));
    let driven = drive_until(&enough, &plan, target, context.interrupt, Arc::clone(&seen));
    let say = || {
        let limit = DEADLINE.as_secs();
        // There is nobody to say it to if stderr is gone.
        let _ = writeln!(
            std::io::stderr(),
            "waiting for the calls of the preparation, for {limit} s each at most"
        );
    };
    with_word(driven, say).await?;
    let first = lock(&seen).first.take();
    let said = |said: &str| format!("preparation: {said}");
    match first {
        Some((outcome, text)) if outcome.is_connection_loss() => bail!(said(&text)),
        first => Ok(first.map(|(_, text)| said(&text))),
    }
}

struct Failures {
    /// How the first call ended that did not end well, with its tool and what was said.
    first: Option<(Outcome, String)>,
    enough: CancellationToken,
}

impl Sink for Failures {
    fn on_end(&mut self, event: &Event<'_>) {
        let outcome = event.reply.outcome;
        // The other calls would wait as long.
        if outcome == Outcome::TimedOut {
            self.enough.cancel();
        }
        // What the user stopped has not failed.
        let is_sound = event.reply.is_ok() || outcome == Outcome::Cancelled;
        if is_sound || self.first.as_ref().is_some_and(|(first, _)| first.is_connection_loss()) {
            return;
        }
        let message = event.reply.message.as_deref().unwrap_or_default();
        let told = (outcome, format!("{}: {outcome}: {message}", event.tool));
        if self.first.is_none() || outcome.is_connection_loss() {
            self.first = Some(told);
        }
    }

    fn on_dropped(&mut self) {}

    fn on_tenth(&mut self, _: u64) {}
}
