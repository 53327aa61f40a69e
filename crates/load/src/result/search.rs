//! The most clients that are still served within an objective: doubling, then halving the gap.

use serde::{Deserialize, Serialize};

use crate::measure::quantile::Quantile;
use crate::result::{StageResult, ToolResult};

/// A search for the most clients, as data: the definition's one stage is run with different numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// p95 of each tool's service times must surely be at most this, milliseconds.
    pub max_p95_ms: f64,
    /// The share of good answers must be at least this.
    pub min_success: f64,
    /// No more clients than this are tried.
    pub max_clients: usize,
}

/// What a stage says of its number of clients.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Served {
    /// Surely within the objective.
    Within,
    /// The bounds are on both sides, or there were too few calls for any.
    #[serde(alias = "cannot_tell")]
    Inconclusive,
    /// Surely not.
    Beyond,
}

/// One number of clients tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tried {
    /// Clients.
    pub clients: usize,
    /// What came of it.
    pub served: Served,
    /// The figures.
    pub text: String,
}

/// Where a search is. What is inconclusive counts as not served: the answer is a number that is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Capacity {
    /// No more than this were to be tried.
    pub max_clients: usize,
    /// The most clients that were surely served; `None` so far.
    pub highest_within: Option<usize>,
    /// The fewest that were not, among those above; `None` so far.
    pub lowest_not_within: Option<usize>,
    /// All that were tried, in order.
    pub tried: Vec<Tried>,
}

/// The gap is closed to this share of the clients that are served: a stage's own noise is wider.
const RESOLUTION: f64 = 0.05;

impl Served {
    /// In a word or two, beside the objective.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Inconclusive => "inconclusive",
            Self::Beyond => "beyond",
        }
    }
}

impl Search {
    /// The tool that keeps the objective least, with the p95 of its service times; `None` without tools.
    pub(crate) fn worst<'a>(&self, stage: &'a StageResult) -> Option<(&'a str, Option<Quantile>)> {
        let p95 = |tool: &ToolResult| tool.service.as_ref().map(|times| times.p95);
        let p95s = stage.tools.iter().map(|(name, tool)| (name.as_str(), p95(tool)));
        p95s.max_by_key(|(_, p95)| (self.keeps(p95.as_ref()), p95.as_ref().and_then(Quantile::ns)))
    }

    /// No more stages than this are run: clients double up to the most, then the gap is halved.
    pub(crate) fn most_stages(&self) -> u32 {
        let doublings = self.max_clients.max(1).next_power_of_two().ilog2() + 1;
        doublings + (1.0 / RESOLUTION).log2().ceil() as u32
    }

    /// Whether a p95 keeps the objective, by its bounds.
    pub(crate) fn keeps(&self, p95: Option<&Quantile>) -> Served {
        let max_ns = (self.max_p95_ms * 1e6) as u64;
        match (p95.and_then(Quantile::lower_ns), p95.and_then(Quantile::upper_ns)) {
            (_, Some(upper_ns)) if upper_ns <= max_ns => Served::Within,
            (Some(lower_ns), _) if lower_ns > max_ns => Served::Beyond,
            _ => Served::Inconclusive,
        }
    }
}

impl Capacity {
    /// Nothing tried yet.
    #[must_use]
    pub fn new(max_clients: usize) -> Self {
        Self { max_clients, highest_within: None, lowest_not_within: None, tried: Vec::new() }
    }

    /// The next number of clients to try; `None` when all is known that can be.
    pub(crate) fn next(&self) -> Option<usize> {
        match (self.highest_within, self.lowest_not_within) {
            // A first stage with too few calls says nothing; more clients make more of them.
            (None, None) => self.doubled(self.tried.last().map(|tried| tried.clients)),
            (within, None) => self.doubled(within),
            (None, Some(_)) => None,
            (Some(low), Some(high)) => {
                let gap = ((low as f64 * RESOLUTION) as usize).max(1);
                (high - low > gap).then_some(low.midpoint(high))
            }
        }
    }

    fn doubled(&self, clients: Option<usize>) -> Option<usize> {
        let next = clients.map_or(1, |clients| clients * 2).min(self.max_clients);
        (clients != Some(self.max_clients)).then_some(next)
    }

    /// Takes what came of a number of clients.
    pub fn observe(&mut self, tried: Tried) {
        match tried.served {
            Served::Within => self.highest_within = self.highest_within.max(Some(tried.clients)),
            Served::Inconclusive if self.highest_within.is_none() => {}
            Served::Beyond | Served::Inconclusive => self.lowest_not_within = Some(tried.clients),
        }
        self.tried.push(tried);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::quantile::{Interval, IntervalMethod};

    /// The numbers tried on a server that `serves` so.
    fn search(max_clients: usize, serves: impl Fn(usize) -> Served) -> (Vec<usize>, Capacity) {
        let mut capacity = Capacity::new(max_clients);
        while let Some(clients) = capacity.next() {
            assert!(capacity.tried.len() < 40, "it does not end: {capacity:?}");
            capacity.observe(Tried { clients, served: serves(clients), text: String::new() });
        }
        (capacity.tried.iter().map(|tried| tried.clients).collect(), capacity)
    }

    fn up_to(limit: usize) -> impl Fn(usize) -> Served {
        move |clients| if clients <= limit { Served::Within } else { Served::Beyond }
    }

    const SEARCH: Search = Search { max_p95_ms: 100.0, min_success: 0.99, max_clients: 8 };

    fn value(low_ms: u64, high_ms: Option<u64>) -> Quantile {
        let interval = Interval {
            low_ns: low_ms * 1_000_000,
            high_ns: high_ms.map(|ms| ms * 1_000_000),
            method: IntervalMethod::OrderStatistics,
            optimistic: false,
        };
        Quantile::Value { ns: low_ms * 1_000_000 + 1, interval }
    }

    #[test]
    fn an_objective_is_kept_by_the_bound_and_not_by_the_estimate() {
        let keeps = |p95| SEARCH.keeps(Some(&p95));
        assert_eq!(keeps(value(80, Some(99))), Served::Within);
        assert_eq!(keeps(value(80, Some(120))), Served::Inconclusive);
        assert_eq!(keeps(value(101, None)), Served::Beyond);
        assert_eq!(
            keeps(Quantile::Censored { at_least_ns: 30_000_000_000, low_ns: 30_000_000_000 }),
            Served::Beyond
        );
        assert_eq!(keeps(Quantile::TooFewSamples { needed: 59 }), Served::Inconclusive);
        assert_eq!(SEARCH.keeps(None), Served::Inconclusive);
    }

    #[test]
    fn the_limit_is_found_by_doubling_and_halving() {
        let (tried, capacity) = search(200, up_to(11));
        assert_eq!(tried, [1, 2, 4, 8, 16, 12, 10, 11]);
        assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(11), Some(12)));
    }

    #[test]
    fn every_limit_below_the_most_is_found() {
        for limit in 1..100 {
            let (_, capacity) = search(100, up_to(limit));
            let (low, high) = (capacity.highest_within.unwrap(), capacity.lowest_not_within.unwrap());
            assert!(low <= limit && limit < high && high - low <= (low / 20).max(1), "{limit}: {capacity:?}");
        }
    }

    #[test]
    fn a_limit_beyond_the_most_clients_is_not_reached() {
        let (tried, capacity) = search(50, up_to(1000));
        assert_eq!(tried, [1, 2, 4, 8, 16, 32, 50]);
        assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(50), None));
    }

    #[test]
    fn a_server_that_serves_nobody_is_asked_once() {
        let (tried, capacity) = search(200, up_to(0));
        assert_eq!((tried, capacity.highest_within), (vec![1], None));
    }

    #[test]
    fn what_is_inconclusive_is_not_served() {
        let unsure = |clients| match clients {
            1 | 2 => Served::Inconclusive,
            3..=9 => Served::Within,
            _ => Served::Inconclusive,
        };
        let (tried, capacity) = search(64, unsure);
        assert_eq!(tried, [1, 2, 4, 8, 16, 12, 10, 9]);
        assert_eq!((capacity.highest_within, capacity.lowest_not_within), (Some(9), Some(10)));
        let (_, capacity) = search(4, |_| Served::Inconclusive);
        assert_eq!((capacity.highest_within, capacity.lowest_not_within), (None, None));
    }
}
