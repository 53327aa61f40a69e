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
    /// Independent calls at a rate that follows the hours of a day.
    Day {
        /// The shape of the day.
        profile: DayProfile,
        /// The same seed gives the same times.
        seed: u64,
    },
}

impl Schedule {
    /// The due times in order, nanoseconds from the run's start. Endless but for a day.
    pub(crate) fn arrivals(&self) -> Arrivals {
        let seed = match *self {
            Self::Constant { .. } => 0,
            Self::Poisson { seed, .. } | Self::Day { seed, .. } => seed,
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
