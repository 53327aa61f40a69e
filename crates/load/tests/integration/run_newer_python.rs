//! `run --profile` of a Python for which py-spy and memray are not there: what Python has itself does instead, and a note says
//! so. Python 3.15 is named by `MUSIC21_NEWER_PYTHON`; `.ci/newer-python` gets one.

use std::path::{Path, PathBuf};

use crate::run::{Bench, text};
use crate::skip::skip;

const NEEDED: &str = "MUSIC21_NEWER_PYTHON names no Python 3.15; .ci/newer-python gets one";

fn server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers/plain_server.py")
}

fn newer_python() -> Option<String> {
    std::env::var("MUSIC21_NEWER_PYTHON").ok().filter(|python| Path::new(python).exists())
}

/// A run of the plain server, with nothing on its PATH but what every system has; its standard output and its notes.
fn profiled(python: &str, what: &str) -> (Bench, String, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("visits.toml");
    let visits = "name = 'visits'\n[[stages]]\nname = 'visit'\nclients = 1\nduration_s = 8\n\
                  [[stages.workload.flows]]\n[[stages.workload.flows.steps]]\ntool = 'visit'\n\
                  arguments = { page = 'the page of {{nonce}} with some words' }\n";
    std::fs::write(&file, visits).unwrap();
    let server = format!("{python} {}", server().display());
    let bench = Bench::new(&[file.to_str().unwrap(), "--server", &server, "--profile", what]);
    let output = bench.command().env("PATH", "/usr/bin:/bin").output().unwrap();
    let notes = bench.result().scenarios[0].notes.clone();
    (bench, text(&output.stdout), notes)
}

#[test]
fn its_own_tracemalloc_tells_the_line_that_keeps_memory() {
    let Some(python) = newer_python() else { return skip("no-newer-python", NEEDED) };
    let (bench, printed, notes) = profiled(&python, "memory");
    if notes.iter().any(|note| note.contains("the kernel refuses")) {
        return skip("memray-refused", &notes.join("; "));
    }
    assert!(notes.iter().any(|note| note.contains("its own tracemalloc follows its memory")), "{notes:?}");
    let source = std::fs::read_to_string(server()).unwrap();
    let at = source.lines().position(|line| line.ends_with("# keeps: visit")).unwrap() + 1;
    let kept =
        bench.result().scenarios[0].stages[0].kept_memory.clone().unwrap_or_else(|| panic!("{notes:?}"));
    let first = &kept.sites[0];
    assert_eq!(
        (first.line.as_str(), first.function.as_str()),
        (&*format!("servers/plain_server.py:{at}"), "noted")
    );
    // The page, its words and what holds them.
    assert!((300.0..1500.0).contains(&first.bytes_per_call), "{kept:?}");
    assert!(kept.by == "tracemalloc" && printed.contains(&first.line), "{printed}");
}

#[test]
fn its_own_sampler_tells_the_function_that_takes_the_time() {
    let Some(python) = newer_python() else { return skip("no-newer-python", NEEDED) };
    let (bench, _, notes) = profiled(&python, "cpu");
    if notes.iter().any(|note| note.contains("ermission")) {
        return skip("py-spy-refused", &notes.join("; "));
    }
    assert!(notes.iter().any(|note| note.contains("sampled by profiling.sampling")), "{notes:?}");
    let flamegraphs = bench.path().with_file_name("flamegraphs");
    let svg = std::fs::read_to_string(flamegraphs.join("visits-visit-server.svg"));
    let svg = svg.unwrap_or_else(|error| panic!("{error}: {notes:?}"));
    assert!(svg.contains("spent (plain_server.py)"), "{svg}");
}
