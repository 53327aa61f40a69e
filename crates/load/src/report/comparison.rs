//! A comparison as a table, as Markdown, as JSON and as JUnit.

use std::collections::BTreeMap;

use super::junit::{self, Case, End, Suite};
use super::screen::Screen;
use super::{dashboards, profile_change};
use crate::compare::outcome::Counts;
use crate::compare::{ChangeVerdict, Comparison, Row, Severity};

/// What a comparison is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a terminal.
    Table,
    /// For a comment on a pull request.
    Markdown,
    /// For programs.
    Json,
    /// For CI systems: a regression is a failure, "inconclusive" is skipped.
    Junit,
    /// Bencher's Metric Format: the candidate's figures.
    Bencher,
    /// The JSON of github-action-benchmark (`customSmallerIsBetter`): the candidate's figures.
    Github,
}

/// Writes it.
///
/// # Errors
///
/// None: memory takes what is written.
pub(crate) fn render(comparison: &Comparison, format: Format, screen: Screen) -> std::io::Result<String> {
    Ok(match format {
        Format::Table => table(comparison, screen),
        Format::Markdown => markdown(comparison),
        Format::Json => json(comparison),
        Format::Junit => junit(comparison)?,
        Format::Bencher => dashboards::bencher(&dashboards::of_comparison(comparison)),
        Format::Github => dashboards::github(&dashboards::of_comparison(comparison)),
    })
}

const HEADINGS: [&str; 6] = ["entry", "figure", "baseline", "candidate", "change", "verdict"];

/// Reasons that several rows share, with how many do: they are said once, and those rows have the word alone.
pub(crate) fn common_reasons(comparison: &Comparison) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::<String, usize>::new();
    for row in &comparison.rows {
        if row.verdict.why().is_some() {
            *counts.entry(row.verdict.to_string()).or_default() += 1;
        }
    }
    counts.into_iter().filter(|&(_, rows)| rows > 1).collect()
}

/// The notes, and before them the reasons that rows share.
pub(crate) fn said_once(comparison: &Comparison) -> Vec<String> {
    let shared = common_reasons(comparison);
    let reasons = shared.into_iter().map(|(reason, rows)| format!("{rows} rows are {reason}"));
    reasons.chain(comparison.notes.iter().cloned()).collect()
}

fn cells(row: &Row, shared: &[(String, usize)]) -> [String; 6] {
    let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| row.figure.show(value));
    let ratio = row.ratio.map_or_else(|| "–".to_owned(), |ratio| ratio.to_string());
    let figure = row.figure.to_string();
    let (baseline, candidate) = (show(row.baseline), show(row.candidate));
    let whole = row.verdict.to_string();
    let is_shared = shared.iter().any(|(reason, _)| *reason == whole);
    let verdict = if is_shared { row.verdict.word().to_owned() } else { whole };
    [row.entry.clone(), figure, baseline, candidate, ratio, verdict]
}

fn summary(comparison: &Comparison) -> String {
    let entries = comparison.entries();
    let Counts { failed, warned, unknown, improved, unchanged, not_measured } =
        Counts::of(entries.iter().map(|(_, verdict)| *verdict));
    let unmeasured = if not_measured > 0 { format!(", {not_measured} not measured") } else { String::new() };
    format!(
        "{failed} regressed, {warned} regressed (warning), {unknown} inconclusive, {improved} improved, \
         {unchanged} unchanged{unmeasured}"
    )
}

/// A line for each entry that has several figures, with its verdict, before theirs.
fn lines(comparison: &Comparison) -> Vec<[String; 6]> {
    let shared = common_reasons(comparison);
    let mut lines = Vec::new();
    for (entry, verdict) in comparison.entries() {
        let rows: Vec<&Row> = comparison.rows.iter().filter(|row| row.entry == entry).collect();
        if rows.len() > 1 {
            lines.push([entry, "all", "–", "–", "–", verdict.word()].map(str::to_owned));
        }
        lines.extend(rows.into_iter().map(|row| cells(row, &shared)));
    }
    lines
}

fn json(comparison: &Comparison) -> String {
    let Comparison { notes, rows, profile } = comparison;
    let entries: BTreeMap<&str, &ChangeVerdict> = comparison.entries().into_iter().collect();
    let mut value = serde_json::json!({ "notes": notes, "entries": entries, "rows": rows });
    if let Some(profile) = profile {
        value["profile"] = serde_json::json!(profile);
    }
    format!("{value:#}\n")
}

fn table(comparison: &Comparison, screen: Screen) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(lines(comparison));
    let mut out = String::new();
    for note in said_once(comparison) {
        out += &screen.wrapped(&format!("note: {note}"), 6);
    }
    // Too narrow for all of it: without the two values, whose ratio says most.
    let few: Vec<[String; 4]> = rows
        .iter()
        .cloned()
        .map(|[entry, figure, _, _, change, word]| [entry, figure, change, word])
        .collect();
    if screen.has(Screen::width(&rows)) {
        out += &screen.columns(&rows);
    } else if screen.has(Screen::width(&few)) {
        out += &screen.columns(&few);
    } else {
        let stacked: Vec<[String; 3]> = few
            .into_iter()
            .map(|[entry, figure, change, word]| {
                let change = if change == "–" { String::new() } else { change };
                [format!("{entry} {figure}"), change, word]
            })
            .collect();
        out += &screen.columns(&stacked);
    }
    out += &screen.wrapped(&summary(comparison), 0);
    out + &comparison.profile.iter().map(|change| profile_change::table(change, screen)).collect::<String>()
}

fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("**{}**\n\n", summary(comparison));
    for note in said_once(comparison) {
        out += &format!("> {note}\n\n");
    }
    out += &format!("| {} |\n|{}\n", HEADINGS.join(" | "), "---|".repeat(HEADINGS.len()));
    for line in lines(comparison) {
        let cells = line.map(|cell| cell.replace('|', "\\|").replace('<', "&lt;"));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out + &comparison.profile.iter().map(profile_change::markdown).collect::<String>()
}

fn junit(comparison: &Comparison) -> std::io::Result<String> {
    let case = |row: &Row| {
        let [entry, figure, baseline, candidate, ratio, verdict] = cells(row, &[]);
        let end = match row.verdict {
            ChangeVerdict::Regressed(Severity::Fail) => End::Failed,
            ChangeVerdict::Inconclusive(_) | ChangeVerdict::NotMeasured(_) => End::Skipped,
            ChangeVerdict::Improved | ChangeVerdict::Unchanged | ChangeVerdict::Regressed(Severity::Warn) => {
                End::Passed
            }
        };
        let text = format!("{verdict}: {baseline} to {candidate}, {ratio}");
        Case { class: entry, name: figure, end, text }
    };
    let cases = comparison.rows.iter().map(case).collect();
    junit::xml(&[Suite { name: "compare".to_owned(), attributes: Vec::new(), cases }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::gate::Level;
    use crate::compare::outcome::Figure;
    use crate::compare::{Change, Why};

    fn shown(format: Format) -> String {
        render(&comparison(), format, Screen::NONE).unwrap()
    }

    fn comparison() -> Comparison {
        let change = Change { log: 1.12f64.ln(), standard_error: 0.01, freedom: 9.0, rounds: 10 };
        let slow = Row::of_time(
            "key|<1>",
            Figure::Wall,
            [4e6, 4.48e6],
            &change,
            Level::RECORDS,
            ChangeVerdict::FAIL,
        );
        let why = ChangeVerdict::Inconclusive(Why::TooFewRounds { have: 1, need: 5 });
        let rows = vec![
            slow,
            Row::of("key|<1>", Figure::Success, 1.0, 0.995, ChangeVerdict::Unchanged),
            Row::bare("list", Figure::Cpu, why),
        ];
        Comparison { notes: vec!["different machine".to_owned()], rows, profile: None }
    }

    #[test]
    fn a_table_lines_up_and_ends_in_a_summary() {
        insta::assert_snapshot!(shown(Format::Table), @r#"
        note: different machine
        entry    figure   baseline  candidate  change                             verdict
        key|<1>  all      –         –          –                                  regressed
        key|<1>  wall     4.00 ms   4.48 ms    +12.0 % (+8.9 … +15.2), 10 rounds  regressed
        key|<1>  success  100.00 %  99.50 %    –                                  unchanged
        list     cpu      –         –          –                                  inconclusive: only 1 round; 5 are needed
        1 regressed, 0 regressed (warning), 1 inconclusive, 0 improved, 0 unchanged
        "#);
    }

    #[test]
    fn a_narrow_screen_has_no_room_for_the_values() {
        insta::assert_snapshot!(table(&comparison(), Screen::of(60)), @r#"
        note: different machine
        entry figure  change · verdict
        key|<1> all  regressed
        key|<1> wall  +12.0 % (+8.9 … +15.2), 10 rounds · regressed
        key|<1> success  unchanged
        list cpu  inconclusive: only 1 round; 5 are needed
        1 regressed, 0 regressed (warning), 1 inconclusive, 0
        improved, 0 unchanged
        "#);
    }

    #[test]
    fn markdown_keeps_a_bar_in_a_name_from_making_a_column() {
        insta::assert_snapshot!(shown(Format::Markdown), @r#"
        **1 regressed, 0 regressed (warning), 1 inconclusive, 0 improved, 0 unchanged**

        > different machine

        | entry | figure | baseline | candidate | change | verdict |
        |---|---|---|---|---|---|
        | key\|&lt;1> | all | – | – | – | regressed |
        | key\|&lt;1> | wall | 4.00 ms | 4.48 ms | +12.0 % (+8.9 … +15.2), 10 rounds | regressed |
        | key\|&lt;1> | success | 100.00 % | 99.50 % | – | unchanged |
        | list | cpu | – | – | – | inconclusive: only 1 round; 5 are needed |
        "#);
    }

    #[test]
    fn junit_fails_what_regressed_and_skips_what_is_not_known() {
        insta::assert_snapshot!(shown(Format::Junit), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="music21-mcp-bench" tests="3" failures="1" skipped="1" errors="0">
          <testsuite name="compare" tests="3" failures="1" skipped="1" errors="0">
            <testcase classname="key|&lt;1&gt;" name="wall">
              <failure message="regressed: 4.00 ms to 4.48 ms, +12.0 % (+8.9 … +15.2), 10 rounds"/>
            </testcase>
            <testcase classname="key|&lt;1&gt;" name="success">
              <system-out>unchanged: 100.00 % to 99.50 %, –</system-out>
            </testcase>
            <testcase classname="list" name="cpu">
              <skipped message="inconclusive: only 1 round; 5 are needed: – to –, –"/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn json_holds_every_row_with_its_verdict() {
        let json: serde_json::Value = serde_json::from_str(&shown(Format::Json)).unwrap();
        assert_eq!(json["entries"]["key|<1>"]["regressed"], "fail", "its worst figure");
        assert_eq!(json["rows"][0]["verdict"]["regressed"], "fail");
        assert_eq!(json["rows"][2]["verdict"]["inconclusive"]["too_few_rounds"]["have"], 1);
    }
}
