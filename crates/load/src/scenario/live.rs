//! Figures of one stage, finished or under way, for those who look while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::definition::Stage;
use super::in_flight::InFlight;
use super::observer::Observer;
use super::stage_result::{AccountsBy, Second, StageResult};
use crate::measure::summary::Summary;
use music21_mcp_proc::ResourceSample;

/// The stage under way. Clones look at the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Mutex<Option<Current>>>);

#[derive(Debug)]
struct Current {
    scenario: String,
    stage: String,
    duration_s: Option<f64>,
    begun: Instant,
    has_ended: bool,
    observer: Arc<Mutex<Observer>>,
    in_flight: InFlight,
}

/// How a stage under way is at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    /// The scenario's name.
    pub scenario: String,
    /// The stage's name.
    pub stage: String,
    /// Seconds since it began.
    pub elapsed_s: f64,
    /// Seconds that it takes, where that is known.
    pub duration_s: Option<f64>,
    /// Calls sent and not yet answered.
    pub in_flight: usize,
    /// Calls so far that ended otherwise than well.
    pub errors: u64,
    /// The last second that is over.
    pub last: Second,
    /// The server's processes when last looked at.
    pub resources: Option<ResourceSample>,
}

/// What is shown of one stage.
#[derive(Debug, Clone)]
pub(crate) struct StageFigures {
    /// The scenario's name.
    pub scenario: String,
    /// The stage's name.
    pub stage: String,
    /// Seconds since its first call was due.
    pub elapsed_s: f64,
    /// By tool.
    pub tools: BTreeMap<String, ToolFigures>,
    /// The server's processes when last looked at.
    pub resources: Option<ResourceSample>,
}

/// What is shown of one tool.
#[derive(Debug, Clone)]
pub(crate) struct ToolFigures {
    /// Every call in its class.
    pub accounts: AccountsBy,
    /// From the intended start to the end, after the warm-up.
    pub response: Option<Summary>,
    /// From sending to the end, after the warm-up.
    pub service: Option<Summary>,
}

impl Live {
    pub(super) fn begin(
        &self,
        scenario: &str,
        stage: &Stage,
        observer: &Arc<Mutex<Observer>>,
        in_flight: &InFlight,
    ) {
        *self.lock() = Some(Current {
            scenario: scenario.to_owned(),
            stage: stage.name.clone(),
            duration_s: stage.duration_s,
            begun: Instant::now(),
            has_ended: false,
            observer: Arc::clone(observer),
            in_flight: in_flight.clone(),
        });
    }

    /// The stage under way takes that many seconds.
    pub(super) fn takes(&self, duration_s: f64) {
        if let Some(current) = &mut *self.lock() {
            current.duration_s = Some(duration_s);
        }
    }

    pub(super) fn end(&self) {
        if let Some(current) = &mut *self.lock() {
            current.has_ended = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stage under way; `None` between stages.
    #[must_use]
    pub(crate) fn pulse(&self) -> Option<Pulse> {
        let current = self.lock();
        let current = current.as_ref().filter(|current| !current.has_ended)?;
        let observer = current.observer.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Pulse {
            scenario: current.scenario.clone(),
            stage: current.stage.clone(),
            elapsed_s: current.begun.elapsed().as_secs_f64(),
            duration_s: current.duration_s,
            in_flight: current.in_flight.count(),
            errors: observer.errors,
            last: observer.last_second(),
            resources: observer.resources,
        })
    }

    /// The stage under way, or the last; `None` before the first.
    #[must_use]
    pub(crate) fn stage(&self) -> Option<StageFigures> {
        let current = self.lock();
        let Current { scenario, stage, observer, .. } = current.as_ref()?;
        let observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
        let tools = observer.recorder.tools.iter().map(|(name, tool)| {
            let accounts = AccountsBy::of(&tool.accounts);
            let figures =
                ToolFigures { accounts, response: tool.response.summary(), service: tool.service.summary() };
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

impl StageFigures {
    /// Of a finished stage.
    #[must_use]
    pub(crate) fn of(scenario: &str, stage: &StageResult) -> Self {
        let tools = stage.tools.iter().map(|(name, tool)| {
            let (response, service) = (tool.response.clone(), tool.service.clone());
            (name.clone(), ToolFigures { accounts: tool.accounts.clone(), response, service })
        });
        Self {
            scenario: scenario.to_owned(),
            stage: stage.name.clone(),
            elapsed_s: stage.elapsed_ns as f64 / 1e9,
            tools: tools.collect(),
            resources: stage.resources.last().map(|at| at.sample),
        }
    }
}
