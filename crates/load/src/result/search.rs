//! How much load a server takes within an objective: doubling, then halving the gap. The load is the number of clients of
//! a closed loop, or the arrival rate of an open one.

use serde::{Deserialize, Serialize, Serializer};

use crate::measure::quantile::Quantile;
use crate::result::{Stage, StageResult, ToolResult};

/// A search for the most load, as data: the definition's closed-loop stage is run with different numbers of clients, and
/// its open-loop stage at different rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// p95 of each tool must surely be at most this, milliseconds: of service times in a closed loop, of response times
    /// from the due moment in an open one.
    pub max_p95_ms: f64,
    /// The share of good answers must be at least this.
    pub min_success: f64,
    /// No more clients than this are tried, in the closed-loop stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_clients: Option<usize>,
    /// No higher rate than this is tried, in the open-loop stage. Each trial has as many sessions as that many calls under
    /// way within the objective need, and at least the stage's clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate_per_s: Option<f64>,
}

/// What a stage says of its load.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Served {
    /// Surely within the objective.
    Within,
    /// The bounds are on both sides, or there were too few calls for any.
    #[serde(alias = "cannot_tell")]
    Inconclusive,
    /// Surely not.
    Beyond,
}

/// One load that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tried {
    /// Clients; of an open loop its sessions.
    pub clients: usize,
    /// Calls due per second, in an open loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// What came of it.
    pub served: Served,
    /// The generator or its machine spoilt it, so that it was tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_disturbed: bool,
    /// The figures.
    pub text: String,
}

/// Where a search is. What is inconclusive counts as not served: the answer is a load that is proven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Capacity {
    /// No more clients than this were to be tried; `None` in a search by rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_clients: Option<usize>,
    /// No higher rate than this was to be tried; `None` in a search by clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rate_per_s: Option<f64>,
    /// The most clients, or calls a second, that were surely served; `None` so far.
    #[serde(serialize_with = "whole")]
    pub highest_within: Option<f64>,
    /// The fewest that were not, among those above; `None` so far.
    #[serde(serialize_with = "whole")]
    pub lowest_not_within: Option<f64>,
    /// All that were tried, in order.
    pub tried: Vec<Tried>,
}

/// Where a search begins, and where it ends at the latest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    first: f64,
    least: f64,
    most: f64,
}

/// The gap is closed to this share of the load that is served: a stage's own noise is wider.
const RESOLUTION: f64 = 0.05;
/// Trials that are made again in one search because something else disturbed them, each once.
const REPEATS: u32 = 3;
/// Calls of a tool without which its p95 has no bound: no trial of fewer could prove anything.
pub(crate) const CALLS_FOR_A_BOUND: f64 = 59.0;

/// A number of clients is written as it always was.
fn whole<S: Serializer>(load: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *load {
        Some(load) if load.fract() == 0.0 => serializer.serialize_u64(load as u64),
        load => load.serialize(serializer),
    }
}

/// To three digits, so that a rate can be read.
fn rounded(rate: f64, round: fn(f64) -> f64) -> f64 {
    let digit = 10_f64.powi(rate.log10().floor() as i32 - 2);
    // Divided where it can be, because a tenth is no binary number.
    if digit < 1.0 { round(rate / digit) / (1.0 / digit).round() } else { round(rate / digit) * digit }
}

impl Served {
    /// In a word or two, beside the objective.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Inconclusive => "inconclusive",
            Self::Beyond => "beyond",
        }
    }
}

impl Tried {
    /// What was searched over.
    pub(crate) fn load(&self) -> f64 {
        self.rate_per_s.unwrap_or(self.clients as f64)
    }
}

impl Search {
    /// The tool that keeps the objective least, with the p95 of the times that are judged; `None` without tools.
    pub(crate) fn worst<'a>(&self, stage: &'a StageResult) -> Option<(&'a str, Option<Quantile>)> {
        let p95 = |tool: &ToolResult| stage.times(tool).map(|times| times.p95);
        let p95s = stage.tools.iter().map(|(name, tool)| (name.as_str(), p95(tool)));
        p95s.max_by_key(|(_, p95)| (self.keeps(p95.as_ref()), p95.as_ref().and_then(Quantile::ns)))
    }

    /// Whether a p95 keeps the objective, by its bounds.
    pub(crate) fn keeps(&self, p95: Option<&Quantile>) -> Served {
        let max_ns = (self.max_p95_ms * 1e6) as u64;
        match (p95.and_then(Quantile::lower_ns), p95.and_then(Quantile::upper_ns)) {
            (_, Some(upper_ns)) if upper_ns <= max_ns => Served::Within,
            (Some(lower_ns), _) if lower_ns > max_ns => Served::Beyond,
            _ => Served::Inconclusive,
        }
    }

    /// How a stage is searched with. `throughput`, where it is known, is that of a closed loop: half of it is a better
    /// guess of the rate than the stage's own.
    pub(crate) fn span(&self, stage: &Stage, throughput: Option<f64>) -> Span {
        let (Some(rate), Some(most)) = (stage.rate_per_s, self.max_rate_per_s) else {
            return Span { first: 1.0, least: 1.0, most: self.max_clients.unwrap_or(1) as f64 };
        };
        let duration_s = stage.duration_s.unwrap_or(1.0);
        // An option may have made it shorter than its warm-up.
        let measured_s = (duration_s - stage.warm_up_s).max(0.1);
        let calls = CALLS_FOR_A_BOUND * stage.workload.tools() as f64;
        // Calls that come independently of each other come in other numbers than on average: three standard deviations more are
        // meant to come, x − 3√x = calls.
        let meant = ((3.0 + (9.0 + 4.0 * calls).sqrt()) / 2.0).powi(2);
        // Its warm-up is over when both its time and its calls are.
        let per_s = (meant / measured_s).max((meant + stage.warm_up_calls as f64) / duration_s);
        let least = rounded(per_s, f64::ceil).min(most);
        let first = throughput.map_or(rate, |per_s| rounded(per_s / 2.0, f64::round)).clamp(least, most);
        Span { first, least, most }
    }

    /// The stage at such a load. With more calls under way than come due within the objective, responses would take longer
    /// than that on average (Little's law): more sessions change nothing.
    pub(crate) fn trial(&self, stage: &Stage, load: f64) -> Stage {
        if stage.rate_per_s.is_none() {
            let name = format!("{load} client{}", if load == 1.0 { "" } else { "s" });
            return Stage { name, clients: load as usize, ..stage.clone() };
        }
        let name = format!("{load} calls/s");
        Stage {
            name,
            clients: self.sessions(load).max(stage.clients),
            rate_per_s: Some(load),
            ..stage.clone()
        }
    }

    fn sessions(&self, rate_per_s: f64) -> usize {
        (rate_per_s * self.max_p95_ms / 1e3).ceil() as usize
    }

    /// The most sessions that any trial has.
    pub(crate) fn most_clients(&self) -> usize {
        let of_rate = self.max_rate_per_s.map_or(0, |most| self.sessions(most));
        self.max_clients.unwrap_or(0).max(of_rate)
    }
}

impl Span {
    /// No more stages than this are run: down and up in doublings, then the gap is halved, and some are run again.
    pub(crate) fn most_stages(self) -> u32 {
        let doublings = |high: f64, low: f64| (high / low).log2().ceil() as u32 + 1;
        let ways = doublings(self.most, self.first) + doublings(self.first, self.least);
        ways + (1.0 / RESOLUTION).log2().ceil() as u32 + REPEATS
    }
}

impl Capacity {
    /// What is searched for, by clients and by rate; nothing tried yet.
    #[must_use]
    pub fn begun(search: &Search) -> [Option<Self>; 2] {
        let none = Self {
            max_clients: None,
            max_rate_per_s: None,
            highest_within: None,
            lowest_not_within: None,
            tried: Vec::new(),
        };
        let (max_clients, max_rate_per_s) = (search.max_clients, search.max_rate_per_s);
        [
            max_clients.map(|_| Self { max_clients, ..none.clone() }),
            max_rate_per_s.map(|_| Self { max_rate_per_s, ..none }),
        ]
    }

    /// Whether the load is an arrival rate.
    pub(crate) fn is_by_rate(&self) -> bool {
        self.max_rate_per_s.is_some()
    }

    /// A load with its unit.
    pub(crate) fn shown(&self, load: f64) -> String {
        let unit = match self.is_by_rate() {
            true => "calls/s",
            false if load == 1.0 => "client",
            false => "clients",
        };
        format!("{load} {unit}")
    }

    /// The next load to try; `None` when all is known that can be.
    pub(crate) fn next(&self, span: Span) -> Option<f64> {
        if let Some((last, before)) = self.tried.split_last()
            && is_to_be_repeated(last, before)
        {
            return Some(last.load());
        }
        match (self.highest_within, self.lowest_not_within) {
            // A first stage with too few calls says nothing; more load makes more of them.
            (None, None) => doubled(self.tried.last().map(Tried::load), span),
            (within, None) => doubled(within, span),
            (None, Some(_)) => {
                let loads = || self.tried.iter().map(Tried::load);
                let (least, most) = (loads().fold(f64::INFINITY, f64::min), loads().fold(0.0, f64::max));
                if least > span.least {
                    // Not all the way by halves: the least that could prove anything is tried, too.
                    return Some((least / 2.0).max(span.least));
                }
                // It may have been too few calls that proved nothing: more load makes more of them.
                let nothing_is_proven = self.tried.iter().all(|tried| tried.served == Served::Inconclusive);
                doubled(Some(most), span).filter(|_| nothing_is_proven)
            }
            (Some(low), Some(high)) if self.is_by_rate() => {
                (high - low > low * RESOLUTION).then(|| rounded(low.midpoint(high), f64::round))
            }
            (Some(low), Some(high)) => {
                let gap = (low * RESOLUTION).floor().max(1.0);
                (high - low > gap).then(|| low.midpoint(high).floor())
            }
        }
    }

    /// Takes what came of a load.
    pub fn observe(&mut self, tried: Tried) {
        if !is_to_be_repeated(&tried, &self.tried) {
            let load = tried.load();
            match tried.served {
                Served::Within => {
                    let highest = self.highest_within.map_or(load, |low| low.max(load));
                    self.highest_within = Some(highest);
                    // Less load that proved nothing is served as well.
                    self.lowest_not_within = self.lowest_not_within.filter(|not| *not > load);
                }
                // A few clients make too few calls. A rate is tried only if it makes enough.
                Served::Inconclusive if self.highest_within.is_none() && !self.is_by_rate() => {}
                Served::Beyond | Served::Inconclusive => {
                    self.lowest_not_within = Some(self.lowest_not_within.map_or(load, |not| not.min(load)));
                }
            }
        }
        self.tried.push(tried);
    }
}

/// What something else may have made inconclusive is tried once more, but not for ever.
fn is_to_be_repeated(tried: &Tried, before: &[Tried]) -> bool {
    let repeats = before.windows(2).filter(|pair| pair[0].load() == pair[1].load()).count();
    let is_first = before.last().is_none_or(|last| last.load() != tried.load());
    tried.is_disturbed && tried.served == Served::Inconclusive && is_first && repeats < REPEATS as usize
}

fn doubled(load: Option<f64>, span: Span) -> Option<f64> {
    match load {
        None => Some(span.first),
        Some(load) => (load < span.most).then(|| (load * 2.0).min(span.most)),
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
