//! The sink that turns calls into figures, in memory that does not grow with the run.

use std::collections::BTreeMap;

use music21_mcp_bench::client::{Outcome, Reply};

use super::{Event, Run, Sink};
use crate::measure::accounting::Accounts;
use crate::measure::histogram::Histogram;
use crate::measure::steady::{self, FixedWarmUp, Steadiness};
use crate::measure::summary::{Running, Summary, summarize};
use crate::measure::validity::VERY_LATE_NS;
use crate::measure::{Latency, Sample};
use crate::result::{Doubtful, EXAMPLES, Example, Interval, Traced};

/// What a [`Recorder`] leaves out and keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The part of the run that is in no figure.
    pub warm_up: FixedWarmUp,
    /// Single samples are kept up to this many in all (48 bytes each), so that the end of the
    /// warm-up can be found in them. A longer run has its figures from histograms, with the fixed
    /// warm-up.
    pub keep_samples: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { warm_up: FixedWarmUp::default(), keep_samples: 100_000 }
    }
}

/// The figures of one tool.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolRecord {
    /// How its calls ended, cold ones and warm-up included.
    pub accounts: Accounts,
    /// The first call on each server.
    pub cold: Vec<Sample>,
    /// Response times after the fixed warm-up.
    pub response: Running,
    /// Service times after the fixed warm-up.
    pub service: Running,
    /// From sending to the first byte of the answers of good calls, after the fixed warm-up.
    pub first_byte: Histogram,
    /// Service times of calls that failed, but for timeouts, which are in the figures above, and for calls that we
    /// abandoned.
    pub failures: Histogram,
    /// Bytes of all replies, envelopes included.
    pub reply_bytes: u64,
    /// All samples but the cold ones; empty if there were too many to keep.
    pub samples: Vec<Sample>,
    /// Tenths that have ended, those without calls left out.
    pub intervals: Vec<Interval>,
    /// What went wrong, in the server's words.
    pub examples: Vec<Example>,
    /// The slowest good calls, where they have traces.
    pub slowest: Vec<Traced>,
    /// Good answers that read like failures.
    pub doubtful: Option<Doubtful>,
    /// How the first good answer began.
    pub good_example: Option<String>,
}

/// What is said of one tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    /// Response times; `None` without any.
    pub response: Option<Summary>,
    /// Service times; `None` without any.
    pub service: Option<Summary>,
    /// Whether the tool's times settled; `None` where too many samples were made to keep them.
    pub steadiness: Option<Steadiness>,
}

/// Characters of a good answer that are quoted.
const QUOTED: usize = 120;

/// Collects the calls of one run.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    settings: Settings,
    /// By tool.
    pub tools: BTreeMap<String, ToolRecord>,
    /// Calls that were due and never sent.
    pub dropped: u64,
    /// Our own lateness, of every call.
    pub scheduling_delay: Histogram,
    /// Calls dispatched very late.
    pub very_late: u64,
    /// Nanoseconds in which clients judged replies, all together.
    pub judging_ns: u64,
    ended: usize,
    /// When the last tenth ended.
    tenth_ns: u64,
    /// When the fixed warm-up was over.
    warm_from_ns: Option<u64>,
    keeps_samples: bool,
}

impl Recorder {
    /// A recorder of nothing so far.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, keeps_samples: true, ..Self::default() }
    }

    /// All tools together, dropped calls included.
    pub(crate) fn accounts(&self, run: &Run) -> Accounts {
        let mut all = Accounts::default();
        self.tools.values().for_each(|tool| all.merge(&tool.accounts));
        (0..self.dropped).for_each(|_| all.end(Outcome::Dropped));
        all.scheduled = run.scheduled;
        all
    }

    /// Calls to which something came back.
    pub(crate) fn answered(&self) -> u64 {
        self.tools.values().map(|tool| tool.accounts.answered()).sum()
    }

    /// The figures of one tool; `None` if it was never called.
    pub(crate) fn figures(&self, tool: &str) -> Option<Figures> {
        if !self.keeps_samples {
            return self.figures_so_far(tool);
        }
        Some(self.tools.get(tool)?.figures_of_samples(self.warm_from_ns.unwrap_or(u64::MAX)))
    }

    /// The figures of one tool after the fixed warm-up, without a look at single samples: a run under way is written
    /// down every ten seconds, and calls that end wait meanwhile. With the 100,000 samples that are kept this takes
    /// 1 ms, and [`Recorder::figures`] 9 to 12.
    pub(crate) fn figures_so_far(&self, tool: &str) -> Option<Figures> {
        let record = self.tools.get(tool)?;
        let (response, service) = (record.response.summary(), record.service.summary());
        Some(Figures { response, service, steadiness: None })
    }

    fn keep(&mut self, tool: &str, sample: Sample) {
        if !self.keeps_samples {
            return;
        }
        if self.ended > self.settings.keep_samples {
            self.keeps_samples = false;
            self.tools.values_mut().for_each(|record| record.samples = Vec::new());
        } else if let Some(record) = self.tools.get_mut(tool) {
            record.samples.push(sample);
        }
    }
}

impl Sink for Recorder {
    fn on_end(&mut self, event: &Event<'_>) {
        let sample = event.sample;
        self.ended += 1;
        self.judging_ns += event.judging_ns;
        self.scheduling_delay.record(Latency { ns: sample.scheduling_delay_ns(), censored: false });
        self.very_late += u64::from(sample.scheduling_delay_ns() > VERY_LATE_NS);
        let warm_up = self.settings.warm_up;
        if self.warm_from_ns.is_none() && sample.due_ns >= warm_up.time_ns && self.ended > warm_up.calls {
            self.warm_from_ns = Some(sample.due_ns);
        }
        let is_warm = self.warm_from_ns.is_some_and(|from_ns| sample.due_ns >= from_ns);
        if !self.tools.contains_key(event.tool) {
            self.tools.insert(event.tool.to_owned(), ToolRecord::default());
        }
        if let Some(record) = self.tools.get_mut(event.tool) {
            record.take(event, is_warm);
        }
        if !event.is_cold {
            self.keep(event.tool, sample);
        }
    }

    fn on_dropped(&mut self) {
        self.dropped += 1;
    }

    fn on_tenth(&mut self, at_ns: u64) {
        let from_ns = std::mem::replace(&mut self.tenth_ns, at_ns);
        self.tools.values_mut().for_each(|record| record.end_interval(from_ns, at_ns));
    }
}

/// From sending to the first byte of the answer.
fn first_byte_ns(reply: &Reply) -> Option<u64> {
    Some(reply.first_byte?.saturating_duration_since(reply.sent?).as_nanos() as u64)
}

impl ToolRecord {
    fn take(&mut self, event: &Event<'_>, is_warm: bool) {
        let sample = event.sample;
        self.accounts.scheduled += 1;
        self.accounts.end(sample.outcome);
        self.reply_bytes += event.reply.bytes as u64;
        if sample.outcome == Outcome::Ok {
            self.note_good(event.reply);
        } else {
            self.note_example(event);
        }
        if let (Outcome::Ok, Some(trace)) = (sample.outcome, &event.reply.trace) {
            let one = Traced { service_ns: sample.service_ns(), trace: trace.clone() };
            Traced::keep(&mut self.slowest, one);
        }
        if event.is_cold {
            self.cold.push(sample);
            return;
        }
        match (sample.response(), sample.service()) {
            (Some(response), Some(service)) if is_warm => {
                self.response.record(response);
                self.service.record(service);
                if let Some(ns) = first_byte_ns(event.reply) {
                    self.first_byte.record(Latency { ns, censored: false });
                }
            }
            (None, _) if sample.outcome != Outcome::Cancelled => {
                self.failures.record(Latency { ns: sample.service_ns(), censored: false });
            }
            _ => {}
        }
    }

    fn end_interval(&mut self, from_ns: u64, until_ns: u64) {
        let (response, service) = (self.response.batch(), self.service.batch());
        if response.count() > 0 {
            let (response_hdr, service_hdr) = (response.to_base64(), service.to_base64());
            self.intervals.push(Interval { from_ns, until_ns, response_hdr, service_hdr });
        }
        self.response.end_batch();
        self.service.end_batch();
    }

    fn note_good(&mut self, reply: &Reply) {
        if let Some(why) = &reply.doubt {
            let doubtful = self.doubtful.get_or_insert_with(|| Doubtful { calls: 0, why: why.clone() });
            doubtful.calls += 1;
        }
        if self.good_example.is_none() {
            let beginning: String =
                reply.text.iter().flat_map(|text| text.chars()).take(4 * QUOTED).collect();
            let line = beginning.split_whitespace().collect::<Vec<_>>().join(" ");
            self.good_example = Some(line.chars().take(QUOTED).collect());
        }
    }

    fn note_example(&mut self, event: &Event<'_>) {
        let outcome = event.sample.outcome;
        let message = event.reply.message.as_deref().unwrap_or_default();
        let is_known = self.examples.iter().any(|e| e.outcome == outcome && e.message == message);
        if self.examples.len() < EXAMPLES && !is_known {
            let trace = event.reply.trace.clone();
            self.examples.push(Example { outcome, message: message.to_owned(), trace });
        }
    }

    /// The figures after the warm-up that the samples themselves show.
    fn figures_of_samples(&self, warm_from_ns: u64) -> Figures {
        let mut samples: Vec<Sample> =
            self.samples.iter().copied().filter(|sample| sample.response().is_some()).collect();
        samples.sort_by_key(|sample| sample.due_ns);
        let fixed = samples.partition_point(|sample| sample.due_ns < warm_from_ns);
        let responses: Vec<u64> = samples.iter().map(Sample::response_ns).collect();
        let steadiness = steady::find_steady_part(&responses, fixed);
        let from = match steadiness {
            Steadiness::Steady { from } | Steadiness::Drifting { from, .. } => from,
            Steadiness::Unsteady => fixed,
        };
        let of = |time: fn(&Sample) -> Option<Latency>| {
            summarize(&samples[from..].iter().filter_map(time).collect::<Vec<_>>())
        };
        Figures { response: of(Sample::response), service: of(Sample::service), steadiness: Some(steadiness) }
    }
}
