//! `run --profile memory`: the line of a Python server that keeps memory stands first, in the result, on the terminal and
//! on the page; a run goes on where it cannot be found.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use music21_mcp_load::measure::validity::Reason;
use music21_mcp_load::result::RunFile;

use crate::python::{has, python};
use crate::run::{Bench, PROGRAM, text};
use crate::skip::skip;

/// What memray or gdb are refused where it is nobody's fault.
const REFUSED: [&str; 3] = ["the kernel refuses", "needs gdb", "gdb is too old"];

fn server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers/leaking_server.py")
}

/// A stage of calls of one kind for so many seconds.
fn stage(name: &str, step: &str, seconds: u32) -> String {
    format!(
        "[[stages]]\nname = '{name}'\nclients = 1\nduration_s = {seconds}\n\
         [[stages.workload.flows]]\n[[stages.workload.flows.steps]]\n{step}\n"
    )
}

/// One run with a stage for each way to lose memory, so many times longer.
fn followed(longer: u32) -> Result<Profiled, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keeps.toml");
    let call = |tool| {
        format!("tool = '{tool}'\narguments = {{ page = 'the page of {{{{nonce}}}} with some words' }}")
    };
    let stages = [
        stage("visit", &call("visit"), 7 * longer),
        stage("cache", &call("render"), 7 * longer),
        stage("listing", "request = 'list_tools'", 7 * longer),
    ];
    std::fs::write(&file, format!("name = 'keeps'\n{}", stages.concat())).unwrap();
    let server = format!("{} {}", python(), server().display());
    let bench = Bench::new(&[file.to_str().unwrap(), "--server", &server, "--profile", "memory"]);
    let output = bench.command().output().unwrap();
    let result = bench.result();
    match result.scenarios[0].notes.iter().find(|note| note.contains("was not followed")) {
        Some(why) => Err(why.clone()),
        None => Ok(Profiled { printed: text(&output.stdout), result, bench }),
    }
}

struct Profiled {
    printed: String,
    result: RunFile,
    bench: Bench,
}

/// Why there is no run here, with what to do.
enum Obstacle {
    Lacking(String),
    Refused(String),
}

/// One run for all tests of it.
static RUN: LazyLock<Result<Profiled, Obstacle>> = LazyLock::new(|| {
    if !has("fastmcp, memray") {
        let needed = "PyPI's fastmcp and memray; MUSIC21_PYTHON names an interpreter that has them";
        return Err(Obstacle::Lacking(needed.to_owned()));
    }
    // On a busy machine memray may be let in when a stage is over: then they go on for longer.
    for longer in [2, 6] {
        match followed(longer) {
            Ok(profiled) => return Ok(profiled),
            Err(why) if REFUSED.iter().any(|words| why.contains(words)) => {
                return Err(Obstacle::Refused(why));
            }
            Err(why) => assert!(why.contains("run it longer"), "{why}"),
        }
    }
    panic!("memray was not let in within two minutes");
});

/// Checks that in the stage of this name the line with this mark kept most, wherever a reader looks.
fn kept_by(mark: &str) {
    let run = match &*RUN {
        Ok(run) => run,
        Err(Obstacle::Lacking(what)) => return skip("no-memray", what),
        Err(Obstacle::Refused(why)) => return skip("memray-refused", why),
    };
    let source = std::fs::read_to_string(server()).unwrap();
    let at = source.lines().position(|line| line.ends_with(&format!("# keeps: {mark}"))).unwrap() + 1;
    let line = format!("servers/leaking_server.py:{at}");
    let stage = run.result.scenarios[0].stages.iter().find(|stage| stage.name == mark).unwrap();
    let kept = stage.kept_memory.as_ref().expect("memory was followed");
    let first = &kept.sites[0];
    assert_eq!(first.line, line, "{kept:?}");
    assert!(first.bytes_per_call > 100.0 && first.bytes <= kept.bytes && kept.calls > 0, "{kept:?}");
    assert!(stage.validity.disturbed.contains(&Reason::MemoryProfiled), "{:?}", stage.validity);
    assert!(run.printed.contains(&line), "{}", run.printed);
    let beside = |name: &str| std::fs::read_to_string(run.bench.path().with_file_name(name)).unwrap();
    assert!(beside(&format!("flamegraphs/keeps-{mark}-server-memory-kept.svg")).contains(&line));
    assert!(beside("report.html").contains(&line));
}

#[test]
fn a_line_that_keeps_something_of_every_call_stands_first() {
    kept_by("visit");
}

#[test]
fn a_cache_is_charged_to_the_line_that_fills_it() {
    kept_by("cache");
}

#[test]
fn a_server_that_leaks_by_listing_its_tools_is_found_by_listing_them() {
    kept_by("listing");
}

#[test]
fn a_run_goes_on_where_a_native_server_cannot_be_followed() {
    let bench = Bench::new(&["tools", "--duration", "2", "--profile", "memory"]);
    bench.command().env("PATH", "").output().unwrap();
    let result = bench.result();
    let (notes, stage) = (&result.scenarios[0].notes, &result.scenarios[0].stages[0]);
    assert!(
        notes
            .iter()
            .any(|note| note.contains("is no Python; to see what it keeps, install heaptrack and gdb")),
        "{notes:?}"
    );
    assert!(stage.kept_memory.is_none() && !stage.validity.disturbed.contains(&Reason::MemoryProfiled));
}

#[test]
fn memory_without_a_scenario_may_be_two_things() {
    let output = Bench::new(&["--profile", "memory"]).command().output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("`run memory --profile memory`"), "{}", text(&output.stderr));
}

#[test]
fn of_a_native_server_the_function_that_keeps_memory_stands_first() {
    if Command::new("heaptrack").arg("--version").output().is_err() {
        return skip("no-heaptrack", "Debian's heaptrack");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keeps.toml");
    // gdb takes its time to read a program that was built for debugging.
    std::fs::write(&file, format!("name = 'keeps'\n{}", stage("calls", "tool = 'health_check'", 25)))
        .unwrap();
    let server = format!("'{PROGRAM}' serve --stdio --quiet --fault leak=20KiB");
    let bench = Bench::new(&[file.to_str().unwrap(), "--server", &server, "--profile", "memory"]);
    let output = bench.command().output().unwrap();
    let result = bench.result();
    let notes = result.scenarios[0].notes.join("; ");
    let Some(kept) = &result.scenarios[0].stages[0].kept_memory else {
        return skip("heaptrack-refused", &notes);
    };
    let first = &kept.sites[0];
    assert!(first.function.ends_with("leak") && first.line == "active.rs", "{kept:?}");
    assert!((20_000.0..21_000.0).contains(&first.bytes_per_call), "{kept:?}");
    let printed = text(&output.stdout);
    assert!(kept.by == "heaptrack" && printed.contains("active.rs"), "{printed}");
}

#[test]
fn of_a_server_that_profiles_itself_by_jemalloc_the_function_that_keeps_memory_stands_first() {
    if Command::new("jeprof").arg("--version").output().is_err() {
        return skip("no-jeprof", "Debian's libjemalloc-dev and libjemalloc2");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keeps.toml");
    std::fs::write(&file, format!("name = 'keeps'\n{}", stage("calls", "tool = 'health_check'", 8))).unwrap();
    let options = format!(
        "prof:true,lg_prof_interval:22,lg_prof_sample:12,prof_prefix:{}/je",
        directory.path().display()
    );
    let server = format!(
        "LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF={options} '{PROGRAM}' serve --stdio --quiet --fault leak=20KiB"
    );
    let bench = Bench::new(&[file.to_str().unwrap(), "--server", &server, "--profile", "memory"]);
    let output = bench.command().output().unwrap();
    let result = bench.result();
    let kept = result.scenarios[0].stages[0].kept_memory.as_ref();
    let kept = kept.unwrap_or_else(|| panic!("{}{}", text(&output.stdout), text(&output.stderr)));
    let first = &kept.sites[0];
    assert!(kept.by == "jemalloc" && first.function.ends_with("leak"), "{kept:?}");
    assert!((10_000.0..40_000.0).contains(&first.bytes_per_call), "by samples: {kept:?}");
}
