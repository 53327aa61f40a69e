//! Figures of one stage, finished or under way, for those who look while it runs.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::in_flight::InFlight;
use super::observer::Observer;
use crate::lock::lock;
use crate::result::{AccountsBy, Snapshot, Stage, StageFigures, Times, ToolFigures};

/// The stage under way. Clones look at the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Mutex<Option<Current>>>);

#[derive(Debug)]
struct Current {
    scenario: String,
    stage: String,
    duration_s: Option<f64>,
    of_calls: Option<u64>,
    begun: Instant,
    has_ended: bool,
    observer: Arc<Mutex<Observer>>,
    in_flight: InFlight,
}

impl Live {
    pub(super) fn begin(
        &self,
        scenario: &str,
        stage: &Stage,
        observer: &Arc<Mutex<Observer>>,
        in_flight: &InFlight,
    ) {
        *lock(&self.0) = Some(Current {
            scenario: scenario.to_owned(),
            stage: stage.name.clone(),
            duration_s: stage.duration_s,
            of_calls: stage.calls,
            begun: Instant::now(),
            has_ended: false,
            observer: Arc::clone(observer),
            in_flight: in_flight.clone(),
        });
    }

    /// The stage under way takes that many seconds.
    pub(super) fn takes(&self, duration_s: f64) {
        if let Some(current) = &mut *lock(&self.0) {
            current.duration_s = Some(duration_s);
        }
    }

    pub(super) fn end(&self) {
        if let Some(current) = &mut *lock(&self.0) {
            current.has_ended = true;
        }
    }

    /// The stage under way; `None` between stages.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        let current = lock(&self.0);
        let current = current.as_ref().filter(|current| !current.has_ended)?;
        let observer = lock(&current.observer);
        Some(Snapshot {
            scenario: current.scenario.clone(),
            stage: current.stage.clone(),
            elapsed_s: current.begun.elapsed().as_secs_f64(),
            duration_s: current.duration_s,
            calls: observer.calls,
            of_calls: current.of_calls,
            in_flight: current.in_flight.count(),
            errors: observer.errors,
            last: observer.last_second(),
            resources: observer.resources,
        })
    }

    /// The stage under way, or the last; `None` before the first.
    pub(crate) fn stage(&self) -> Option<StageFigures> {
        let current = lock(&self.0);
        let Current { scenario, stage, observer, .. } = current.as_ref()?;
        let observer = lock(observer);
        let tools = observer.recorder.tools.iter().map(|(name, tool)| {
            let accounts = AccountsBy::of(&tool.accounts);
            let figures = ToolFigures {
                accounts,
                response: Times::of(tool.response.histogram()),
                service: Times::of(tool.service.histogram()),
                first_byte: Times::of(&tool.first_byte),
            };
            (name.clone(), figures)
        });
        Some(StageFigures {
            scenario: scenario.clone(),
            stage: stage.clone(),
            elapsed_s: observer.started().map_or(0.0, |started: Instant| started.elapsed().as_secs_f64()),
            tools: tools.collect(),
            resources: observer.resources,
        })
    }
}
