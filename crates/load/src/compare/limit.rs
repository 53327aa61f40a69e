//! Limits as people write them: `+10%`, `+5ms`, `+2pp`.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::Limits;
use super::outcome::{Figure, SUITE};
use super::success::{Drop, SuccessLimits};
use crate::duration;

/// By how much an entry may get worse before it fails. It warns from half of that on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    /// `+10%`: a share of the baseline's time.
    Relative(f64),
    /// `+5ms` (or `us`, `s`): on top of the baseline's time.
    Absolute(Duration),
    /// `+2pp`: percentage points of the success rate lost.
    Points(f64),
}

/// A limit that cannot be read.
#[derive(Debug, Error)]
#[error("'{0}' is no limit; write it like +10%, +5ms or +2pp, with a positive number")]
pub(crate) struct ParseLimitError(String);

impl Limit {
    /// The limits on the logarithmic scale for an entry whose baseline takes `baseline_ns`;
    /// `None` for a limit that is not about time.
    pub(crate) fn for_time(self, baseline_ns: f64) -> Option<Limits> {
        match self {
            Self::Relative(share) => Some(Limits::relative(share)),
            Self::Absolute(extra) => Some(Limits::relative(extra.as_nanos() as f64 / baseline_ns)),
            Self::Points(_) => None,
        }
    }
}

/// The limits of all entries: the last that fits an entry counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LimitTable {
    entries: Vec<EntryLimit>,
    /// Wall time of a call that no caller notices; of CPU time, which a machine has to share, half of it.
    floor: Duration,
}

/// What `ab` takes for a difference that somebody may notice: a call of a local client over a pipe or loopback takes a
/// hundred microseconds, and an agent thinks for seconds between two of them.
pub(crate) const NOTICED: Duration = Duration::from_micros(20);

/// `+10%` for every entry, or `ENTRY=+10%` for the entries that begin so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EntryLimit {
    prefix: String,
    limit: Limit,
}

impl LimitTable {
    /// In the order they were given, and what is too small to count at all.
    pub(crate) fn new(entries: Vec<EntryLimit>, floor: Duration) -> Self {
        Self { entries, floor }
    }

    /// The limits of an entry's times.
    pub(crate) fn time(&self, entry: &str, figure: Figure, baseline_ns: f64) -> Limits {
        let limits = self.last(entry, |limit| limit.for_time(baseline_ns)).unwrap_or_default();
        self.noticed(limits, figure, baseline_ns)
    }

    /// None below the floor.
    fn noticed(&self, limits: Limits, figure: Figure, baseline_ns: f64) -> Limits {
        let floor = if figure == Figure::Cpu { self.floor / 2 } else { self.floor };
        let least = (floor.as_nanos() as f64 / baseline_ns).ln_1p();
        // `max` passes over the NaN of an entry without times.
        Limits { fail: limits.fail.max(least), warn: limits.warn.max(least) }
    }

    /// The limits of all entries together, whose mean is known better than any of them: they warn from a fifth of the
    /// failing limit on, which is +2 % by default.
    pub(crate) fn suite(&self, figure: Figure, baseline_ns: f64) -> Limits {
        let Limits { fail, .. } = self.last(SUITE, |limit| limit.for_time(baseline_ns)).unwrap_or_default();
        self.noticed(Limits { fail, warn: (fail.exp_m1() / 5.0).ln_1p() }, figure, baseline_ns)
    }

    /// The prefixes of limits that fit none of these entries.
    pub(crate) fn idle(&self, entries: &[&str]) -> Vec<&str> {
        let prefixes = self.entries.iter().map(|one| one.prefix.as_str());
        prefixes.filter(|prefix| !entries.iter().any(|entry| entry.starts_with(prefix))).collect()
    }

    /// Whether an entry has a limit by name.
    pub(crate) fn has_own(&self, entry: &str) -> bool {
        self.entries.iter().any(|one| !one.prefix.is_empty() && entry.starts_with(&one.prefix))
    }

    /// The limits of an entry's success rate.
    pub(crate) fn success(&self, entry: &str) -> SuccessLimits {
        let of = |limit| match limit {
            Limit::Points(points) => {
                Some(SuccessLimits { fail: Drop::Points(points), warn_points: points / 2.0 })
            }
            Limit::Relative(_) | Limit::Absolute(_) => None,
        };
        self.last(entry, of).unwrap_or_default()
    }

    fn last<T>(&self, entry: &str, of: impl Fn(Limit) -> Option<T>) -> Option<T> {
        let fitting = self.entries.iter().rev().filter(|one| entry.starts_with(&one.prefix));
        fitting.filter_map(|one| of(one.limit)).next()
    }
}

impl FromStr for EntryLimit {
    type Err = ParseLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (prefix, limit) = text.rsplit_once('=').unwrap_or(("", text));
        Ok(Self { prefix: prefix.to_owned(), limit: limit.parse()? })
    }
}

impl FromStr for Limit {
    type Err = ParseLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseLimitError(text.to_owned());
        let body = text.strip_prefix('+').ok_or_else(error)?;
        let split = body.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(error)?;
        let (number, unit) = body.split_at(split);
        let number: f64 = number.parse().ok().filter(|n| *n > 0.0).ok_or_else(error)?;
        Ok(match unit.trim() {
            "%" => Self::Relative(number / 100.0),
            "pp" => Self::Points(number / 100.0),
            _ => Self::Absolute(duration::parse(body).ok_or_else(error)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        assert_eq!("+10%".parse::<Limit>().unwrap(), Limit::Relative(0.1));
        assert_eq!("+2.5 pp".parse::<Limit>().unwrap(), Limit::Points(0.025));
        assert_eq!("+5ms".parse::<Limit>().unwrap(), Limit::Absolute(Duration::from_millis(5)));
        assert_eq!("+40µs".parse::<Limit>().unwrap(), Limit::Absolute(Duration::from_micros(40)));
    }

    #[test]
    fn what_is_no_limit_is_quoted() {
        for text in
            ["10%", "+%", "+-1%", "+0%", "+5", "+5 parsecs", "", "+1.2.3%", "+99999999999999999999999s"]
        {
            let error = text.parse::<Limit>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{text}' is no limit")), "{error}");
        }
    }

    #[test]
    fn the_last_limit_that_fits_an_entry_counts() {
        let table = ["+20%", "tools/key=+5%", "+2pp"].map(|text| text.parse().unwrap());
        let table = LimitTable::new(table.to_vec(), Duration::ZERO);
        assert_eq!(table.time("tools/key/large", Figure::Wall, 1.0), Limits::relative(0.05));
        assert_eq!(table.time("tools/list", Figure::Wall, 1.0), Limits::relative(0.2));
        assert_eq!(table.success("tools/list").fail, Drop::Points(0.02));
        assert_eq!(LimitTable::default().time("x", Figure::Wall, 1.0), Limits::default());
        assert!(table.has_own("tools/key/large") && !table.has_own("tools/list"));
        assert_eq!(table.idle(&["tools/key/large"]), [""; 0]);
        assert_eq!(table.idle(&["tools/list"]), ["tools/key"]);
        assert!((LimitTable::default().suite(Figure::Wall, 1.0).warn - 1.02f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn what_nobody_notices_is_no_difference() {
        let table = LimitTable::new(Vec::new(), NOTICED);
        let fail = |figure, us: f64| table.time("x", figure, us * 1e3).fail.exp_m1();
        assert!((fail(Figure::Wall, 100.0) - 0.2).abs() < 1e-12, "20 of 100 µs");
        assert!((fail(Figure::Cpu, 100.0) - 0.1).abs() < 1e-12, "10 of 100 µs");
        assert!((fail(Figure::Wall, 1000.0) - 0.1).abs() < 1e-12, "the share");
        assert_eq!(table.time("x", Figure::Wall, f64::NAN), Limits::default());
    }

    #[test]
    fn five_milliseconds_are_a_tenth_of_fifty() {
        let five_ms = Limit::Absolute(Duration::from_millis(5));
        let limits = five_ms.for_time(50e6).unwrap();
        assert!((limits.fail - Limits::default().fail).abs() < 1e-12);
        assert_eq!(Limit::Points(0.02).for_time(1.0), None);
    }
}
