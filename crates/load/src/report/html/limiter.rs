//! What the rate limiter let through and refused, over the time of the probing.

use maud::{Markup, html};

use super::figure::{Figure, Table};
use crate::measure::token_bucket::{Limit, Probe, Report};
use crate::report::chart::{Axis, Chart, Mark, Paint};
use crate::report::units::{digits, duration};

/// The estimates, and a chart where the single probes are on file.
pub(super) fn section(report: &Report, declared: Option<Limit>) -> Markup {
    let refills = report.refills.iter().map(|refill| {
        let right = format!("{} to {}", refill.low, refill.high);
        vec![format!("{:.1} s", refill.idle_s), refill.admitted.to_string(), right]
    });
    let retry = report.retry_after;
    html! {
        h3 { "Rate limiter" }
        dl.facts {
            div { dt { "kind" } dd { (report.kind.word()) } }
            @if let Some(limit) = declared {
                div { dt { "declared" } dd { (limit.capacity) " at once, " (limit.per_second) " a second" } }
            }
            div { dt { "burst let through" } dd { (report.burst.capacity) } }
            div { dt { "sustained" } dd {
                @if let Some(rate) = report.rate {
                    (format!("{:.3} a second (± {:.1} %)", rate.per_second, rate.relative_error * 100.0))
                } @else { "–" }
            } }
            div { dt { "Retry-After" } dd {
                "kept " (retry.kept) ", too short " (retry.too_short) ", too long " (retry.too_long)
                ", absent " (retry.absent) ", not tested " (retry.untested)
            } }
            div { dt { "probes" } dd { (report.calls) } }
            div { dt { "round trip, p99" } dd { (duration(report.round_trip_p99_ns as f64)) } }
        }
        @if !report.refills.is_empty() {
            (Table::new(&["idle for", "let through", "right would be"], refills.collect()).html("Refills after idling"))
        }
        @if !report.probes.is_empty() { (figure(&report.probes, declared).html()) }
    }
}

fn figure(probes: &[Probe], declared: Option<Limit>) -> Figure {
    let start_ns = probes.first().map_or(0, |probe| probe.sent_ns);
    let seconds = |probe: &Probe| (probe.received_ns - start_ns) as f64 / 1e9;
    let (mut through, mut refused, mut rows) = (vec![(0.0, 0.0)], Vec::new(), Vec::new());
    let mut total = 0.0;
    for probe in probes {
        let at_s = seconds(probe);
        if probe.admitted {
            through.push((at_s, total));
            total += 1.0;
            through.push((at_s, total));
        } else {
            refused.push((at_s, total));
        }
        let wait = probe.retry_after_ns.map_or_else(|| "–".to_owned(), |ns| duration(ns as f64));
        let word = if probe.admitted { "let through" } else { "refused" };
        rows.push(vec![format!("{at_s:.3}"), word.to_owned(), format!("{total:.0}"), wait]);
    }
    let end_s = probes.last().map_or(0.0, seconds);
    through.push((end_s, total));
    let (blue, grey) = (Paint::series(0), Paint::series(5).dashed());
    let mut legend = vec![(blue, "let through so far".to_owned()), (Paint::ALARM, "a refusal".to_owned())];
    let mut marks = vec![Mark::Line(through, blue), Mark::Dots(refused, Paint::ALARM)];
    let mut most = total;
    if let Some(limit) = declared {
        let envelope = |at_s: f64| f64::from(limit.capacity) + limit.per_second * at_s;
        most = most.max(envelope(end_s));
        marks.insert(0, Mark::Line(vec![(0.0, envelope(0.0)), (end_s, envelope(end_s))], grey));
        legend.push((
            grey,
            format!("the most that {} + {} a second allows", limit.capacity, digits(limit.per_second)),
        ));
    }
    Figure {
        title: "Calls let through and refused".to_owned(),
        caption: format!("{total:.0} of {} probes let through in {end_s:.0} s.", probes.len()),
        legend,
        chart: Chart::whole(Axis::seconds(end_s), Axis::from_zero("", [most]), marks),
        table: Table::new(&["second", "answer", "let through so far", "Retry-After"], rows),
    }
}
