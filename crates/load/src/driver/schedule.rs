//! When calls are due: absolute times from arithmetic alone, so that no lateness can add up.

use crate::measure::rng::Rng;
use crate::result::DayProfile;

/// An arrival process of an open loop.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Schedule {
    /// Evenly spaced calls, the first at once.
    Constant {
        /// Calls due per second.
        per_second: f64,
    },
    /// Independent calls (exponential gaps).
    Poisson {
        /// Mean calls due per second.
        per_second: f64,
        /// The same seed gives the same times.
        seed: u64,
    },
    /// Independent calls at a rate that rises, or falls, until the stage ends.
    Ramp {
        /// Its course.
        ramp: Ramp,
        /// The same seed gives the same times.
        seed: u64,
    },
    /// Independent calls at a rate that follows the hours of a day.
    Day {
        /// The shape of the day.
        profile: DayProfile,
        /// The same seed gives the same times.
        seed: u64,
    },
}

/// A rate that goes from one level to 1, evenly or in steps of equal length.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ramp {
    /// Calls per second at level 1.
    pub per_second: f64,
    /// How long it takes, seconds.
    pub duration_s: f64,
    /// The level at which it begins.
    pub from: f64,
    /// Levels on its way, the first and the last included; `None` for a line.
    pub steps: Option<u32>,
}

impl Ramp {
    /// Λ⁻¹: when `expected` calls are expected; `None` after the end.
    fn time_of(&self, expected: f64) -> Option<f64> {
        let level_seconds = expected / self.per_second;
        let at_s = match self.steps {
            None => self.on_a_line(level_seconds),
            Some(steps) => self.in_steps(level_seconds, steps)?,
        };
        (at_s <= self.duration_s).then_some(at_s)
    }

    /// The root of (1 − from)/2T · t² + from · t = level seconds.
    fn on_a_line(&self, level_seconds: f64) -> f64 {
        let (a, b) = ((1.0 - self.from) / (2.0 * self.duration_s), self.from);
        let under_root = b * b + 4.0 * a * level_seconds;
        if under_root < 0.0 {
            return f64::INFINITY;
        }
        // The form that does not cancel where the line is almost flat.
        2.0 * level_seconds / (b + under_root.sqrt())
    }

    fn in_steps(&self, level_seconds: f64, steps: u32) -> Option<f64> {
        let length_s = self.duration_s / f64::from(steps);
        let mut left = level_seconds;
        for step in 0..steps {
            let level = self.from + (1.0 - self.from) * f64::from(step) / f64::from((steps - 1).max(1));
            if left <= level * length_s {
                return Some(f64::from(step) * length_s + left / level);
            }
            left -= level * length_s;
        }
        None
    }
}

impl Schedule {
    /// The due times in order, nanoseconds from the run's start. Endless but for a day.
    pub(crate) fn arrivals(&self) -> Arrivals {
        let seed = match *self {
            Self::Constant { .. } => 0,
            Self::Poisson { seed, .. } | Self::Ramp { seed, .. } | Self::Day { seed, .. } => seed,
        };
        Arrivals { schedule: self.clone(), rng: Rng::new(seed), count: 0, sum: 0.0 }
    }
}

/// The due times of a [`Schedule`].
#[derive(Debug, Clone)]
pub(crate) struct Arrivals {
    schedule: Schedule,
    rng: Rng,
    count: u64,
    /// Sum of unit exponentials: the expected number of arrivals so far.
    sum: f64,
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let seconds = match &self.schedule {
            Schedule::Constant { per_second } => self.count as f64 / per_second,
            Schedule::Poisson { per_second, .. } => {
                self.sum += self.rng.exponential();
                self.sum / per_second
            }
            Schedule::Ramp { ramp, .. } => {
                self.sum += self.rng.exponential();
                ramp.time_of(self.sum)?
            }
            Schedule::Day { profile, .. } => {
                // Inversion: Λ(t_i) is a unit-rate Poisson process.
                self.sum += self.rng.exponential();
                profile.time_of(self.sum)?
            }
        };
        self.count += 1;
        Some((seconds * 1e9) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::stats::kolmogorov_smirnov;

    #[test]
    fn constant_arrivals_are_exact_after_a_million() {
        let schedule = Schedule::Constant { per_second: 300.0 };
        assert_eq!(schedule.arrivals().nth(3_000_000), Some(10_000_000_000_000));
        let in_ten_seconds = schedule.arrivals().take_while(|&ns| ns < 10_000_000_000).count();
        assert_eq!(in_ten_seconds, 3000);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let schedule = Schedule::Poisson { per_second: 10.0, seed: 7 };
        let times: Vec<u64> = schedule.arrivals().take(5000).collect();
        let mut levels: Vec<f64> =
            times.windows(2).map(|pair| 1.0 - (-10.0 * (pair[1] - pair[0]) as f64 / 1e9).exp()).collect();
        levels.sort_by(f64::total_cmp);
        assert!(kolmogorov_smirnov(&levels) < 1.95);
    }

    #[test]
    fn the_same_seed_gives_the_same_times_and_another_seed_others() {
        let times =
            |seed| Schedule::Poisson { per_second: 10.0, seed }.arrivals().take(5).collect::<Vec<_>>();
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
    }

    #[test]
    fn a_ramp_follows_its_line_or_its_steps() {
        for (from, steps, expected) in
            [(0.0, None, 3000.0), (0.5, None, 4500.0), (0.5, Some(2), 4500.0), (1.0, None, 6000.0)]
        {
            let ramp = Ramp { per_second: 100.0, duration_s: 60.0, from, steps };
            let times: Vec<f64> =
                Schedule::Ramp { ramp, seed: 5 }.arrivals().map(|ns| ns as f64 / 1e9).collect();
            assert!(
                (times.len() as f64 - expected).abs() < 4.0 * f64::sqrt(expected),
                "{} of {expected}",
                times.len()
            );
            let early = times.iter().filter(|&&at| at < 30.0).count() as f64 / times.len() as f64;
            let due = match (from, steps) {
                (from, None) => (0.75 * from + 0.25) / (1.0 + from),
                (from, Some(_)) => from / (1.0 + from),
            };
            assert!((early - due).abs() < 0.04, "{early} before the middle, {due} due ({from}, {steps:?})");
        }
    }

    #[test]
    fn a_day_follows_its_profile() {
        let profile = DayProfile::working_day(10.0, 600.0);
        let total = profile.expected_until(600.0);
        let schedule = Schedule::Day { profile: profile.clone(), seed: 3 };
        let times: Vec<f64> = schedule.arrivals().map(|ns| ns as f64 / 1e9).collect();
        assert!((times.len() as f64 - total).abs() < 3.0 * total.sqrt(), "{} of {total}", times.len());
        let levels: Vec<f64> = times.iter().map(|&t| profile.expected_until(t) / total).collect();
        assert!(kolmogorov_smirnov(&levels) < 1.95);
    }
}
