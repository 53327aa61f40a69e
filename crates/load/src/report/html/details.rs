//! What surrounds the figures: server, machine, validity of the generator, and how to run it again.

use maud::{Markup, html};

use super::figure::Table;
use crate::measure::validity::{GeneratorFacts, Standing};
use crate::report::units::{count, duration, percent};
use crate::result::{RunFile, ScenarioResult};
use crate::shell::quoted;

/// A list of names and values; what is not known is left out.
pub(super) fn list(facts: &[(&str, Option<String>)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// Who answered and when, in short.
pub(super) fn server(file: &RunFile) -> Markup {
    let server = &file.server;
    let retries = (server.start_retries > 0).then(|| server.start_retries.to_string());
    let packages: Vec<String> =
        server.packages.iter().map(|(package, version)| format!("{package} {version}")).collect();
    let shared = server.shares_our_process.then(|| "yes: its resources include the generator's".to_owned());
    list(&[
        ("server", Some(format!("{} {}", server.name, server.version))),
        ("runs with", (!packages.is_empty()).then(|| packages.join(", "))),
        ("reached over", Some(server.transport.clone())),
        ("protocol", Some(server.protocol.clone())),
        ("in our process", shared),
        ("failed starts", retries),
        ("measured", Some(file.created_utc.clone())),
        ("seed", Some(file.seed.to_string())),
    ])
}

/// The command, and on what machine it was given, in one line that unfolds.
pub(super) fn made(file: &RunFile) -> Markup {
    let machine = &file.machine;
    let processor = machine.cpu_model.as_ref().map(|model| format!("{model}, {} cores", machine.cores));
    html! {
        details.made {
            summary { code { (command(file)) } }
            (list(&[("processor", processor), ("load before → after", load(file)), ("measured", Some(file.created_utc.clone()))]))
            p.note { "All of it: " a href="#environment" { "environment" } ", " a href="#reproduce" { "run it again" } "." }
        }
    }
}

/// The system's load averages.
fn load(file: &RunFile) -> Option<String> {
    let now = file.conditions.as_ref()?;
    Some(format!("{:.2} → {:.2}", now.load_before?, now.load_after?))
}

/// The command line, the definitions as files, and what the tools are called.
pub(super) fn reproduce(file: &RunFile) -> Markup {
    html! {
        section aria-labelledby="reproduce" {
            h2 id="reproduce" { "Run it again" }
            div.scroll tabindex="0" role="group" aria-label="the command" { pre { code { (command(file)) } } }
            @for scenario in &file.scenarios {
                @if let Ok(toml) = toml::to_string(&scenario.definition) {
                    details {
                        summary { "“" (scenario.name) "” as a file that ‘run’ takes" }
                        div.scroll tabindex="0" role="group" aria-label=(format!("definition of {}", scenario.name)) {
                            pre { code { (toml) } }
                        }
                    }
                }
            }
        }
    }
}

/// The words as a shell takes them, the program by its bare name and with the seed.
fn command(file: &RunFile) -> String {
    let mut words = vec!["music21-mcp-bench".to_owned()];
    words.extend(file.command_line.iter().skip(1).cloned());
    if !words.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
        words.extend(["--seed".to_owned(), file.seed.to_string()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Machine and program.
pub(super) fn environment(file: &RunFile) -> Markup {
    let (machine, tool) = (&file.machine, &file.tool);
    let memory = |bytes: u64| format!("{} MB", count(bytes / 1_000_000));
    let revision = tool.git_rev.as_ref().map(|revision| {
        let changed = if tool.dirty == Some(true) { ", with changes" } else { "" };
        format!("{}{changed}", revision.chars().take(12).collect::<String>())
    });
    let conditions = file.conditions.as_ref();
    let steal = conditions.and_then(|now| Some(format!("{:.1} %", now.steal_percent?)));
    let pressure = conditions.and_then(|now| Some(format!("{:.1} %", now.cpu_pressure_percent?)));
    html! {
        section aria-labelledby="environment" {
            h2 id="environment" { "Environment" }
            (list(&[
                ("processor", machine.cpu_model.clone()),
                ("cores", Some(machine.cores.to_string())),
                ("memory", machine.memory_bytes.map(memory)),
                ("kernel", machine.kernel.clone()),
                ("virtual machine", Some(if machine.virtual_machine { "yes" } else { "no" }.to_owned())),
                ("governor", machine.governor.clone()),
                ("machine", Some(machine.fingerprint.chars().take(12).collect())),
                ("load before → after", load(file)),
                ("CPU time taken by the hypervisor", steal),
                ("tasks waited for a CPU", pressure),
                ("program", Some(format!("music21-mcp-bench {}, {}", tool.version, tool.profile))),
                ("revision", revision),
                ("compiler", tool.rustc.clone()),
            ]))
            details {
                summary { "Tools that the server offers (" (file.server.tools.len()) ")" }
                p { (file.server.tools.join(", ")) }
            }
        }
    }
}

/// Whether the generator's own figures may be believed, stage by stage.
pub(super) fn validity(file: &RunFile) -> Markup {
    let of = |scenario: &ScenarioResult| -> Vec<Vec<String>> {
        let row = |stage: &crate::result::StageResult| {
            generator(
                &format!("{}: {}", scenario.name, stage.name),
                &stage.generator,
                match stage.validity.times() {
                    Standing::Valid => "yes",
                    other => other.word(),
                },
            )
        };
        scenario.stages.iter().map(row).collect()
    };
    let rows: Vec<Vec<String>> = file.scenarios.iter().flat_map(of).collect();
    let head = [
        "stage",
        "valid",
        "sent late, p99",
        "very late",
        "loop lag, p99",
        "longest gap",
        "own CPU",
        "others’ CPU",
        "waited for a CPU",
        "calls due a second",
        "answered",
    ];
    html! {
        @if !rows.is_empty() {
            section aria-labelledby="validity" {
                h2 id="validity" { "Validity" }
                p.note {
                    "May the times be believed? Those of a DISTURBED stage are upper bounds, since interference only adds to "
                    "them; those of an INVALID one are unknown. Counts, memory and files stand. Others are all processes but "
                    "the generator, the server and, with --profile, the profiler: what profiling costs is "
                    "in the figures and is nobody else’s."
                }
                (Table::new(&head, rows).html("What is known about the generator"))
            }
        }
    }
}

fn generator(stage: &str, facts: &GeneratorFacts, valid: &str) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let time = |ns: Option<u64>| or_none(ns.map(|ns| duration(ns as f64)));
    vec![
        stage.to_owned(),
        valid.to_owned(),
        time(facts.scheduling_delay_p99_ns),
        percent(facts.late_share),
        time(facts.loop_lag_p99_ns),
        time(Some(facts.longest_gap_ns)),
        or_none(facts.own_cpu_share.map(percent)),
        or_none(facts.others_cpu_share.map(percent)),
        or_none(facts.cpu_pressure_percent.map(|share| format!("{share:.1} %"))),
        or_none(facts.offered_per_s.map(|rate| format!("{rate:.1}"))),
        format!("{:.1}", facts.achieved_per_s),
    ]
}
