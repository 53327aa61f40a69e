//! What a user can change about shipped scenarios, as options of `run`.

use clap::Args;

use crate::embedded::rate_limit::RateLimit;
use crate::measure::token_bucket::Limit;
use crate::scenario::{Host, Options};

/// Clients, lengths, rates and objectives.
#[derive(Debug, Args)]
pub(crate) struct ScenarioOptions {
    /// Sessions.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Option<u32>,
    /// Seconds that each timed stage takes.
    #[arg(long, value_name = "SECONDS", env = "MUSIC21_BENCH_DURATION", value_parser = positive)]
    duration: Option<f64>,
    /// Calls per second, in scenarios that have a rate.
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    rate: Option<f64>,
    /// Hours of the day's pattern in `stability`.
    #[arg(long, default_value_t = 24.0, value_parser = positive)]
    hours: f64,
    /// Seconds that a call may take.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    deadline: Option<f64>,
    /// What the rate limiter declares: capacity and refill a second.
    #[arg(long, value_name = "LIMIT", default_value = "10/1s")]
    rate_limit: RateLimit,
    /// What p95 must keep in `capacity`, such as 500ms or 1s (the default).
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    objective: Option<f64>,
    /// Most clients that `capacity` tries; 200 if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_clients: Option<u32>,
    /// Short versions: seconds instead of minutes.
    #[arg(long)]
    quick: bool,
    /// Large scores of all sizes for any server.
    #[arg(long)]
    all_sizes: bool,
}

impl ScenarioOptions {
    /// The same for the scenarios; short ones `if_quick`, or by the user's wish.
    pub(crate) fn of(&self, host: &Host, if_quick: bool) -> Options {
        Options {
            clients: self.clients.map(|clients| clients as usize),
            duration_s: self.duration,
            rate_per_s: self.rate,
            deadline_s: self.deadline,
            objective_ms: self.objective,
            max_clients: self.max_clients.map(|clients| clients as usize),
            hours: self.hours,
            limit: Limit { capacity: self.rate_limit.capacity, per_second: self.rate_limit.per_second },
            quick: self.quick || if_quick,
            all_sizes: self.all_sizes || host.is_embedded(),
            process_per_session: host.has_process_per_session(),
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value > 0.0 && value <= 1e6 { Ok(value) } else { Err("must be positive and at most 1000000".into()) }
}

/// A time with its unit, in milliseconds.
fn milliseconds(text: &str) -> Result<f64, String> {
    let (number, factor) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1.0),
        (None, Some(number)) => (number, 1e3),
        (None, None) => return Err("write a time with its unit, such as 500ms or 1s".into()),
    };
    positive(number).map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(milliseconds("1s"), Ok(1000.0));
        assert_eq!(milliseconds("250ms"), Ok(250.0));
        assert!(milliseconds("1").unwrap_err().contains("unit"));
        assert!(milliseconds("-1s").is_err() && milliseconds("0ms").is_err());
    }
}
