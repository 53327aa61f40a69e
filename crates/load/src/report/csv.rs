//! Comma-separated values (RFC 4180): one row a tool of a stage, one row a second.

use music21_mcp_bench::client::Outcome;

use crate::measure::quantile::Quantile;
use crate::measure::summary::Summary;
use crate::result::{RunFile, Second};

/// A heading, and what stands below it.
type Column<T> = (&'static str, fn(&T) -> String);

/// The columns of response times, those of service times, and those until the first byte.
const TIMES: [Column<Summary>; 8] = [
    ("count", |times| times.count.to_string()),
    ("min_ns", |times| times.min_ns.to_string()),
    ("mean_ns", |times| times.mean_ns.to_string()),
    ("p50_ns", |times| estimate(&times.median)),
    ("p95_ns", |times| estimate(&times.p95)),
    ("p99_ns", |times| estimate(&times.p99)),
    ("p999_ns", |times| estimate(&times.p999)),
    ("max_ns", |times| times.max_ns.to_string()),
];

/// The columns of a second.
const SECOND: [Column<Second>; 7] = [
    ("second", |second| second.at_s.to_string()),
    ("ok", |second| second.ok.to_string()),
    ("errors", |second| second.errors.values().sum::<u64>().to_string()),
    ("response_p50_ns", |second| optional(second.p50_ns)),
    ("response_p95_ns", |second| optional(second.p95_ns)),
    ("response_max_ns", |second| optional(second.max_ns)),
    ("in_flight", |second| second.in_flight.to_string()),
];

/// One row for each tool of each stage. Times are nanoseconds; a quantile is empty where there are too few calls for it.
pub(crate) fn tools(file: &RunFile) -> String {
    let names = ["response", "service", "first_byte"]
        .iter()
        .flat_map(|kind| TIMES.map(|(name, _)| format!("{kind}_{name}")));
    let head = ["scenario", "stage", "tool", "calls", "ok"].map(str::to_owned).into_iter().chain(names);
    let mut text = row(head);
    for (scenario, stage) in file.stages() {
        for (name, tool) in &stage.tools {
            let (calls, ok) = (tool.accounts.sent, tool.accounts.count(Outcome::Ok));
            let whose = [scenario, &stage.name, name, &calls.to_string(), &ok.to_string()].map(str::to_owned);
            let value = |times: &Option<Summary>| {
                TIMES.map(|(_, value)| times.as_ref().map_or_else(String::new, value))
            };
            let times = [&tool.response, &tool.service, &tool.first_byte];
            text += &row(whose.into_iter().chain(times.into_iter().flat_map(value)));
        }
    }
    text
}

/// One row for each second of each stage.
pub(crate) fn timeline(file: &RunFile) -> String {
    let of = |scenario: &str, stage: &str, figures: [String; SECOND.len()]| {
        row([scenario, stage].map(str::to_owned).into_iter().chain(figures))
    };
    let mut text = of("scenario", "stage", SECOND.map(|(name, _)| name.to_owned()));
    for (scenario, stage) in file.stages() {
        for second in &stage.timeline {
            text += &of(scenario, &stage.name, SECOND.map(|(_, value)| value(second)));
        }
    }
    text
}

/// Only an estimate: in a column of numbers a bound would look like one.
fn estimate(quantile: &Quantile) -> String {
    match quantile {
        Quantile::Value { ns, .. } => ns.to_string(),
        _ => String::new(),
    }
}

fn optional(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn row(fields: impl Iterator<Item = String>) -> String {
    fields.map(|field| quote(&field)).collect::<Vec<_>>().join(",") + "\r\n"
}

fn quote(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_commas_and_quotes_stays_one_field() {
        assert_eq!(quote("off-peak, before"), "\"off-peak, before\"");
        assert_eq!(quote("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(quote("plain"), "plain");
    }
}
