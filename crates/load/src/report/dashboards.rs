//! What services that keep benchmarks over time read: Bencher's Metric Format, and the JSON of github-action-benchmark for
//! figures of which less is better. Only estimates: a bound would look like one.

use serde_json::{Map, Value, json};

use crate::compare::outcome::Figure;
use crate::compare::{Comparison, Row};
use crate::measure::quantile::Quantile;
use crate::result::{RunFile, StageResult, ToolResult};

/// One figure of one benchmark.
pub(crate) struct Metric {
    benchmark: String,
    /// What is measured, as Bencher calls it.
    measure: &'static str,
    unit: &'static str,
    value: f64,
    lower: Option<f64>,
    upper: Option<f64>,
    /// More is better.
    is_throughput: bool,
}

impl Metric {
    fn of(benchmark: String, measure: &'static str, unit: &'static str, value: f64) -> Self {
        Self { benchmark, measure, unit, value, lower: None, upper: None, is_throughput: false }
    }
}

/// Of a run: throughput and memory of each stage, mean and p95 of each tool in it.
pub(crate) fn of_run(file: &RunFile) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for (scenario, stage) in file.stages() {
        let name = format!("{scenario}/{}", stage.name);
        let rate = Metric::of(name.clone(), "throughput", "calls/s", stage.calls_per_s);
        metrics.push(Metric { is_throughput: true, ..rate });
        let peak =
            stage.peak_rss_bytes.map(|bytes| Metric::of(name.clone(), "peak-memory", "bytes", bytes as f64));
        metrics.extend(peak);
        metrics.extend(
            stage.tools.iter().flat_map(|(tool, result)| times(&format!("{name}/{tool}"), stage, result)),
        );
    }
    metrics
}

fn times(name: &str, stage: &StageResult, tool: &ToolResult) -> Vec<Metric> {
    let Some(times) = stage.times(tool).filter(|times| !times.is_disturbed && times.censored == 0) else {
        return Vec::new();
    };
    let mean = Metric::of(name.to_owned(), "latency", "ns", times.mean_ns);
    let p95 = match times.p95 {
        Quantile::Value { ns, interval } => Some(Metric {
            lower: Some(interval.low_ns as f64),
            upper: interval.high_ns.map(|ns| ns as f64),
            ..Metric::of(name.to_owned(), "p95-latency", "ns", ns as f64)
        }),
        _ => None,
    };
    std::iter::once(mean).chain(p95).collect()
}

/// Of a comparison: the candidate's figures.
pub(crate) fn of_comparison(comparison: &Comparison) -> Vec<Metric> {
    let of = |row: &Row| {
        let (measure, unit) = match row.figure {
            Figure::Wall => ("latency", "ns"),
            Figure::Cpu => ("cpu-time", "ns"),
            Figure::P95 => ("p95-latency", "ns"),
            Figure::Memory => ("memory-growth", "MB/min"),
            // More is better, and it is no rate.
            Figure::Success | Figure::Replies => return None,
        };
        let value = row.candidate?;
        let bound = |of: Option<f64>| Some(row.baseline? * of?);
        let ratio = row.ratio;
        Some(Metric {
            lower: ratio.and_then(|ratio| bound(ratio.lower)),
            upper: ratio.and_then(|ratio| bound(ratio.upper)),
            ..Metric::of(row.entry.clone(), measure, unit, value)
        })
    };
    comparison.rows.iter().filter_map(of).collect()
}

/// Bencher's Metric Format: benchmarks, in each its measures.
pub(crate) fn bencher(metrics: &[Metric]) -> String {
    let mut all = Map::new();
    for metric in metrics {
        let mut value = json!({ "value": metric.value });
        for (name, bound) in [("lower_value", metric.lower), ("upper_value", metric.upper)] {
            if let Some(bound) = bound {
                value[name] = json!(bound);
            }
        }
        let benchmark = all.entry(metric.benchmark.clone()).or_insert_with(|| json!({}));
        benchmark[metric.measure] = value;
    }
    format!("{:#}\n", Value::Object(all))
}

/// github-action-benchmark's `customSmallerIsBetter`.
pub(crate) fn github(metrics: &[Metric]) -> String {
    let shown = |metric: &Metric| {
        let mut value = json!({
            "name": format!("{} {}", metric.benchmark, metric.measure), "unit": metric.unit, "value": metric.value,
        });
        if let (Some(lower), Some(upper)) = (metric.lower, metric.upper) {
            value["range"] = json!(format!("{lower:.0} to {upper:.0}"));
        }
        value
    };
    let smaller: Vec<Value> = metrics.iter().filter(|metric| !metric.is_throughput).map(shown).collect();
    format!("{:#}\n", Value::Array(smaller))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::ChangeVerdict;

    #[test]
    fn a_comparison_has_the_candidates_figures_and_what_is_unknown_is_left_out() {
        let row = |figure, verdict| Row::of("tools/key", figure, 4e6, 5e6, verdict);
        let rows = vec![
            row(Figure::Wall, ChangeVerdict::FAIL),
            row(Figure::Success, ChangeVerdict::Unchanged),
            Row { candidate: None, ..row(Figure::P95, ChangeVerdict::Unchanged) },
        ];
        let metrics = of_comparison(&Comparison { notes: Vec::new(), rows, profile: None });
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&bencher(&metrics)), json!({ "tools/key": { "latency": { "value": 5e6 } } }));
        let expected = json!([{ "name": "tools/key latency", "unit": "ns", "value": 5e6 }]);
        assert_eq!(read(&github(&metrics)), expected);
    }
}
