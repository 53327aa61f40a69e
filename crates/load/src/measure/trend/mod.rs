//! Is the server's memory growing for good? The rule tells a leak from allocator steps and late
//! warm-up, and says when it cannot tell.

mod mann_kendall;
mod simulate;

use mann_kendall::Trend;
pub(crate) use mann_kendall::mann_kendall;
use serde::{Deserialize, Serialize};
pub(crate) use simulate::simulate;

use super::stats::median;

/// Warm-up before the window: a music21 process that leaks nothing was measured to grow from 62 to
/// 92 MB in its first minute.
pub(crate) const WARM_UP_S: f64 = 120.0;
/// Calls that belong to the warm-up as well.
const WARM_UP_CALLS: u64 = 1200;
/// A shorter window gives no verdict: in simulation 35 % of leak-free 60 s windows look like a leak.
pub(crate) const WINDOW_S: f64 = 300.0;
/// A leak in a shorter window fails nothing: what warms up late looks like one.
pub(crate) const CONFIRMED_S: f64 = 600.0;
/// Bins whose medians are judged.
const BINS: usize = 60;
/// Bins that must hold a reading.
const MIN_BINS: usize = 50;
/// Readings from which a growth is reported without a verdict.
pub(crate) const MIN_READINGS: usize = 10;
/// The slope of a leak, MB/min, is above this …
const LEAK_SLOPE: f64 = 0.5;
/// … with its lower bound above this …
const LEAK_LOWER: f64 = 0.2;
/// … and the net slope of the window's second half above this (late warm-up flattens out).
const LEAK_SECOND_HALF: f64 = 0.3;
/// Without a leak the upper bound is below this: less than 10 MB in 5 minutes.
pub(crate) const SOUND_UPPER: f64 = 2.0;

/// One reading of the server's memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryReading {
    /// Nanoseconds from the run's start.
    pub at_ns: u64,
    /// Calls finished so far.
    pub calls: u64,
    /// Anonymous resident memory of the whole process tree.
    pub rss_anon_bytes: u64,
}

/// Whether memory leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeakVerdict {
    /// Memory grows steadily. It fails nothing before a window of 600 s confirms it.
    Leak,
    /// Memory grows by less than 2 MB/min, with 95 % confidence.
    None,
    /// The window is too short, or the slope too uncertain: run for 600 s.
    #[serde(alias = "cannot_tell")]
    Inconclusive,
}

/// A slope with its one-sided 95 % bounds, in the unit that the field which holds it names, such as MB a minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Slope {
    /// The Theil–Sen estimate.
    pub estimate: f64,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
}

/// What the window shows. MB are 10⁶ bytes, KB 10³.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeakReport {
    /// The verdict.
    pub verdict: LeakVerdict,
    /// Length of the window after the warm-up, seconds.
    pub window_s: f64,
    /// Growth in time.
    pub mb_per_min: Slope,
    /// Growth by calls; raise the rate and it is known sooner.
    pub kb_per_call: Option<Slope>,
    /// Net growth over the second half of the window.
    pub second_half_mb_per_min: f64,
    /// The two-sided p-value of the Mann–Kendall test with the correction of Hamed and Rao.
    pub p: f64,
}

impl From<Trend> for Slope {
    fn from(trend: Trend) -> Self {
        Self { estimate: trend.slope, lower: trend.lower, upper: trend.upper }
    }
}

/// The slope of `ys` over increasing `xs`, units of y for each unit of x, with the bounds of Sen. `None` for fewer
/// than four points or no two different x.
pub(crate) fn slope(xs: &[f64], ys: &[f64]) -> Option<Slope> {
    mann_kendall(xs, ys).map(Slope::from)
}

/// Growth in MB/min over readings in order of time, however short: a figure without a verdict. `None` for fewer than ten.
pub(crate) fn growth(readings: &[MemoryReading]) -> Option<Slope> {
    let bins = Bins::of(readings)?;
    (bins.minutes.len() >= MIN_READINGS).then(|| slope(&bins.minutes, &bins.megabytes)).flatten()
}

/// Judges readings, one a second or so in order of time. `None` if fewer than 50 of the 60 bins
/// of what follows the warm-up hold a reading.
///
/// Readings of one process only: a restart begins a new series.
#[must_use]
pub fn judge_leak(readings: &[MemoryReading]) -> Option<LeakReport> {
    let start_ns = readings.first()?.at_ns;
    let seconds = |reading: &MemoryReading| (reading.at_ns - start_ns) as f64 / 1e9;
    let first_calls = readings.first()?.calls;
    let warm =
        readings.iter().position(|r| seconds(r) >= WARM_UP_S && r.calls - first_calls >= WARM_UP_CALLS)?;
    let window = &readings[warm..];
    let window_s = seconds(window.last()?) - seconds(window.first()?);
    let bins = Bins::of(window).filter(|bins| bins.minutes.len() >= MIN_BINS)?;

    let time = mann_kendall(&bins.minutes, &bins.megabytes)?;
    let calls = mann_kendall(&bins.kilocalls, &bins.megabytes);
    let second_half = bins.second_half_slope();
    let leak =
        time.slope > LEAK_SLOPE && time.lower > LEAK_LOWER && time.p < 0.01 && second_half > LEAK_SECOND_HALF;
    let verdict = if !reaches(window_s, WINDOW_S) {
        LeakVerdict::Inconclusive
    } else if leak {
        LeakVerdict::Leak
    } else if time.upper < SOUND_UPPER {
        LeakVerdict::None
    } else {
        LeakVerdict::Inconclusive
    };
    Some(LeakReport {
        verdict,
        window_s,
        mb_per_min: time.into(),
        // MB per thousand calls is KB per call.
        kb_per_call: calls.map(Slope::from),
        second_half_mb_per_min: second_half,
        p: time.p,
    })
}

/// What a verdict takes at least, in words.
pub(crate) fn needs() -> String {
    format!(
        "{WARM_UP_S} s and {WARM_UP_CALLS} calls of warm-up, whichever takes longer, and then {WINDOW_S} s"
    )
}

/// With a bin's width of slack: the last reading of a window comes a second early.
fn reaches(window_s: f64, length_s: f64) -> bool {
    window_s >= length_s * (1.0 - 1.0 / BINS as f64)
}

impl LeakReport {
    /// Whether the window is long enough for a leak in it to fail anything.
    pub(crate) fn is_confirmed(&self) -> bool {
        reaches(self.window_s, CONFIRMED_S)
    }
}

/// The medians of equal slices of time.
struct Bins {
    minutes: Vec<f64>,
    kilocalls: Vec<f64>,
    megabytes: Vec<f64>,
}

impl Bins {
    fn of(window: &[MemoryReading]) -> Option<Self> {
        let (start_ns, end_ns) = (window.first()?.at_ns, window.last()?.at_ns);
        let width = (end_ns - start_ns + 1).div_ceil(BINS as u64);
        let mut bins = Self { minutes: Vec::new(), kilocalls: Vec::new(), megabytes: Vec::new() };
        for bin in window.chunk_by(|a, b| (a.at_ns - start_ns) / width == (b.at_ns - start_ns) / width) {
            let of = |value: fn(&MemoryReading) -> f64| median(&bin.iter().map(value).collect::<Vec<_>>());
            bins.minutes.push(of(|r| r.at_ns as f64 / 60e9)?);
            bins.kilocalls.push(of(|r| r.calls as f64 / 1e3)?);
            bins.megabytes.push(of(|r| r.rss_anon_bytes as f64 / 1e6)?);
        }
        Some(bins)
    }

    /// End minus middle, each the median of five bins so that one step of the allocator at the very
    /// end does not decide.
    fn second_half_slope(&self) -> f64 {
        let n = self.minutes.len();
        let level = |range: std::ops::Range<usize>| {
            (median(&self.minutes[range.clone()]), median(&self.megabytes[range]))
        };
        match (level(n / 2..n / 2 + 5), level(n - 5..n)) {
            ((Some(t0), Some(y0)), (Some(t1), Some(y1))) => (y1 - y0) / (t1 - t0),
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
