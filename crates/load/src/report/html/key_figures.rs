//! What a reader wants to know first, in large figures.

use maud::{Markup, html};
use music21_mcp_bench::client::Outcome;

use crate::measure::quantile::Quantile;
use crate::report::units::{count, digits, megabytes, percent, quantile, rate};
use crate::result::{RunFile, StageResult};

/// A figure, what it is, and what it is of.
struct Key {
    name: &'static str,
    value: String,
    of: String,
}

/// Each the most telling of all stages; what was not measured is left out.
pub(super) fn section(file: &RunFile) -> Markup {
    let stages: Vec<(String, &StageResult)> = file
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.stages.iter().map(|stage| (named(&scenario.name, stage), stage)))
        .collect();
    // Where calls must fail, their share says nothing.
    let meant = file.scenarios.iter().filter(|scenario| scenario.definition.thresholds.min_success > 0.0);
    let meant: Vec<&StageResult> = meant.flat_map(|scenario| &scenario.stages).collect();
    let keys: Vec<Key> = [good(&meant), throughput(&stages), slowest(&stages), memory(&stages)]
        .into_iter()
        .flatten()
        .collect();
    html! {
        @if !keys.is_empty() {
            dl.key-figures aria-label="key figures" {
                @for Key { name, value, of } in keys {
                    div { dt { (name) } dd { strong { (value) } small { (of) } } }
                }
            }
        }
    }
}

fn named(scenario: &str, stage: &StageResult) -> String {
    if stage.name == scenario { scenario.to_owned() } else { format!("{scenario}: {}", stage.name) }
}

fn good(stages: &[&StageResult]) -> Option<Key> {
    let sum = |of: fn(&StageResult) -> u64| stages.iter().map(|stage| of(stage)).sum::<u64>();
    let (good, sent) = (sum(|stage| stage.accounts.count(Outcome::Ok)), sum(|stage| stage.accounts.sent));
    let value = (sent > 0).then(|| percent(good as f64 / sent as f64))?;
    let doubtful =
        sum(|stage| stage.tools.values().filter_map(|tool| tool.doubtful.as_ref()).map(|d| d.calls).sum());
    let of = match doubtful {
        0 => format!("of {} calls", count(sent)),
        some => format!("of {} calls; {} of the answers may be failures", count(sent), count(some)),
    };
    Some(Key { name: "good answers", value, of })
}

fn throughput(stages: &[(String, &StageResult)]) -> Option<Key> {
    let (name, stage) = stages.iter().max_by(|a, b| a.1.calls_per_s.total_cmp(&b.1.calls_per_s))?;
    (stage.calls_per_s > 0.0).then(|| Key { name: "calls a second", value: rate(stage), of: name.clone() })
}

fn slowest(stages: &[(String, &StageResult)]) -> Option<Key> {
    let p95s = stages.iter().flat_map(|(name, stage)| {
        stage.tools.iter().filter_map(move |(tool, result)| Some((name, tool, stage.times(result)?.p95)))
    });
    let (name, tool, p95) = p95s.filter(|(.., p95)| p95.ns().is_some()).max_by_key(|(.., p95)| p95.ns())?;
    let bound = match p95 {
        Quantile::Value { .. } => {
            let upper = p95.upper_ns().map(|ns| crate::report::units::duration(ns as f64));
            upper.map_or_else(String::new, |upper| format!(", at most {upper} by its 95 % bound"))
        }
        _ => String::new(),
    };
    Some(Key { name: "slowest tool’s p95", value: quantile(&p95), of: format!("{tool}, {name}{bound}") })
}

fn memory(stages: &[(String, &StageResult)]) -> Option<Key> {
    let growths = stages.iter().filter_map(|(name, stage)| Some((name, stage.leak.as_ref()?.mb_per_min)));
    let worst = growths.max_by(|a, b| a.1.estimate.total_cmp(&b.1.estimate));
    if let Some((name, slope)) = worst {
        let value = format!("{:+.2} MB/min", slope.estimate);
        return Some(Key {
            name: "memory growth",
            value,
            of: format!("{:+.2} to {:+.2}, {name}", slope.lower, slope.upper),
        });
    }
    let peaks = stages.iter().filter_map(|(name, stage)| Some((name, stage.peak_rss_bytes?)));
    let (name, peak) = peaks.max_by_key(|(_, peak)| *peak)?;
    let value = format!("{} MB", digits(megabytes(peak)));
    Some(Key { name: "peak memory of the server", value, of: name.clone() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::result::Definition;
    use crate::result::fixture::{run, scenario, stage};

    fn text(fields: &serde_json::Value) -> String {
        let mut one = scenario(Definition { name: "tools".to_owned(), ..Definition::default() });
        one.stages = vec![stage(fields)];
        section(&run(&[one])).into_string()
    }

    #[test]
    fn what_was_not_measured_is_left_out() {
        assert_eq!(text(&json!({})), "");
        let page = text(&json!({
            "calls_per_s": 12.34, "peak_rss_bytes": 45_600_000,
            "accounts": { "scheduled": 4, "sent": 4, "ended": { "ok": 3, "timed_out": 1 } }
        }));
        for shown in [
            "<strong>75.0 %</strong><small>of 4 calls",
            "<strong>12.3</strong><small>tools: s",
            "<strong>45.6 MB",
        ] {
            assert!(page.contains(shown), "{page}");
        }
        assert!(!page.contains("p95"), "{page}");
    }
}
