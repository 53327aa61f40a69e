//! Throughput within the objective: a server that answers everything too late serves nobody.

use music21_mcp_bench::client::Outcome;

use super::capacity::objective;
use crate::measure::histogram::Histogram;
use crate::result::{Definition, Goodput, StageResult};

/// Good calls a second that kept the objective. The share is that of the calls with times, after the warm-up.
pub(super) fn of(stage: &StageResult, definition: &Definition) -> Option<Goodput> {
    if stage.fault.is_some() || stage.elapsed_ns == 0 {
        return None;
    }
    let of_search = definition.search.as_ref().map(|search| search.max_p95_ms);
    let objective_ms =
        of_search.or(definition.thresholds.max_p95_ms).unwrap_or_else(|| objective(1).max_p95_ms);
    let bound_ns = (objective_ms * 1e6) as u64;
    let (mut within, mut timed) = (0, 0);
    for tool in stage.tools.values() {
        let text = if stage.open_loop { &tool.response_hdr } else { &tool.service_hdr };
        let Ok(times) = Histogram::from_base64(text, None) else { continue };
        within += times.at_most([bound_ns])[0];
        // A call that timed out is among the times and was not good.
        timed += times.count() - stage.times(tool).map_or(0, |summary| summary.censored).min(times.count());
    }
    let good_per_s = stage.accounts.count(Outcome::Ok) as f64 / (stage.elapsed_ns as f64 / 1e9);
    (timed > 0).then(|| Goodput { per_s: good_per_s * (within as f64 / timed as f64).min(1.0), objective_ms })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::Latency;
    use crate::result::{Thresholds, fixture};

    #[test]
    fn only_good_calls_in_time_count() {
        let mut histogram = Histogram::default();
        (1..=100).for_each(|ms| histogram.record(Latency { ns: ms * 1_000_000, censored: false }));
        let accounts = json!({ "scheduled": 120, "sent": 120, "ended": { "ok": 100, "tool_error": 20 } });
        let stage = fixture::stage(
            &json!({ "elapsed_ns": 10_000_000_000_u64, "accounts": accounts, "tools": { "t": {
            "accounts": accounts, "response": null, "service": null, "response_hdr": "",
            "service_hdr": histogram.to_base64(), "examples": [], "first_calls_ns": [], "steadiness": null
        } } }),
        );
        let with = |max_p95_ms| {
            let thresholds = Thresholds { max_p95_ms, ..Thresholds::default() };
            of(&stage, &Definition { thresholds, ..Definition::default() }).unwrap()
        };
        assert!((with(Some(25.0)).per_s - 2.5).abs() < 0.11, "{:?}", with(Some(25.0)));
        assert_eq!(with(None).objective_ms, 1000.0);
        assert!((with(None).per_s - 10.0).abs() < 1e-9);
        assert_eq!(of(&fixture::stage_named("s"), &Definition::default()), None);
    }
}
