//! How many instructions the library's hot code takes, counted by callgrind: no noise, so that a change of 1 % is a
//! change. Each operation runs once and twice in a process of its own; the difference is one run without its setup.
//!
//! The counts of `baselines/instructions.toml` hold for the compiler, C library, valgrind and kind of processor named
//! there; with others they are printed and not judged. `MUSIC21_SAVE_INSTRUCTIONS=1` writes the file where there is none.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::Duration;

use music21_mcp_bench::embedded::analysis::{analyze_key, chordified_harmony, chordify};
use music21_mcp_bench::score::{OrchestraSpec, ReadLimits, generate, read, write};
use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest};
use serde::{Deserialize, Serialize};

const FILE: &str = "baselines/instructions.toml";
/// In the environment of the process that is counted: an operation's name and how often it runs.
const COUNTED: &str = "MUSIC21_COUNTED_OPERATION";
const SAVE: &str = "MUSIC21_SAVE_INSTRUCTIONS";
/// Hash tables are seeded at random: eight runs of one program differ by 0.02 %.
const GATE: f64 = 0.01;

type Operation = (&'static str, fn(times: u32));

const OPERATIONS: [Operation; 6] = [
    ("read", |times| {
        let bytes = document();
        repeat(times, || read(&bytes, &ReadLimits::default()).expect("what we write can be read"));
    }),
    ("write", |times| {
        let score = generate(&spec());
        repeat(times, || document_of(&score));
    }),
    ("key", |times| {
        let score = generate(&spec());
        repeat(times, || analyze_key(&score.parts, score.divisions));
    }),
    ("chordify", |times| {
        let score = generate(&spec());
        repeat(times, || chordify(&score));
    }),
    ("harmony", |times| {
        let score = generate(&spec());
        repeat(times, || chordified_harmony(&score));
    }),
    ("hundred-calls", |times| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("threads are to be had");
        let target =
            runtime.block_on(ServerUnderTest::start(ServerSpec::InProcess, ServerOptions::default()));
        let client = runtime.block_on(target.expect("the server in this process answers").session());
        let client = client.expect("it opened a session when it started");
        repeat(times, || {
            runtime.block_on(async {
                for _ in 0..100 {
                    assert!(client.health_check(Duration::from_secs(60)).await.is_ok());
                }
            });
        });
        runtime.block_on(client.close());
    }),
];

/// The committed counts.
#[derive(Serialize, Deserialize)]
struct Counts {
    /// What else decides a count: see [`toolchain`].
    toolchain: String,
    instructions: BTreeMap<String, u64>,
}

fn spec() -> OrchestraSpec {
    OrchestraSpec::new(8, 32, 7).expect("8 parts of 32 measures are within bounds")
}

fn document() -> Vec<u8> {
    document_of(&generate(&spec()))
}

fn document_of(score: &music21_mcp_bench::score::Score) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(score, &mut bytes).expect("memory takes what is written");
    bytes
}

fn repeat<T>(times: u32, mut operation: impl FnMut() -> T) {
    for _ in 0..times {
        drop(black_box(operation()));
    }
}

fn main() -> ExitCode {
    if let Ok(wanted) = std::env::var(COUNTED) {
        run_counted(&wanted);
        return ExitCode::SUCCESS;
    }
    let listing = |name: &str| std::env::args().any(|argument| argument == name);
    // Counting is no profile: `cargo bench -- --profile-time 5` is for the others.
    if listing("--list") || listing("--profile-time") {
        return ExitCode::SUCCESS;
    }
    if listing("--test") || !listing("--bench") {
        OPERATIONS.iter().for_each(|(_, operation)| operation(1));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("skipped: instructions (valgrind is not installed)");
        return ExitCode::SUCCESS;
    }
    match count_all().and_then(judge) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(4)
        }
    }
}

fn run_counted(wanted: &str) {
    let (name, times) = wanted.split_once(' ').expect("an operation and how often");
    let (_, operation) =
        OPERATIONS.iter().find(|(known, _)| *known == name).expect("an operation of this bench");
    operation(times.parse().expect("a number of times"));
}

fn count_all() -> Result<BTreeMap<String, u64>, String> {
    let one = |name: &str| {
        let (once, twice) = (count(name, 1)?, count(name, 2)?);
        Ok((name.to_owned(), twice.saturating_sub(once)))
    };
    OPERATIONS.iter().map(|(name, _)| one(name)).collect()
}

/// Instructions of a whole process, from callgrind's `summary:` line.
fn count(name: &str, times: u32) -> Result<u64, String> {
    let directory = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    let out = directory.path().join("callgrind.out");
    let program = std::env::current_exe().map_err(|error| format!("this program's file is gone: {error}"))?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .env(COUNTED, format!("{name} {times}"))
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let last = || String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        return Err(format!("'{name}' ended with {} under valgrind: {}", output.status, last()));
    }
    let text = std::fs::read_to_string(&out).map_err(|error| format!("callgrind wrote nothing: {error}"))?;
    let sum = text.lines().find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
    sum.ok_or_else(|| format!("callgrind's file for '{name}' has no summary"))
}

/// Prints the counts beside the committed ones. `false` if one grew by more than the gate.
fn judge(instructions: BTreeMap<String, u64>) -> Result<bool, String> {
    let now = Counts { toolchain: toolchain(), instructions };
    let Ok(text) = std::fs::read_to_string(FILE) else {
        now.instructions.iter().for_each(|(name, count)| eprintln!("instructions/{name}: {count}"));
        return save(&now).map(|()| true);
    };
    let committed: Counts = toml::from_str(&text).map_err(|error| format!("'{FILE}' is damaged: {error}"))?;
    let comparable = committed.toolchain == now.toolchain;
    if !comparable {
        eprintln!("not comparable: counted with {}, committed with {}", now.toolchain, committed.toolchain);
    }
    let mut well = true;
    for (name, count) in &now.instructions {
        let Some(before) = committed.instructions.get(name) else {
            eprintln!("instructions/{name}: {count}, new");
            continue;
        };
        let change = *count as f64 / *before as f64 - 1.0;
        let word = match change {
            _ if !comparable => "not judged",
            change if change > GATE => "regressed",
            change if change < -GATE => "improved",
            _ => "unchanged",
        };
        well &= word != "regressed";
        eprintln!("instructions/{name}: {count}, {:+.2} % from {before}: {word}", change * 100.0);
    }
    Ok(well)
}

fn save(now: &Counts) -> Result<(), String> {
    if std::env::var_os(SAVE).is_none() {
        eprintln!("'{FILE}' does not exist; {SAVE}=1 writes it");
        return Ok(());
    }
    let text = toml::to_string(now).map_err(|error| error.to_string())?;
    std::fs::write(FILE, text).map_err(|error| format!("'{FILE}' cannot be written: {error}"))
}

/// The C library copies memory in another way on a processor with AVX2, which valgrind imitates where there is one.
fn toolchain() -> String {
    let says = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_else(|_| format!("an unknown {program}"))
    };
    let (rustc, libc) = (says("rustc", "--version"), says("getconf", "GNU_LIBC_VERSION"));
    let avx2 = if music21_mcp_proc::has_cpu_flag("avx2") { " with AVX2" } else { "" };
    format!("{rustc}, {libc}, {}, {}{avx2}", says("valgrind", "--version"), std::env::consts::ARCH)
}
