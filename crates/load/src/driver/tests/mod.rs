//! The driver under a paused clock, against a server that exists only as waiting times.

mod closed_loop;
mod failures;
mod fake;
mod open_loop;
mod real;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake::Fake;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::measure::accounting::Accounts;
use crate::measure::steady::FixedWarmUp;
use crate::measure::validity::GeneratorFacts;
use crate::result::{Step, Workload};

const MS: u64 = 1_000_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn plan(load: Load, stop: Stop) -> Plan {
    let workload = Arc::new(Workload::of(vec![Step::call("echo", json!({}))]));
    Plan { load, workload, stop, deadline: ms(2000), seed: 1, run_id: "t".into() }
}

fn for_seconds(seconds: u64) -> Stop {
    Stop { duration: Some(Duration::from_secs(seconds)), calls: None }
}

fn constant(per_second: f64, sessions: usize) -> Load {
    Load::Open { schedule: Schedule::Constant { per_second }, sessions, queue: 100_000 }
}

/// A recorder that leaves nothing out.
fn recorder() -> Recorder {
    Recorder::new(Settings { warm_up: FixedWarmUp { time_ns: 0, calls: 0 }, ..Settings::default() })
}

/// What is known about the generator, as far as a run by itself shows it.
fn facts(plan: &Plan, run: &Run, recorder: &Recorder) -> GeneratorFacts {
    let own = Some(OwnProcess::default());
    Evidence { plan, run, recorder, responses: &[], conditions: None, others_cpu_share: None, own }.facts()
}

/// No call was lost, and the server saw each that was sent.
fn adds_up(accounts: &Accounts, server_counted: u64) {
    assert_eq!((accounts.check(), accounts.sent()), (Ok(()), server_counted));
}

async fn run(plan: &Plan, fake: &Arc<Fake>) -> (Run, Recorder) {
    run_until(plan, fake, &CancellationToken::new()).await
}

async fn run_until(plan: &Plan, fake: &Arc<Fake>, interrupt: &CancellationToken) -> (Run, Recorder) {
    let sink = Arc::new(Mutex::new(recorder()));
    let run = drive(plan, Arc::new(Arc::clone(fake)), interrupt, Arc::clone(&sink)).await.unwrap();
    let recorder = std::mem::take(&mut *sink.lock().unwrap());
    (run, recorder)
}
