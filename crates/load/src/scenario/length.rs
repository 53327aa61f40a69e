//! How long a scenario takes, as far as its definition says so. Stages that end after so many calls take as long as the
//! server needs for them.

use std::fmt;
use std::iter::Sum;

use crate::duration;
use crate::result::{Definition, Stage};

/// What a scenario takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Length {
    least_s: f64,
    most_s: f64,
    calls: u64,
}

impl Length {
    /// Of one scenario.
    pub(crate) fn of(definition: &Definition) -> Self {
        let stages: Self = definition.stages.iter().map(Self::of_stage).sum();
        let probing = definition.probe.map_or(0.0, |limit| limit.probing_s());
        match &definition.search {
            Some(search) => {
                let trials = |stage: &Stage| f64::from(search.span(stage, None).most_stages());
                let most_s = |stage: &Stage| Self::of_stage(stage).most_s * trials(stage);
                // Each search may end with its first stage.
                Self { most_s: definition.stages.iter().map(most_s).sum(), ..stages }
            }
            // Where there is no limiter, a first burst shows it.
            None => Self { most_s: stages.most_s + probing, ..stages },
        }
    }

    fn of_stage(stage: &Stage) -> Self {
        let calls = stage.calls.unwrap_or(0);
        let timed_s = if calls > 0 { 0.0 } else { stage.duration_s.unwrap_or(0.0) };
        let longest_s = stage.extend_to_s.unwrap_or(timed_s).max(timed_s);
        Self { least_s: timed_s + stage.settle_s, most_s: longest_s + stage.settle_s, calls }
    }
}

impl Sum for Length {
    fn sum<I: Iterator<Item = Self>>(lengths: I) -> Self {
        lengths.fold(Self::default(), |sum, one| Self {
            least_s: sum.least_s + one.least_s,
            most_s: sum.most_s + one.most_s,
            calls: sum.calls + one.calls,
        })
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, most] = [self.least_s, self.most_s].map(duration::show);
        let times = match () {
            () if self.most_s <= 0.0 => None,
            () if least == most => Some(most),
            () => Some(format!("{least} to {most}")),
        };
        match (times, self.calls) {
            (None, calls) => write!(f, "{calls} calls"),
            (Some(times), 0) => write!(f, "{times}"),
            (Some(times), calls) => write!(f, "{times}, {calls} calls"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Options, find};

    #[test]
    fn a_scenario_says_how_long_it_takes() {
        let of = |name: &str| Length::of(&find(name).unwrap().definition(&Options::default())).to_string();
        assert_eq!(of("tools"), "30s");
        assert_eq!(of("memory"), "7m to 12m");
        assert_eq!(of("rate-limit"), "0s to 1m30s");
        assert_eq!(of("capacity"), "1m to 17m");
        assert_eq!(of("cleanup"), "20s, 200 calls");
    }
}
