//! The sink of a stage: figures, a timeline, phases of the day, and what exports leave behind.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use music21_mcp_bench::client::{Outcome, Tool};
use music21_mcp_proc::ResourceSample;
use serde::Deserialize;

use crate::driver::{Event, Recorder, Settings, Sink};
use crate::lock::lock;
use crate::measure::Sample;
use crate::measure::histogram::Histogram;
use crate::measure::steady::FixedWarmUp;
use crate::profile::CallSpan;
use crate::result::{DayProfile, Exports, Second, bin_of, phases};

const SECOND_NS: u64 = 1_000_000_000;
/// How often it is looked whether the first call has ended.
pub(super) const LOOK: Duration = Duration::from_millis(10);
/// Paths of exports remembered, to see later whether the files are still there.
const PATHS: usize = 200_000;

/// Collects one stage.
#[derive(Debug)]
pub(super) struct Observer {
    /// Figures by tool.
    pub(super) recorder: Recorder,
    /// Figures by phase of the day, under one name for all tools.
    pub(super) phases: BTreeMap<&'static str, Recorder>,
    /// Calls that ended.
    pub(super) calls: u64,
    /// Calls that ended otherwise than well.
    pub(super) errors: u64,
    /// Calls that ended in a row without reaching the server.
    pub(super) unreached_in_a_row: u64,
    /// What the server's processes used when last looked at.
    pub(super) resources: Option<ResourceSample>,
    /// Every call's time, where a profile needs them.
    pub(super) spans: Option<Vec<CallSpan>>,
    /// Every call, where a fault is to be seen in them.
    pub(super) samples: Option<Vec<Sample>>,
    /// Calls due in each hour of the day's pattern, as far as they were sent.
    pub(super) due_by_hour: Vec<u64>,
    /// The times at which a ramp of the day's load ended, and the calls that were due and not answered then.
    pub(super) ramp_ends: Vec<(u64, u64)>,
    day: Option<DayProfile>,
    warm_up: FixedWarmUp,
    timeline: Timeline,
    exports: Ledger,
    started: Option<Instant>,
}

impl Observer {
    /// An observer of nothing so far.
    pub(super) fn new(settings: Settings, day: Option<DayProfile>) -> Self {
        Self {
            recorder: Recorder::new(settings),
            phases: BTreeMap::new(),
            calls: 0,
            errors: 0,
            unreached_in_a_row: 0,
            resources: None,
            spans: None,
            samples: None,
            due_by_hour: Vec::new(),
            ramp_ends: day
                .iter()
                .flat_map(DayProfile::ramp_ends)
                .map(|at_s| ((at_s * 1e9) as u64, 0))
                .collect(),
            day,
            warm_up: settings.warm_up,
            timeline: Timeline::default(),
            exports: Ledger::default(),
            started: None,
        }
    }

    /// When the stage's clock began, as its first event shows.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// The seconds so far.
    pub(super) fn seconds(&self) -> Vec<Second> {
        self.timeline.seconds()
    }

    /// The last whole second in which calls ended, or what there is of the first.
    pub(super) fn last_second(&self) -> Second {
        self.timeline.finished.last().cloned().unwrap_or_else(|| self.timeline.close())
    }

    /// What exports left; looks at each file.
    pub(super) fn exports(&self) -> Exports {
        self.exports.look()
    }

    fn note_phase(&mut self, event: &Event<'_>) {
        let Some(day) = &self.day else { return };
        let hour = day.hour_at(event.sample.due_ns as f64 / 1e9) as usize;
        if self.due_by_hour.len() <= hour {
            self.due_by_hour.resize(hour + 1, 0);
        }
        self.due_by_hour[hour] += 1;
        let Sample { due_ns, done_ns, .. } = event.sample;
        for (at_ns, waiting) in &mut self.ramp_ends {
            *waiting += u64::from((due_ns..done_ns).contains(at_ns));
        }
        // The stage's warm-up is the first phase's. What is slow at the beginning of the others belongs to them, so that
        // it is not looked for in single samples.
        let none = FixedWarmUp { time_ns: 0, calls: 0 };
        let warm_up = if self.phases.is_empty() { self.warm_up } else { none };
        let settings = Settings { warm_up, keep_samples: 0 };
        for phase in phases::at(day, event.sample.due_ns) {
            let recorder = self.phases.entry(phase).or_insert_with(|| Recorder::new(settings));
            recorder.on_end(&Event { tool: "all", is_cold: false, ..*event });
        }
    }
}

impl Sink for Observer {
    fn on_end(&mut self, event: &Event<'_>) {
        let Sample { done_ns, outcome, .. } = event.sample;
        if self.started.is_none() {
            self.started = Instant::now().checked_sub(Duration::from_nanos(done_ns));
        }
        self.calls += 1;
        self.errors += u64::from(outcome != Outcome::Ok);
        self.unreached_in_a_row = if outcome.is_connection_loss() { self.unreached_in_a_row + 1 } else { 0 };
        if let Some(samples) = &mut self.samples {
            samples.push(event.sample);
        }
        if let Some(spans) = &mut self.spans {
            let (tool, sent_ns) = (event.tool.to_owned(), event.sample.sent_ns);
            spans.push(CallSpan { tool, sent_ns, done_ns });
        }
        self.timeline.note(&event.sample);
        self.exports.note(event);
        self.note_phase(event);
        self.recorder.on_end(event);
    }

    fn on_dropped(&mut self) {
        self.recorder.on_dropped();
    }

    fn on_tenth(&mut self, at_ns: u64) {
        self.recorder.on_tenth(at_ns);
    }
}

/// When the stage's clock has begun, as soon as its first call has ended.
pub(super) async fn wait_for_start(observer: &Mutex<Observer>) -> Instant {
    loop {
        // By itself, so that the lock is not held while it waits.
        let started = lock(observer).started();
        match started {
            Some(start) => return start,
            None => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Second by second, in memory that one histogram and a line a second take.
#[derive(Debug, Default)]
struct Timeline {
    finished: Vec<Second>,
    current: Second,
    responses: Histogram,
    busy_ns: Vec<u64>,
}

impl Timeline {
    fn note(&mut self, sample: &Sample) {
        let second = sample.done_ns / SECOND_NS;
        // Sessions tell their ends almost in order; one that is late by a second counts in the next.
        while self.current.at_s < second {
            self.finished.push(self.close());
            self.current = Second { at_s: self.current.at_s + 1, ..Second::default() };
            self.responses.clear();
        }
        match sample.outcome {
            Outcome::Ok => self.current.ok += 1,
            other => *self.current.errors.entry(other).or_default() += 1,
        }
        if let Some(response) = sample.response() {
            self.responses.record(response);
            *self.current.by_time.entry(bin_of(response.ns)).or_default() += 1;
        }
        self.note_busy(sample);
    }

    fn note_busy(&mut self, sample: &Sample) {
        let mut from = sample.sent_ns;
        while from < sample.done_ns {
            let second = (from / SECOND_NS) as usize;
            let until = sample.done_ns.min((from / SECOND_NS + 1) * SECOND_NS);
            if self.busy_ns.len() <= second {
                self.busy_ns.resize(second + 1, 0);
            }
            self.busy_ns[second] += until - from;
            from = until;
        }
    }

    fn close(&self) -> Second {
        Second {
            p50_ns: self.responses.quantile(0.5),
            p95_ns: self.responses.quantile(0.95),
            max_ns: self.responses.max_ns(),
            ..self.current.clone()
        }
    }

    fn seconds(&self) -> Vec<Second> {
        let mut seconds = self.finished.clone();
        seconds.push(self.close());
        for (second, busy_ns) in seconds.iter_mut().zip(&self.busy_ns) {
            second.in_flight = *busy_ns as f64 / SECOND_NS as f64;
        }
        seconds
    }
}

/// The files that export replies name.
#[derive(Debug, Default)]
struct Ledger {
    made: u64,
    made_bytes: u64,
    paths: Vec<String>,
}

#[derive(Deserialize)]
struct ExportReply {
    file_path: String,
    file_size: u64,
}

impl Ledger {
    fn note(&mut self, event: &Event<'_>) {
        if event.tool != Tool::ExportScore.name() || event.sample.outcome != Outcome::Ok {
            return;
        }
        if let Some(ExportReply { file_path, file_size }) = event.reply.parse() {
            self.made += 1;
            self.made_bytes += file_size;
            if self.paths.len() < PATHS {
                self.paths.push(file_path);
            }
        }
    }

    fn look(&self) -> Exports {
        let sizes = self.paths.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len());
        let (left, left_bytes) = sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size));
        Exports { made: self.made, made_bytes: self.made_bytes, left, left_bytes }
    }
}
