//! What a user can change about shipped scenarios, as options of `run`.

use std::time::Duration;

use clap::Args;
use music21_mcp_embedded::rate_limit::{LimiterKind, RateLimit, RateLimitError};

use super::select::Selected;
use crate::duration;
use crate::measure::token_bucket::Limit;
use crate::scenario::Options;

/// Shortens the stages of whole sessions of work.
pub(crate) const DURATION: &str = "MUSIC21_BENCH_DURATION";

type Change = fn(&mut Options);

/// Clients, lengths, rates and objectives.
#[derive(Debug, Args)]
pub(crate) struct ScenarioOptions {
    /// Clients at the same time, each with a session of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    clients: Option<u32>,
    /// How long each timed stage takes: seconds, or a time such as 90s, 5m or 1h30m.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, env = DURATION, hide_env_values = true, value_parser = seconds)]
    duration: Option<f64>,
    /// Calls per second, in scenarios that have a rate.
    #[arg(long, value_name = "PER_SECOND", allow_negative_numbers = true, value_parser = positive)]
    rate: Option<f64>,
    /// Hours of the day's pattern in `stability`; 24 if not given.
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    hours: Option<f64>,
    /// How long a call may take: seconds, or a time such as 500ms or 2m.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, value_parser = seconds)]
    deadline: Option<f64>,
    /// What the rate limiter declares: capacity and refill a second; 10/1s if not given.
    #[arg(long, value_name = "LIMIT", value_parser = declared)]
    rate_limit: Option<Limit>,
    /// What p95 may be at most in `capacity`, such as 500ms or 1s (the default).
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, value_parser = milliseconds)]
    objective: Option<f64>,
    /// The most clients that `capacity` tries; 200 if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    max_clients: Option<u32>,
    /// The highest arrival rate that `capacity` tries, calls a second; 500 if not given.
    #[arg(long, value_name = "PER_SECOND", allow_negative_numbers = true, value_parser = positive)]
    max_rate: Option<f64>,
    /// Times that sessions think faster than their file says: 2 for half the pauses.
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true, value_parser = positive)]
    speed: Option<f64>,
    /// Short versions: seconds instead of minutes.
    #[arg(long)]
    quick: bool,
    /// All sizes in `large-scores`, whatever the server.
    #[arg(long)]
    all_sizes: bool,
}

impl ScenarioOptions {
    /// The same for the scenarios, as far as the server has no part in it.
    ///
    /// # Errors
    ///
    /// A line that names an option to which none of the selected scenarios listens.
    pub(crate) fn of(&self, selected: &[Selected]) -> Result<Options, String> {
        let options = Options {
            clients: self.clients.map(|clients| clients as usize),
            duration_s: self.duration,
            rate_per_s: self.rate,
            deadline_s: self.deadline,
            objective_ms: self.objective,
            max_clients: self.max_clients.map(|clients| clients as usize),
            max_rate_per_s: self.max_rate,
            hours: self.hours,
            limit: self.rate_limit,
            speed: self.speed,
            quick: self.quick,
            all_sizes: self.all_sizes,
            process_per_session: false,
        };
        self.check(selected, &options)?;
        Ok(options)
    }

    /// An option that changes nothing was given by mistake. `--duration` is not among them: its variable is set
    /// for whole sessions of work.
    fn check(&self, selected: &[Selected], options: &Options) -> Result<(), String> {
        let all_are_files = selected.iter().all(|one| one.is_file);
        if all_are_files && self.quick {
            return Err("--quick: a file has no short version; give it --duration".into());
        }
        if all_are_files && self.all_sizes {
            return Err("--all-sizes: a file has the sizes that it names".into());
        }
        // Another value must make another scenario.
        let by_name: [(&str, Change); 8] = [
            ("--speed", |other| other.speed.iter_mut().for_each(|speed| *speed *= 2.0)),
            ("--clients", |other| other.clients.iter_mut().for_each(|clients| *clients += 1)),
            ("--rate", |other| other.rate_per_s.iter_mut().for_each(|rate| *rate *= 2.0)),
            ("--hours", |other| other.hours.iter_mut().for_each(|hours| *hours *= 2.0)),
            ("--rate-limit", |other| other.limit.iter_mut().for_each(|limit| limit.capacity += 1)),
            ("--objective", |other| other.objective_ms.iter_mut().for_each(|ms| *ms *= 2.0)),
            ("--max-rate", |other| other.max_rate_per_s.iter_mut().for_each(|most| *most *= 2.0)),
            ("--max-clients", |other| other.max_clients.iter_mut().for_each(|most| *most += 1)),
        ];
        for (name, change) in by_name {
            let mut other = options.clone();
            change(&mut other);
            let is_given = other != *options;
            if is_given && selected.iter().all(|one| one.definition(options) == one.definition(&other)) {
                return Err(format!(
                    "{name} changes nothing in what is to be run; 'explain' says what would"
                ));
            }
        }
        Ok(())
    }
}

/// A limiter's promise; how `serve` would break it is none.
fn declared(text: &str) -> Result<Limit, String> {
    let RateLimit { capacity, per_second, kind } =
        text.parse().map_err(|error: RateLimitError| error.to_string())?;
    if kind != LimiterKind::Bucket {
        return Err("a declared limit has no kind; write it like 10/1s".into());
    }
    Ok(Limit { capacity, per_second })
}

const MOST: f64 = 1e6;

fn in_range(value: f64) -> Result<f64, String> {
    if value > MOST {
        Err(format!("is too large: at most {MOST}"))
    } else if value > 0.0 {
        Ok(value)
    } else {
        Err("must be positive".to_owned())
    }
}

fn positive(text: &str) -> Result<f64, String> {
    in_range(text.parse().map_err(|_| "not a number")?)
}

fn time(text: &str) -> Result<Duration, String> {
    let time = duration::option(text)?;
    in_range(time.as_secs_f64()).map(|_| time)
}

fn seconds(text: &str) -> Result<f64, String> {
    time(text).map(|time| time.as_secs_f64())
}

/// A plain number could be meant as either unit.
fn milliseconds(text: &str) -> Result<f64, String> {
    duration::with_unit(text)?;
    time(text).map(|time| time.as_nanos() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::support::select::select;
    use crate::cli::support::template::template;
    use crate::result::Definition;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: ScenarioOptions,
        words: Vec<String>,
    }

    /// The scenarios of a command line, as they would be run.
    fn definitions(line: &str) -> Result<Vec<Definition>, String> {
        let Line { options, words } = clap::Parser::parse_from(format!("run {line}").split(' '));
        let selected = select(&words)?;
        let options = options.of(&selected)?;
        Ok(selected.iter().map(|one| one.definition(&options)).collect())
    }

    #[test]
    fn a_file_listens_to_what_a_shipped_scenario_listens_to() {
        let directory = tempfile::tempdir().unwrap();
        for (name, options) in [
            ("rate-limit", "--rate-limit 5/2s"),
            ("capacity", "--objective 500ms --max-clients 7 --max-rate 90"),
            ("stability", "--hours 12 --rate 3"),
            ("recovery", "--duration 30"),
        ] {
            let path = directory.path().join(format!("{name}.toml"));
            let shipped = definitions(name).unwrap().remove(0);
            std::fs::write(&path, template(&shipped).unwrap()).unwrap();
            let changed = definitions(&format!("{options} {}", path.display())).unwrap();
            assert_eq!(changed, definitions(&format!("{options} {name}")).unwrap());
            assert_ne!(changed, [shipped]);
            for unheard in ["--quick", "--all-sizes"] {
                let error = definitions(&format!("{unheard} {}", path.display())).unwrap_err();
                assert!(error.starts_with(unheard), "{error}");
            }
        }
        assert!(definitions("--quick --objective 1s quick").unwrap_err().starts_with("--objective changes"));
        let [short, long] = ["quick", "tools"].map(|words| definitions(words).unwrap().remove(0));
        assert_ne!(short, long);
        assert_eq!(definitions("quick recovery").unwrap()[0], short, "the word is for its own scenarios");
        assert_eq!(definitions("quick recovery").unwrap()[4], definitions("recovery").unwrap()[0]);
        assert!(
            definitions("--rate-limit 10/1s quick").is_ok(),
            "what it is anyway was not given by mistake"
        );
    }

    #[test]
    fn times_have_units() {
        assert_eq!(milliseconds("1s"), Ok(1000.0));
        assert_eq!(milliseconds("250ms"), Ok(250.0));
        assert!(milliseconds("1").unwrap_err().contains("unit"));
        assert!(milliseconds("-1s").is_err() && milliseconds("0ms").is_err());
    }
}
