//! Many clients at once, each with a score of its own.

use super::calls::{score_lifecycle, stage, timed, warm_up_calls};
use super::capacity::{objective, served};
use super::{Options, Scenario, nothing_more};
use crate::measure::rating::{self, Rating};
use crate::result::{Definition, ScenarioResult, Served, Tried};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "concurrent",
    about: "10, 50 and 100 clients at once: throughput, service times, success",
    explanation: "\
Each client has a session of its own and repeats: import a hymn of four parts, key, chords, export to
MusicXML, delete. It is a closed loop: a client makes its next call when the last one has ended.
One stage for each number of clients (--clients N: only that one), --duration seconds each (30).
Over stdio each client is a server process, so their number is capped (--max-processes, 16).

Reported: calls a second, service times by tool, success with its bound, and the gap to Little's law
N = X·R, which checks the generator's own bookkeeping.
Fails if fewer than 90 % of the calls end well.

It cannot show how long users would wait at a given rate of arrival: a closed loop slows down with its
server. Response times are therefore not rated here; see 'memory' and 'stability'.",
    define,
    judge: nothing_more,
};

fn define(options: &Options) -> Definition {
    let counts = match options.clients {
        Some(clients) => vec![clients],
        None if options.quick => vec![10],
        None => vec![10, 50, 100],
    };
    let duration_s = options.duration_s.unwrap_or(if options.quick { 10.0 } else { 30.0 });
    let stages = counts.into_iter().map(|clients| {
        let mut stage = timed(stage(format!("{clients} clients"), clients, score_lifecycle()), duration_s);
        stage.deadline_s = options.deadline_s.unwrap_or(30.0);
        stage
    });
    Definition { prepare: warm_up_calls(), stages: stages.collect(), ..Definition::default() }
}

/// The grade of the most clients that were served within the objective; `None` in scenarios that try no numbers of them.
pub(super) fn rate(result: &ScenarioResult) -> Option<Rating> {
    let tried: Vec<Tried> = match &result.capacity {
        Some(capacity) => capacity.tried.clone(),
        None if result.name == SCENARIO.name => {
            result.stages.iter().map(|stage| served(&objective(stage.clients), stage)).collect()
        }
        None => return None,
    };
    let most = tried.iter().map(|tried| tried.clients).max()?;
    let within = tried.iter().filter(|tried| tried.served == Served::Within).map(|tried| tried.clients).max();
    let is_beyond = |tried: &Tried| tried.served == Served::Beyond;
    // Nothing is known of more clients than were tried, nor of those of whom it cannot be told.
    let is_proven = tried.iter().any(is_beyond) && within != Some(most);
    (within.is_some() || is_proven).then(|| rating::clients(within.unwrap_or(0), !is_proven))
}
