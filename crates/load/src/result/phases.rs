//! The phases of a day's pattern: what is compared with what.

use crate::result::{DayProfile, ResourceAt};

/// Until the first business hours.
pub(crate) const FIRST_OFF_PEAK: &str = "off-peak, before";
/// The off-peak phase in which the pattern ends.
pub(crate) const LAST_OFF_PEAK: &str = "off-peak, after";
/// The first hour at the full rate, which is reached at 10. It is a part of the business hours as well.
pub(crate) const FIRST_PEAK_HOUR: &str = "peak hour, first";
/// The last hour at the full rate, of the last day.
pub(crate) const LAST_PEAK_HOUR: &str = "peak hour, last";

const MORNING: f64 = 9.0;
const EVENING: f64 = 18.0;
const NIGHT: f64 = 23.0;
const DAY: f64 = 24.0;

/// The phases that a moment of the stage belongs to: one, and the first or last peak hour.
pub(crate) fn at(day: &DayProfile, at_ns: u64) -> impl Iterator<Item = &'static str> {
    let hour = day.hour_at(at_ns as f64 / 1e9);
    [Some(phase(hour, day.hours)), peak_hour(hour, day.hours)].into_iter().flatten()
}

/// The readings of the server's processes in a phase.
pub(crate) fn readings<'a>(
    resources: &'a [ResourceAt],
    day: &DayProfile,
    phase: &str,
) -> impl Iterator<Item = &'a ResourceAt> {
    resources.iter().filter(move |reading| at(day, reading.at_ns).any(|name| name == phase))
}

fn phase(hour: f64, hours: f64) -> &'static str {
    match hour % DAY {
        of_day if (MORNING..EVENING).contains(&of_day) => "business hours",
        of_day if (EVENING..NIGHT).contains(&of_day) => "evening",
        _ if hour < MORNING => FIRST_OFF_PEAK,
        _ if hour >= last(NIGHT, hours) => LAST_OFF_PEAK,
        _ => "off-peak, between",
    }
}

fn peak_hour(hour: f64, hours: f64) -> Option<&'static str> {
    let begins = |at: f64| (at..at + 1.0).contains(&hour);
    if begins(MORNING + 1.0) {
        Some(FIRST_PEAK_HOUR)
    } else if begins(last(EVENING, hours) - 1.0) {
        Some(LAST_PEAK_HOUR)
    } else {
        None
    }
}

/// When it last was that hour of the day before the pattern ended; negative if never.
fn last(of_day: f64, hours: f64) -> f64 {
    ((hours - of_day) / DAY).floor() * DAY + of_day
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The phases of an hour, of a pattern at a second an hour.
    fn names(hour: f64, hours: f64) -> Vec<&'static str> {
        let day = DayProfile { hours, ..DayProfile::working_day(1.0, hours) };
        at(&day, (hour * 1e9) as u64).collect()
    }

    #[test]
    fn the_hours_that_are_compared_have_the_full_rate() {
        let day = DayProfile::working_day(10.0, 24.0);
        let hours: Vec<f64> = (0..240).map(|tenth| f64::from(tenth) / 10.0).collect();
        for busy in [FIRST_PEAK_HOUR, LAST_PEAK_HOUR] {
            let during: Vec<f64> =
                hours.iter().copied().filter(|&h| names(h, 24.0).contains(&busy)).collect();
            assert_eq!(during.len(), 10, "{busy}");
            assert!(during.iter().all(|&hour| (day.rate_at(hour) - 10.0).abs() < 1e-9), "{busy}: {during:?}");
        }
    }

    #[test]
    fn a_day_begins_and_ends_off_peak_and_what_drains_belongs_to_the_last() {
        assert_eq!(names(8.9, 24.0), [FIRST_OFF_PEAK]);
        assert_eq!(names(12.0, 24.0), ["business hours"]);
        assert_eq!(names(23.5, 24.0), [LAST_OFF_PEAK]);
        assert_eq!(names(24.1, 24.0), [LAST_OFF_PEAK]);
    }

    #[test]
    fn of_two_days_the_first_hours_and_the_last_are_compared() {
        assert_eq!(names(10.5, 48.0), ["business hours", FIRST_PEAK_HOUR]);
        assert_eq!(names(17.5, 48.0), ["business hours"]);
        assert_eq!(names(25.0, 48.0), ["off-peak, between"]);
        assert_eq!(names(34.5, 48.0), ["business hours"]);
        assert_eq!(names(41.5, 48.0), ["business hours", LAST_PEAK_HOUR]);
        assert_eq!(names(47.5, 48.0), [LAST_OFF_PEAK]);
        assert_eq!(names(11.5, 12.0), ["business hours"]);
    }
}
