//! Comma-separated values (RFC 4180): one row a tool of a stage, one row a second.

use music21_mcp_bench::client::Outcome;

use crate::measure::quantile::Quantile;
use crate::measure::summary::Summary;
use crate::result::{RunFile, StageResult};

/// One row for each tool of each stage. Times are nanoseconds; a quantile is empty where there are too few calls for it.
#[must_use]
pub(crate) fn tools(file: &RunFile) -> String {
    let mut table = Table::new(&[
        "scenario",
        "stage",
        "tool",
        "calls",
        "ok",
        "response_count",
        "response_min_ns",
        "response_mean_ns",
        "response_p50_ns",
        "response_p95_ns",
        "response_p99_ns",
        "response_p999_ns",
        "response_max_ns",
        "service_count",
        "service_min_ns",
        "service_mean_ns",
        "service_p50_ns",
        "service_p95_ns",
        "service_p99_ns",
        "service_p999_ns",
        "service_max_ns",
    ]);
    for (scenario, stage) in stages(file) {
        for (name, tool) in &stage.tools {
            let accounts = &tool.accounts;
            let mut row = vec![scenario.to_owned(), stage.name.clone(), name.clone()];
            row.extend([accounts.sent.to_string(), accounts.count(Outcome::Ok).to_string()]);
            row.extend(summary(tool.response.as_ref()));
            row.extend(summary(tool.service.as_ref()));
            table.row(&row);
        }
    }
    table.text
}

/// One row for each second of each stage.
#[must_use]
pub(crate) fn timeline(file: &RunFile) -> String {
    let mut table = Table::new(&[
        "scenario",
        "stage",
        "second",
        "ok",
        "errors",
        "response_p50_ns",
        "response_p95_ns",
        "response_max_ns",
        "in_flight",
    ]);
    for (scenario, stage) in stages(file) {
        for second in &stage.timeline {
            let errors: u64 = second.errors.values().sum();
            table.row(&[
                scenario.to_owned(),
                stage.name.clone(),
                second.at_s.to_string(),
                second.ok.to_string(),
                errors.to_string(),
                optional(second.p50_ns),
                optional(second.p95_ns),
                optional(second.max_ns),
                second.in_flight.to_string(),
            ]);
        }
    }
    table.text
}

fn stages(file: &RunFile) -> impl Iterator<Item = (&str, &StageResult)> {
    file.scenarios.iter().flat_map(|scenario| scenario.stages.iter().map(|stage| (&*scenario.name, stage)))
}

fn summary(summary: Option<&Summary>) -> [String; 8] {
    let Some(summary) = summary else { return Default::default() };
    let Summary { count, min_ns, mean_ns, max_ns, median, p95, p99, p999, .. } = summary;
    let [p50, p95, p99, p999] = [median, p95, p99, p999].map(estimate);
    [count.to_string(), min_ns.to_string(), mean_ns.to_string(), p50, p95, p99, p999, max_ns.to_string()]
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

struct Table {
    text: String,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        Self { text: format!("{}\r\n", columns.join(",")) }
    }

    fn row(&mut self, fields: &[String]) {
        let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
        self.text.push_str(&quoted.join(","));
        self.text.push_str("\r\n");
    }
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
