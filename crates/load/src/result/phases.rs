//! The phases of a day's pattern: what is compared with what.

use std::collections::BTreeMap;

use crate::result::{DayProfile, ResourceAt};

/// Until the first business hours.
pub(crate) const FIRST_OFF_PEAK: &str = "off-peak, before";
/// The off-peak phase in which the pattern ends.
pub(crate) const LAST_OFF_PEAK: &str = "off-peak, after";
/// The first hour at the full rate, which is reached at 10. It is a part of the business hours as well.
pub(crate) const FIRST_PEAK_HOUR: &str = "peak hour, first";
/// The last hour at the full rate, of the last day.
pub(crate) const LAST_PEAK_HOUR: &str = "peak hour, last";

const BUSINESS_HOURS: &str = "business hours";
const EVENING_HOURS: &str = "evening";
const BETWEEN: &str = "off-peak, between";
/// As a day has them.
const IN_ORDER: [&str; 7] =
    [FIRST_OFF_PEAK, BUSINESS_HOURS, FIRST_PEAK_HOUR, LAST_PEAK_HOUR, EVENING_HOURS, BETWEEN, LAST_OFF_PEAK];

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

/// The phases of a pattern one after the other, each with the hour of the pattern at which it begins and ends.
pub(crate) fn spans(day: &DayProfile) -> Vec<(f64, f64, &'static str)> {
    let days = (day.hours / DAY).ceil() as u32;
    let of_day = |midnight: f64| [MORNING, EVENING, NIGHT].map(|hour| midnight + hour);
    let inner = (0..days).flat_map(|at| of_day(f64::from(at) * DAY)).filter(|&hour| hour < day.hours);
    let begins: Vec<f64> = std::iter::once(0.0).chain(inner).collect();
    let ends = begins.iter().skip(1).copied().chain([day.hours]);
    begins.iter().copied().zip(ends).map(|(from, until)| (from, until, phase(from, day.hours))).collect()
}

fn phase(hour: f64, hours: f64) -> &'static str {
    match hour % DAY {
        of_day if (MORNING..EVENING).contains(&of_day) => BUSINESS_HOURS,
        of_day if (EVENING..NIGHT).contains(&of_day) => EVENING_HOURS,
        _ if hour < MORNING => FIRST_OFF_PEAK,
        _ if hour >= last(NIGHT, hours) => LAST_OFF_PEAK,
        _ => BETWEEN,
    }
}

/// Phases in the order of the day; those of other names at the end.
pub(crate) fn in_order<T>(phases: &BTreeMap<String, T>) -> Vec<(&str, &T)> {
    let mut found: Vec<(&str, &T)> = phases.iter().map(|(name, phase)| (name.as_str(), phase)).collect();
    found.sort_by_key(|(name, _)| IN_ORDER.iter().position(|known| known == name).unwrap_or(IN_ORDER.len()));
    found
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
    fn a_day_is_made_of_its_phases() {
        let day = DayProfile { hours: 24.0, ..DayProfile::working_day(1.0, 24.0) };
        let expected = [
            (0.0, 9.0, FIRST_OFF_PEAK),
            (9.0, 18.0, "business hours"),
            (18.0, 23.0, "evening"),
            (23.0, 24.0, LAST_OFF_PEAK),
        ];
        assert_eq!(spans(&day), expected);
    }

    #[test]
    fn phases_are_shown_in_the_order_of_the_day() {
        let day: BTreeMap<String, ()> =
            (0..24).map(|hour| (names(f64::from(hour), 24.0)[0].to_owned(), ())).collect();
        let shown: Vec<&str> = in_order(&day).into_iter().map(|(name, ())| name).collect();
        assert_eq!(shown, [FIRST_OFF_PEAK, "business hours", "evening", LAST_OFF_PEAK]);
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
