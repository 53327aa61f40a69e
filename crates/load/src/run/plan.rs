//! A stage as the driver takes it.

use std::sync::Arc;
use std::time::Duration;

use crate::driver::{Load, Plan, Ramp, Schedule, Stop};
use crate::result::{Arrivals, Stage};

/// Calls that may wait for a session of an open loop, for each session.
const QUEUE_PER_SESSION: usize = 1000;

/// The plan that the driver follows.
pub(super) fn plan(stage: &Stage, seed: u64, run_id: &str) -> Plan {
    let load = match schedule(stage, seed) {
        None => Load::Closed { workers: stage.clients },
        Some(schedule) => {
            Load::Open { schedule, sessions: stage.clients, queue: stage.clients * QUEUE_PER_SESSION }
        }
    };
    Plan {
        load,
        workload: Arc::new(stage.workload.clone()),
        stop: Stop {
            duration: stage.extend_to_s.or(stage.duration_s).map(Duration::from_secs_f64),
            calls: stage.calls,
        },
        deadline: Duration::from_secs_f64(stage.deadline_s),
        seed,
        run_id: run_id.into(),
    }
}

fn schedule(stage: &Stage, seed: u64) -> Option<Schedule> {
    let per_second = stage.rate_per_s?;
    Some(match &stage.arrivals {
        Arrivals::Constant => Schedule::Constant { per_second },
        Arrivals::Poisson => Schedule::Poisson { per_second, seed },
        Arrivals::Ramp { from, steps } => {
            let ramp = Ramp { per_second, duration_s: stage.duration_s?, from: *from, steps: *steps };
            Schedule::Ramp { ramp, seed }
        }
        Arrivals::Day { .. } => Schedule::Day { profile: stage.day()?, seed },
    })
}
