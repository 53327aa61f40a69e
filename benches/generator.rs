//! Generating, writing and reading orchestral scores, beside the floor of each: copying the finished
//! document for the generator, `quick-xml`'s bare tokeniser for the reader.
//!
//! At the end, one line a preset: each rate and its ratio to the floor.

#[path = "support/presets.rs"]
mod presets;
#[path = "support/set_up.rs"]
mod set_up;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Throughput};
use music21_mcp_bench::score::{OrchestraSpec, ReadLimits, generate, read, write, write_generated};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Every bench generates the same music.
const SEED: u64 = 7;

fn document(spec: &OrchestraSpec, capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity);
    write_generated(spec, &mut bytes, |_| ()).expect("memory is writable");
    bytes
}

/// Events of a document: what any reader on `quick-xml` pays at least.
fn tokenise(document: &[u8]) -> usize {
    let mut reader = Reader::from_reader(document);
    let mut events = 0;
    while !matches!(reader.read_event().expect("our own document"), Event::Eof) {
        events += 1;
    }
    events
}

/// The document means the score that was generated, and no event is lost.
fn check(spec: &OrchestraSpec, document: &[u8]) {
    let score = read(document, &ReadLimits::default()).expect("our own document");
    assert!(score == generate(spec), "the document of {spec:?} reads as another score");
    let mut written = Vec::with_capacity(document.len());
    write(&score, &mut written).expect("memory is writable");
    assert!(written == document, "the streamed document of {spec:?} is not that of its score");
    assert!(tokenise(document) > score.note_count() * 10);
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, preset: &str, mut call: impl FnMut()) {
    group.bench_function(BenchmarkId::new(name, preset), |bencher| bencher.iter(&mut call));
}

/// The fastest of some runs: the other ones were disturbed.
fn fastest(runs: u32, mut call: impl FnMut()) -> Duration {
    let timed = (0..runs).map(|_| {
        let start = Instant::now();
        call();
        start.elapsed()
    });
    timed.min().unwrap_or_default()
}

/// The line of one preset. The reader and its floor take turns, so that both meet the same machine.
fn summary(preset: &str, spec: &OrchestraSpec, document: &[u8]) -> String {
    let megabytes = document.len() as f64 / 1e6;
    let rate = |time: Duration| megabytes / time.as_secs_f64();
    let runs = (200.0 / megabytes).clamp(15.0, 30.0) as u32;
    let mut read_time = Duration::MAX;
    let mut floor = Duration::MAX;
    for _ in 0..runs {
        read_time = read_time.min(fastest(1, || drop(black_box(read(document, &ReadLimits::default())))));
        floor = floor.min(fastest(1, || _ = black_box(tokenise(document))));
    }
    let generated = fastest(runs, || drop(black_box(self::document(spec, document.len()))));
    let copied = fastest(runs, || drop(black_box(document.to_vec())));
    format!(
        "{preset:>8}: {megabytes:.1} MB; generate+write {:.1} ms, {:.0} MB/s (copying it: {:.0} MB/s); \
         read {:.0} MB/s, {:.2} of the tokeniser's {:.0} MB/s",
        generated.as_secs_f64() * 1e3,
        rate(generated),
        rate(copied),
        rate(read_time),
        rate(read_time) / rate(floor),
        rate(floor),
    )
}

fn main() -> ExitCode {
    let presets = match presets::presets(true) {
        Ok(presets) => presets,
        Err(line) => {
            eprintln!("error: {line}");
            return ExitCode::from(4);
        }
    };
    let mut criterion = set_up::criterion(10, Duration::from_millis(200), Duration::from_secs(1));
    let measured = set_up::is_measured();
    let mut lines = Vec::new();
    let mut group = criterion.benchmark_group("generator");
    for preset in &presets {
        let spec = OrchestraSpec::preset(preset, SEED).expect("the preset is in the list");
        let bytes = document(&spec, 0);
        check(&spec, &bytes);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        bench(&mut group, "generate-write", preset, || {
            drop(black_box(document(&spec, bytes.len())));
        });
        bench(&mut group, "copy-floor", preset, || drop(black_box(bytes.to_vec())));
        bench(&mut group, "read", preset, || drop(black_box(read(&bytes, &ReadLimits::default()))));
        bench(&mut group, "tokenise-floor", preset, || {
            black_box(tokenise(&bytes));
        });
        if measured {
            lines.push(summary(preset, &spec, &bytes));
        }
    }
    set_up::finish(group, "generator");
    for line in lines {
        eprintln!("{line}");
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}
