//! Where two servers spend a call differently: the functions whose own time changed most, as a table and as Markdown.

use music21_mcp_bench::profile::change::Row;

use super::screen::Screen;
use super::units::{count, duration};
use crate::compare::profile::ProfileChange;

/// What a table of functions has.
pub(super) const HEADINGS: [&str; 6] =
    ["function", "own time before", "after", "change", "total time before", "after"];
/// A function's name on a screen.
const NAME: usize = 48;

/// What the figures are, and what they rest on.
pub(super) fn about(change: &ProfileChange) -> Vec<String> {
    let [a, b] = change.call_ns.map(duration);
    let [samples_a, samples_b] = change.samples.map(count);
    let [calls_a, calls_b] = change.calls.map(|calls| count(calls.round() as u64));
    let mut lines = vec![
        format!(
            "{} on both sides: {a} a call before ({samples_a} samples, {calls_a} calls), {b} after ({samples_b} samples, \
             {calls_b} calls)",
            change.sampler
        ),
        "times of a call; own: in the function itself; total: with what it calls; ±: four standard errors of sampling"
            .to_owned(),
    ];
    lines.extend(change.flamegraph.iter().map(|path| format!("differential flamegraph: {path}")));
    lines
}

/// What the rows leave out.
pub(super) fn left_out(change: &ProfileChange) -> String {
    let (more, within) = (change.difference.more, change.difference.within_error);
    format!("not shown: {more} more that changed, {within} whose change the samples cannot tell from none")
}

/// A row as it is read.
pub(super) fn cells(row: &Row) -> [String; 6] {
    let shown = |ns: f64| if ns == 0.0 { "0".to_owned() } else { duration(ns) };
    let [[own_a, own_b], [total_a, total_b]] = [row.own_ns, row.total_ns].map(|sides| sides.map(shown));
    let sign = if row.change_ns() < 0.0 { '−' } else { '+' };
    let change = format!("{sign}{} ± {}", duration(row.change_ns().abs()), duration(row.error_ns));
    [row.function.clone(), own_a, own_b, change, total_a, total_b]
}

/// On a screen that is too narrow for all of it without the total times, or with nothing but the change.
pub(super) fn table(change: &ProfileChange, screen: Screen) -> String {
    let rows = change.difference.rows.iter().map(|row| {
        let mut cells = cells(row);
        cells[0] = screen.name(&cells[0], NAME);
        cells
    });
    let rows: Vec<[String; 6]> = std::iter::once(HEADINGS.map(str::to_owned)).chain(rows).collect();
    let own =
        rows.iter().cloned().map(|[function, before, after, change, ..]| [function, before, after, change]);
    let own: Vec<[String; 4]> = own.collect();
    let mut out = String::from("\nwhat changed in the profile\n");
    for line in about(change) {
        out += &screen.wrapped(&line, 2);
    }
    if rows.len() > 1 {
        out += &if screen.has(Screen::width(&rows)) {
            screen.columns(&rows)
        } else if screen.has(Screen::width(&own)) {
            screen.columns(&own)
        } else {
            let least = own.into_iter().map(|[function, _, _, change]| [change, function]);
            screen.columns(&least.collect::<Vec<_>>())
        };
    }
    out + &screen.wrapped(&left_out(change), 0)
}

/// For a comment on a pull request.
pub(super) fn markdown(change: &ProfileChange) -> String {
    let mut out = String::from("\n**What changed in the profile**\n\n");
    for line in about(change) {
        out += &format!("> {line}\n\n");
    }
    if !change.difference.rows.is_empty() {
        out += &format!("| {} |\n|---|{}\n", HEADINGS.join(" | "), "---:|".repeat(HEADINGS.len() - 1));
    }
    for row in &change.difference.rows {
        let cells = cells(row).map(|cell| cell.replace('|', "\\|").replace('<', "&lt;"));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out + &format!("\n{}\n", left_out(change))
}

#[cfg(test)]
mod tests {
    use music21_mcp_bench::profile::change::Sampled;

    use super::*;

    fn change(before: &[&str], after: &[&str]) -> ProfileChange {
        let side = |folded: &[&str], calls| {
            let folded = folded.iter().map(ToString::to_string).collect();
            [Sampled { folded, calls, period_ns: 2e7 }]
        };
        let (mut change, _) =
            ProfileChange::of("py-spy", [&side(before, 100.0), &side(after, 50.2)], "title").unwrap();
        change.flamegraph = Some("flamegraphs/differential.svg".into());
        change
    }

    fn slowed() -> ProfileChange {
        change(
            &["serve (a.py);slow<1> (a.py) 200000", "serve (a.py);fast|er (a.py) 2000000"],
            &["serve (a.py);slow<1> (a.py) 1500000", "serve (a.py);fast|er (a.py) 250000"],
        )
    }

    #[test]
    fn a_table_has_own_and_total_time_of_both_sides() {
        insta::assert_snapshot!(table(&slowed(), Screen::NONE), @r#"
        what changed in the profile
        py-spy on both sides: 22.0 ms a call before (110 samples, 100 calls), 34.9 ms after (88 samples, 50 calls)
        times of a call; own: in the function itself; total: with what it calls; ±: four standard errors of sampling
        differential flamegraph: flamegraphs/differential.svg
        function        own time before  after    change              total time before  after
        slow<1> (a.py)  2.00 ms          29.9 ms  +27.9 ms ± 14.1 ms  2.00 ms            29.9 ms
        fast|er (a.py)  20.0 ms          4.98 ms  −15.0 ms ± 9.95 ms  20.0 ms            4.98 ms
        not shown: 0 more that changed, 1 whose change the samples cannot tell from none
        "#);
    }

    #[test]
    fn a_narrow_screen_has_no_room_for_total_times() {
        insta::assert_snapshot!(table(&slowed(), Screen::of(80)) + &table(&slowed(), Screen::of(50)), @r#"
        what changed in the profile
        py-spy on both sides: 22.0 ms a call before (110 samples, 100 calls), 34.9 ms
          after (88 samples, 50 calls)
        times of a call; own: in the function itself; total: with what it calls; ±: four
          standard errors of sampling
        differential flamegraph: flamegraphs/differential.svg
        function        own time before  after    change
        slow<1> (a.py)  2.00 ms          29.9 ms  +27.9 ms ± 14.1 ms
        fast|er (a.py)  20.0 ms          4.98 ms  −15.0 ms ± 9.95 ms
        not shown: 0 more that changed, 1 whose change the samples cannot tell from none

        what changed in the profile
        py-spy on both sides: 22.0 ms a call before (110
          samples, 100 calls), 34.9 ms after (88 samples,
          50 calls)
        times of a call; own: in the function itself;
          total: with what it calls; ±: four standard
          errors of sampling
        differential flamegraph:
          flamegraphs/differential.svg
        change              function
        +27.9 ms ± 14.1 ms  slow<1> (a.py)
        −15.0 ms ± 9.95 ms  fast|er (a.py)
        not shown: 0 more that changed, 1 whose change the
        samples cannot tell from none
        "#);
    }

    #[test]
    fn markdown_keeps_names_in_their_cells() {
        insta::assert_snapshot!(markdown(&slowed()), @r#"
        **What changed in the profile**

        > py-spy on both sides: 22.0 ms a call before (110 samples, 100 calls), 34.9 ms after (88 samples, 50 calls)

        > times of a call; own: in the function itself; total: with what it calls; ±: four standard errors of sampling

        > differential flamegraph: flamegraphs/differential.svg

        | function | own time before | after | change | total time before | after |
        |---|---:|---:|---:|---:|---:|
        | slow&lt;1> (a.py) | 2.00 ms | 29.9 ms | +27.9 ms ± 14.1 ms | 2.00 ms | 29.9 ms |
        | fast\|er (a.py) | 20.0 ms | 4.98 ms | −15.0 ms ± 9.95 ms | 20.0 ms | 4.98 ms |

        not shown: 0 more that changed, 1 whose change the samples cannot tell from none
        "#);
    }

    #[test]
    fn two_alike_have_no_rows_and_say_so() {
        let alike = change(&["serve (a.py) 200000"], &["serve (a.py) 100400"]);
        insta::assert_snapshot!(table(&alike, Screen::NONE), @r#"
        what changed in the profile
        py-spy on both sides: 2.00 ms a call before (10 samples, 100 calls), 2.00 ms after (5 samples, 50 calls)
        times of a call; own: in the function itself; total: with what it calls; ±: four standard errors of sampling
        differential flamegraph: flamegraphs/differential.svg
        not shown: 0 more that changed, 1 whose change the samples cannot tell from none
        "#);
    }
}
