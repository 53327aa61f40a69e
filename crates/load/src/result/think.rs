//! How long a session thinks after a call: always the same, or drawn from a distribution by the run's seed.

use std::fmt;
use std::time::Duration;

use anyhow::ensure;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::measure::rng::Rng;

/// Milliseconds of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Think {
    /// Always as long.
    Fixed(u64),
    /// Each drawn by itself.
    Drawn(Pauses),
}

/// A distribution of pauses, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Pauses {
    /// Independent of how long it has been already.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Each between two ends as likely.
    Uniform {
        /// The shortest.
        from: f64,
        /// The longest.
        to: f64,
    },
    /// Mostly short and sometimes very long, as people's are.
    Lognormal {
        /// Half are shorter.
        median: f64,
        /// One in twenty is longer.
        p95: f64,
    },
}

/// A day: nobody means a longer pause, and no draw is one.
const MOST_MS: f64 = 86_400_000.0;
/// The quantile 0.95 of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472;

impl Default for Think {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

impl Think {
    /// Whether there is no pause.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::Fixed(0)
    }

    /// The next pause.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Duration {
        let ms = match *self {
            Self::Fixed(ms) => return Duration::from_millis(ms),
            Self::Drawn(Pauses::Exponential { mean }) => mean * rng.exponential(),
            Self::Drawn(Pauses::Uniform { from, to }) => from + (to - from) * rng.uniform(),
            Self::Drawn(Pauses::Lognormal { median, p95 }) => {
                median * ((p95 / median).ln() / Z95 * rng.normal()).exp()
            }
        };
        Duration::from_secs_f64(ms.clamp(0.0, MOST_MS) / 1e3)
    }

    /// The same of people who think so many times faster.
    pub(crate) fn faster(self, times: f64) -> Self {
        match self {
            Self::Fixed(ms) => Self::Fixed((ms as f64 / times).round() as u64),
            Self::Drawn(pauses) => Self::Drawn(match pauses {
                Pauses::Exponential { mean } => Pauses::Exponential { mean: mean / times },
                Pauses::Uniform { from, to } => Pauses::Uniform { from: from / times, to: to / times },
                Pauses::Lognormal { median, p95 } => {
                    Pauses::Lognormal { median: median / times, p95: p95 / times }
                }
            }),
        }
    }

    /// # Errors
    ///
    /// The value that no pause can have.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let within = |name: &str, ms: f64, least: f64| {
            let is_pause = (least..=MOST_MS).contains(&ms);
            ensure!(is_pause, "think_ms: {name} = {ms} is not from {least} to {MOST_MS} (a day)");
            Ok(())
        };
        match *self {
            Self::Fixed(ms) => within("a pause", ms as f64, 0.0),
            Self::Drawn(Pauses::Exponential { mean }) => within("mean", mean, 0.0),
            Self::Drawn(Pauses::Uniform { from, to }) => {
                within("from", from, 0.0)?;
                within("to", to, 0.0)?;
                ensure!(from < to, "think_ms: from = {from} is not below to = {to}");
                Ok(())
            }
            Self::Drawn(Pauses::Lognormal { median, p95 }) => {
                within("median", median, 0.001)?;
                within("p95", p95, 0.001)?;
                ensure!(median < p95, "think_ms: median = {median} is not below p95 = {p95}");
                Ok(())
            }
        }
    }
}

// By hand, because an untagged enum says of a mistake only that nothing matches.
impl<'de> Deserialize<'de> for Think {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ThinkVisitor)
    }
}

struct ThinkVisitor;

impl<'de> Visitor<'de> for ThinkVisitor {
    type Value = Think;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole milliseconds, or a distribution such as { kind = \"exponential\", mean = 2000 }")
    }

    fn visit_u64<E: Error>(self, ms: u64) -> Result<Think, E> {
        Ok(Think::Fixed(ms))
    }

    fn visit_i64<E: Error>(self, ms: i64) -> Result<Think, E> {
        let negative = |_| E::custom(format!("think_ms = {ms} is negative"));
        u64::try_from(ms).map(Think::Fixed).map_err(negative)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Think, A::Error> {
        Pauses::deserialize(MapAccessDeserializer::new(map)).map(Think::Drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::stats::mean;

    const DRAWS: usize = 100_000;

    /// Sorted milliseconds of one seed.
    fn drawn(pauses: Pauses) -> Vec<f64> {
        let mut rng = Rng::new(11);
        let mut all: Vec<f64> =
            (0..DRAWS).map(|_| Think::Drawn(pauses).draw(&mut rng).as_secs_f64() * 1e3).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    fn quantile(sorted: &[f64], q: f64) -> f64 {
        sorted[(q * sorted.len() as f64) as usize]
    }

    fn close(found: f64, expected: f64, share: f64) {
        assert!((found / expected - 1.0).abs() < share, "{found}, {expected} expected");
    }

    #[test]
    fn pauses_have_the_mean_and_the_quantiles_that_were_asked_for() {
        let exponential = drawn(Pauses::Exponential { mean: 2000.0 });
        close(mean(&exponential), 2000.0, 0.01);
        close(quantile(&exponential, 0.5), 2000.0 * 2.0_f64.ln(), 0.02);
        close(quantile(&exponential, 0.95), 2000.0 * 20.0_f64.ln(), 0.02);
        let uniform = drawn(Pauses::Uniform { from: 500.0, to: 1500.0 });
        close(mean(&uniform), 1000.0, 0.01);
        assert!(
            uniform[0] >= 500.0 && uniform[DRAWS - 1] <= 1500.0,
            "{} to {}",
            uniform[0],
            uniform[DRAWS - 1]
        );
        close(quantile(&uniform, 0.25), 750.0, 0.01);
        let lognormal = drawn(Pauses::Lognormal { median: 1000.0, p95: 10_000.0 });
        close(quantile(&lognormal, 0.5), 1000.0, 0.03);
        close(quantile(&lognormal, 0.95), 10_000.0, 0.05);
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        let of = |seed| {
            let mut rng = Rng::new(seed);
            [(); 5].map(|()| Think::Drawn(Pauses::Exponential { mean: 50.0 }).draw(&mut rng))
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(Think::Fixed(90).draw(&mut Rng::new(1)), Duration::from_millis(90));
    }

    #[test]
    fn no_draw_is_longer_than_a_day() {
        let longest = drawn(Pauses::Lognormal { median: 1.0, p95: MOST_MS }).pop().unwrap();
        assert!((longest - MOST_MS).abs() < 1e-6, "{longest}");
    }

    #[test]
    fn who_thinks_twice_as_fast_has_half_the_pauses() {
        assert_eq!(Think::Fixed(500).faster(2.0), Think::Fixed(250));
        let pauses = Think::Drawn(Pauses::Lognormal { median: 100.0, p95: 300.0 });
        assert_eq!(pauses.faster(2.0), Think::Drawn(Pauses::Lognormal { median: 50.0, p95: 150.0 }));
    }

    #[test]
    fn a_file_says_what_is_wrong_with_a_pause() {
        #[derive(Debug, Deserialize)]
        struct Line {
            think_ms: Think,
        }
        let read = |text: &str| {
            let line: Result<Line, _> = toml::from_str(&format!("think_ms = {text}"));
            line.map_err(|error| error.to_string()).and_then(|line| {
                line.think_ms.check().map(|()| line.think_ms).map_err(|error| error.to_string())
            })
        };
        assert_eq!(read("200"), Ok(Think::Fixed(200)));
        let mean = Ok(Think::Drawn(Pauses::Exponential { mean: 2000.0 }));
        assert_eq!(read("{ kind = 'exponential', mean = 2000 }"), mean);
        for (text, said) in [
            ("-5", "think_ms = -5 is negative"),
            ("1.5", "expected whole milliseconds, or a distribution such as"),
            ("{ kind = 'exponential', mean = -1 }", "mean = -1 is not from 0 to 86400000 (a day)"),
            ("{ kind = 'exponential', mean = nan }", "mean = NaN is not from 0"),
            ("{ kind = 'exponential', mean = 1e9 }", "mean = 1000000000 is not from 0"),
            ("{ kind = 'exponential', median = 1 }", "unknown field `median`"),
            ("{ kind = 'normal', mean = 1 }", "unknown variant `normal`, expected one of `exponential`"),
            ("{ kind = 'uniform', from = 20, to = 20 }", "from = 20 is not below to = 20"),
            ("{ kind = 'lognormal', median = 20, p95 = 19 }", "median = 20 is not below p95 = 19"),
            ("{ kind = 'lognormal', median = 0, p95 = 19 }", "median = 0 is not from 0.001"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
