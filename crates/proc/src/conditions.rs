//! What else the machine did while something was measured.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::system::line;

/// What else the machine did while something was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// One-minute load average before.
    pub load_before: Option<f64>,
    /// One-minute load average after.
    pub load_after: Option<f64>,
    /// Share of CPU time the hypervisor gave to others meanwhile, percent.
    pub steal_percent: Option<f64>,
    /// Share of the time in which some task waited for a CPU, percent.
    pub cpu_pressure_percent: Option<f64>,
}

/// Begins a measurement's [`Conditions`].
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    load: Option<f64>,
    ticks: Option<Ticks>,
    waited_us: Option<u64>,
    start: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Ticks {
    all: u64,
    stolen: u64,
}

impl Watch {
    /// Reads what is needed before measuring.
    #[must_use]
    pub fn start() -> Self {
        Self { load: load_average(), ticks: ticks(), waited_us: waited(), start: Instant::now() }
    }

    /// Reads the rest after measuring.
    #[must_use]
    pub fn stop(self) -> Conditions {
        let steal = self.ticks.zip(ticks()).and_then(|(before, after)| {
            let all = after.all.saturating_sub(before.all);
            let stolen = after.stolen.saturating_sub(before.stolen);
            (all > 0).then(|| stolen as f64 / all as f64 * 100.0)
        });
        let elapsed_us = self.start.elapsed().as_micros() as f64;
        let waited = self.waited_us.zip(waited());
        let pressure = waited.map(|(before, after)| after.saturating_sub(before) as f64 / elapsed_us * 100.0);
        Conditions {
            load_before: self.load,
            load_after: load_average(),
            steal_percent: steal,
            cpu_pressure_percent: pressure,
        }
    }
}

fn load_average() -> Option<f64> {
    line("/proc/loadavg")?.split(' ').next()?.parse().ok()
}

/// Microseconds since the machine started in which some task waited for a CPU. Its difference is of the time
/// measured, which the kernel's own averages of 10, 60 and 300 s are not.
fn waited() -> Option<u64> {
    let text = line("/proc/pressure/cpu")?;
    text.lines().next()?.split(' ').find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

/// The first line of `/proc/stat`: user nice system idle iowait irq softirq steal.
fn ticks() -> Option<Ticks> {
    let text = line("/proc/stat")?;
    let fields = text.lines().next()?.split_ascii_whitespace().skip(1);
    let fields: Vec<u64> = fields.map_while(|field| field.parse().ok()).take(8).collect();
    Some(Ticks { all: fields.iter().sum(), stolen: *fields.get(7)? })
}
