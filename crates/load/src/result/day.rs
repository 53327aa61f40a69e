//! A day's pattern of load, squeezed into the length of a run.

use std::f64::consts::PI;

/// Hours in a day.
const DAY: f64 = 24.0;

/// Levels of load by the hour. Each change takes one hour along a raised cosine:
/// m = m₀ + (m₁ − m₀)(1 − cos π(h − h₀))/2.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DayProfile {
    /// Calls per second at level 1.
    pub peak_per_second: f64,
    /// The length of the run, seconds.
    pub duration_s: f64,
    /// Hours shown, from midnight on.
    pub hours: f64,
    /// (hour from which the level holds, level), in order of the hour and at least one hour apart.
    /// Midnight continues the last level.
    pub levels: Vec<(f64, f64)>,
}

impl DayProfile {
    /// Night 0.1 (23–09), business hours 1.0 (09–18), evening 0.4 (18–23): 24 hours in `duration_s`.
    pub(crate) fn working_day(peak_per_second: f64, duration_s: f64) -> Self {
        let levels = vec![(9.0, 1.0), (18.0, 0.4), (23.0, 0.1)];
        Self { peak_per_second, duration_s, hours: DAY, levels }
    }

    /// The hour of the pattern at a time of the run.
    pub(crate) fn hour_at(&self, seconds: f64) -> f64 {
        self.hours * seconds / self.duration_s
    }

    /// Λ(t): calls expected in the first `seconds` of the run.
    pub(crate) fn expected_until(&self, seconds: f64) -> f64 {
        let seconds_per_hour = self.duration_s / self.hours;
        let hours = self.hour_at(seconds.clamp(0.0, self.duration_s));
        let whole_days = (hours / DAY).floor();
        let level_hours = whole_days * self.integral(DAY) + self.integral(hours - whole_days * DAY);
        self.peak_per_second * level_hours * seconds_per_hour
    }

    /// Λ⁻¹: the time by which `expected` calls are expected; `None` after the end of the run.
    pub(crate) fn time_of(&self, expected: f64) -> Option<f64> {
        if expected > self.expected_until(self.duration_s) {
            return None;
        }
        let (mut low, mut high) = (0.0, self.duration_s);
        // 2⁻⁵⁰ of ten minutes is below a nanosecond.
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if self.expected_until(middle) < expected {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }

    /// The times of the run, in seconds, at which a ramp of the load ends and its new level holds.
    pub(crate) fn ramp_ends(&self) -> Vec<f64> {
        let before = self.levels.iter().cycle().skip(self.levels.len() - 1);
        let risen = before.zip(&self.levels).filter(|(before, now)| now.1 > before.1);
        let hours: Vec<f64> = risen.map(|(_, now)| now.0 + 1.0).collect();
        let days = (0..(self.hours / DAY).ceil() as u32).map(|day| f64::from(day) * DAY);
        let all = days.flat_map(|midnight| hours.iter().map(move |hour| midnight + hour));
        all.filter(|&hour| hour < self.hours).map(|hour| hour * self.duration_s / self.hours).collect()
    }

    /// Where the piece around `hour` starts, the level before it and the level it leads to.
    fn piece(&self, hour: f64) -> (f64, f64, f64) {
        let level = |i: usize| self.levels[i].1;
        let last = self.levels.len() - 1;
        match self.levels.iter().rposition(|&(start, _)| start <= hour) {
            Some(0) => (self.levels[0].0, level(last), level(0)),
            Some(i) => (self.levels[i].0, level(i - 1), level(i)),
            None => (0.0, level(last), level(last)),
        }
    }

    /// ∫ m dh from midnight to `hour`, at most one day.
    fn integral(&self, hour: f64) -> f64 {
        let starts = self.levels.iter().map(|&(start, _)| start).filter(|&start| start > 0.0);
        let mut edges: Vec<f64> = std::iter::once(0.0).chain(starts).filter(|&edge| edge < hour).collect();
        edges.push(hour);
        let pieces = edges.windows(2).map(|edge| {
            let (_, from, to) = self.piece(edge[0]);
            let (length, ramp) = (edge[1] - edge[0], (edge[1] - edge[0]).min(1.0));
            from * ramp + (to - from) * (ramp / 2.0 - (PI * ramp).sin() / (2.0 * PI)) + to * (length - ramp)
        });
        pieces.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl DayProfile {
        /// The rate at a time of the run, of which Λ is the integral.
        pub(crate) fn rate_at(&self, seconds: f64) -> f64 {
            let hour = self.hour_at(seconds) % DAY;
            let (start, from, to) = self.piece(hour);
            let x = (hour - start).min(1.0);
            self.peak_per_second * (from + (to - from) * (1.0 - (PI * x).cos()) / 2.0)
        }
    }

    #[test]
    fn a_peak_of_ten_is_a_mean_of_five() {
        let day = DayProfile::working_day(10.0, 600.0);
        let total = day.expected_until(600.0);
        assert!((total - 3000.0).abs() < 60.0, "{total}");
        assert!((day.rate_at(300.0) - 10.0).abs() < 1e-9 && (day.rate_at(30.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_integral_is_the_sum_of_the_rate() {
        let day = DayProfile::working_day(8.0, 240.0);
        let (mut sum, step) = (0.0, 0.001);
        for i in 0..240_000 {
            sum += day.rate_at((f64::from(i) + 0.5) * step) * step;
        }
        assert!((sum - day.expected_until(240.0)).abs() < 1e-3, "{sum}");
    }

    #[test]
    fn inversion_undoes_the_integral() {
        let day = DayProfile::working_day(10.0, 600.0);
        for seconds in [1.0, 230.0, 237.0, 599.0] {
            let back = day.time_of(day.expected_until(seconds)).unwrap();
            assert!((back - seconds).abs() < 1e-6, "{seconds}: {back}");
        }
        assert_eq!(day.time_of(1e9), None);
    }

    #[test]
    fn each_morning_has_a_ramp_that_takes_an_hour() {
        let days = DayProfile { hours: 48.0, ..DayProfile::working_day(10.0, 480.0) };
        assert_eq!(days.ramp_ends(), [100.0, 340.0]);
        let before_work = DayProfile { hours: 9.5, ..days };
        assert!(before_work.ramp_ends().is_empty());
    }

    #[test]
    fn half_a_day_ends_at_noon() {
        let morning = DayProfile { hours: 12.0, ..DayProfile::working_day(10.0, 600.0) };
        assert_eq!(morning.hour_at(600.0), 12.0);
        assert!((morning.rate_at(599.0) - 10.0).abs() < 1e-9);
    }
}
