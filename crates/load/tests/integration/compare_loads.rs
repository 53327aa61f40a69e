//! `baseline save --from` and `compare --from` on what `run` leaves behind: one real run of the embedded server, and
//! rounds made of it whose figures are known.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use music21_mcp_bench::client::Outcome;
use music21_mcp_load::measure::Latency;
use music21_mcp_load::measure::histogram::Histogram;
use music21_mcp_load::measure::trend::{LeakReport, LeakVerdict, Slope};
use music21_mcp_load::measure::validity::Validity;
use music21_mcp_load::result::{ResourceAt, RunFile, StageResult};
use music21_mcp_proc::ResourceSample;

const PROGRAM: &str = env!("CARGO_BIN_EXE_music21-mcp-bench");
const MS: u64 = 1_000_000;

/// A directory, and the run that all rounds in it are made of.
struct Workshop(tempfile::TempDir, OnceCell<RunFile>);

impl Workshop {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), OnceCell::new())
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output: Output = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("CRITERION_HOME")
            .env_remove("MUSIC21_MCP_SERVER")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    /// A run of one stage with one tool, as the program writes it.
    fn real_run(&self) -> RunFile {
        let toml = "name = 'list'\n[[stages]]\nname = 'steady'\nclients = 2\ncalls = 300\n\
                    [[stages.workload.flows]]\nsteps = [{ tool = 'list_scores' }]\n";
        fs::write(self.path("list.toml"), toml).unwrap();
        let (code, out, error) = self.run(&["run", "list.toml", "--out", "real"]);
        assert!(matches!(code, 0 | 3), "{out}{error}");
        serde_json::from_slice(&fs::read(self.path("real/result.json")).unwrap()).unwrap()
    }

    /// Rounds NAME0 … of this run, each with its own `created_utc`; returns what `--from` takes.
    fn rounds(&self, name: &str, rounds: usize, change: impl Fn(&mut StageResult, usize)) -> String {
        let real = self.1.get_or_init(|| self.real_run());
        let directories: Vec<String> = (0..rounds).map(|round| format!("{name}{round}")).collect();
        for (round, directory) in directories.iter().enumerate() {
            let mut file = real.clone();
            file.created_utc = format!("2026-01-01T00:00:{round:02}Z");
            let stage = &mut file.scenarios[0].stages[0];
            stage.validity = Validity::default();
            change(stage, round);
            fs::create_dir_all(self.path(directory)).unwrap();
            fs::write(self.path(directory).join("result.json"), serde_json::to_string(&file).unwrap())
                .unwrap();
        }
        directories.join(",")
    }

    /// The verdict of one figure of one entry, as JSON, and the exit code.
    fn verdict(&self, arguments: &[&str], entry: &str, figure: &str) -> (i32, String) {
        let (code, out, error) = self.run(&[arguments, &["--format", "json"]].concat());
        let json: serde_json::Value =
            serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code}: {out}{error}"));
        let rows = json["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["entry"] == entry && row["figure"] == figure);
        (code, row.unwrap_or_else(|| panic!("no {entry} {figure} in {json}"))["verdict"].to_string())
    }
}

/// 300 calls around `ms` milliseconds; a round lies a per cent beside the next.
fn take(stage: &mut StageResult, round: usize, ms: f64) {
    let mut histogram = Histogram::default();
    let level = ms * MS as f64 * (1.0 + 0.01 * (round % 3) as f64);
    for call in 0..300 {
        histogram.record(Latency { ns: (level * (1.0 + f64::from(call) / 3000.0)) as u64, censored: false });
    }
    stage.tools.get_mut("list_scores").unwrap().response_hdr = histogram.to_base64();
}

fn fail_some(stage: &mut StageResult, failures: u64) {
    let tool = &mut stage.tools.get_mut("list_scores").unwrap().accounts;
    for accounts in [tool, &mut stage.accounts] {
        accounts.ended = [(Outcome::Ok, 300 - failures), (Outcome::ToolError, failures)].into();
    }
}

fn grow(stage: &mut StageResult, mb_per_min: f64) {
    let slope = |estimate: f64| Slope { estimate, lower: estimate - 0.1, upper: estimate + 0.1 };
    stage.leak = Some(LeakReport {
        verdict: LeakVerdict::None,
        window_s: 300.0,
        mb_per_min: slope(mb_per_min),
        kb_per_call: Some(slope(mb_per_min / 0.6)),
        second_half_mb_per_min: mb_per_min,
        p: 0.5,
    });
}

#[test]
fn a_slower_p95_fails_and_the_same_rounds_pass() {
    let shop = Workshop::new();
    let base = shop.rounds("base", 5, |stage, round| take(stage, round, 10.0));
    let (code, out, error) = shop.run(&["baseline", "save", "b", "--from", &base, "--allow-dirty"]);
    assert_eq!(code, 0, "{out}{error}");
    assert_eq!(out, "saved 2 entries in baselines/b.json\n");
    clean(&shop, "b");
    let show = shop.run(&["baseline", "show", "b"]).1;
    assert!(show.contains("p95 11.0"), "{show}");
    assert!(show.contains("success 100.00 %"), "{show}");

    let slow = shop.rounds("slow", 5, |stage, round| take(stage, round, 12.0));
    let entry = "list/steady/list_scores";
    let (code, verdict) = shop.verdict(&["compare", "b", "--from", &slow], entry, "p95");
    assert_eq!((code, verdict.as_str()), (1, r#"{"regressed":"fail"}"#));
    let (_, out, _) = shop.run(&["compare", "b", "--from", &base]);
    assert!(out.contains("list/steady/list_scores  p95"), "{out}");
    let (_, verdict) = shop.verdict(&["compare", "b", "--from", &base], entry, "p95");
    assert_eq!(verdict, r#""unchanged""#);

    for (limit, code) in [("+5ms", 0), ("+500us", 1), ("list/steady=+40%", 0), ("list/steady/other=+40%", 2)]
    {
        let (found, verdict) =
            shop.verdict(&["compare", "b", "--from", &slow, "--limit", limit], entry, "p95");
        let fails = verdict.contains("fail");
        assert_eq!(fails, code > 0, "{limit}: {verdict}");
        assert!(found == code || found == 3, "{limit}: {found}");
    }
}

/// The program's own checkout may have changes while these tests run; a baseline must not.
fn clean(shop: &Workshop, name: &str) {
    let path = shop.path(&format!("baselines/{name}.json"));
    let record = music21_mcp_load::record::Record::load(&path).unwrap();
    let tool = music21_mcp_load::result::Tool { dirty: Some(false), ..record.tool.clone() };
    fs::remove_file(&path).unwrap();
    music21_mcp_load::record::Record { tool, ..record }.save(&path).unwrap();
}

#[test]
fn calls_that_fail_are_a_regression_of_the_success_rate() {
    let shop = Workshop::new();
    let base = shop.rounds("base", 5, |stage, _| fail_some(stage, 0));
    shop.run(&["baseline", "save", "b", "--from", &base, "--allow-dirty"]);
    clean(&shop, "b");
    let entry = "list/steady/list_scores";
    for (failures, limit, expected) in [
        (40, "+10%", r#"{"regressed":"fail"}"#),
        (9, "+10%", r#"{"regressed":"warn"}"#),
        (9, "+2pp", r#"{"regressed":"fail"}"#),
        (0, "+2pp", r#""unchanged""#),
    ] {
        let worse = shop.rounds("worse", 5, |stage, _| fail_some(stage, failures));
        let (_, verdict) =
            shop.verdict(&["compare", "b", "--from", &worse, "--limit", limit], entry, "success");
        assert_eq!(verdict, expected, "{failures} of 300, {limit}");
    }
}

#[test]
fn memory_that_grows_is_a_regression_and_a_short_stage_does_not_tell() {
    let shop = Workshop::new();
    let base = shop.rounds("base", 5, |stage, _| grow(stage, 0.02));
    shop.run(&["baseline", "save", "b", "--from", &base, "--allow-dirty"]);
    clean(&shop, "b");
    assert!(shop.run(&["baseline", "show", "b"]).1.contains("memory 0.02 MB/min"));
    for (slope, expected) in [(2.0, r#"{"regressed":"fail"}"#), (0.1, r#""unchanged""#)] {
        let other = shop.rounds("other", 5, |stage, _| grow(stage, slope));
        let (_, verdict) = shop.verdict(&["compare", "b", "--from", &other], "list/steady", "memory");
        assert_eq!(verdict, expected, "{slope} MB/min");
    }
    let short = shop.rounds("short", 5, |stage, _| stage.leak = None);
    let (code, verdict) = shop.verdict(&["compare", "b", "--from", &short], "list/steady", "memory");
    assert!(code == 3 && verdict.contains("no slope in the candidate"), "{code} {verdict}");
}

#[test]
fn cpu_time_of_the_server_is_gated() {
    let shop = Workshop::new();
    let cpu = |stage: &mut StageResult, round: usize, ms: u64| {
        let sample = |cpu_ns| ResourceSample { processes: 1, cpu_ns, ..ResourceSample::default() };
        let used = 1000 * ms * (MS + 10_000 * (round as u64 % 3));
        let at = |calls, cpu_ns| ResourceAt {
            at_ns: calls * MS,
            calls,
            restarts: 0,
            sample: sample(cpu_ns),
            temp_bytes: None,
            temp_files: None,
        };
        stage.resources = vec![at(0, 0), at(1000, used)];
    };
    let base = shop.rounds("base", 5, |stage, round| cpu(stage, round, 10));
    shop.run(&["baseline", "save", "b", "--from", &base, "--allow-dirty"]);
    clean(&shop, "b");
    for (ms, expected) in [(12, r#"{"regressed":"fail"}"#), (10, r#""unchanged""#)] {
        let other = shop.rounds("other", 5, |stage, round| cpu(stage, round, ms));
        let (_, verdict) = shop.verdict(&["compare", "b", "--from", &other], "list/steady", "cpu");
        assert_eq!(verdict, expected, "{ms} ms");
    }
}

#[test]
fn fewer_than_five_runs_give_no_verdict_on_times() {
    let shop = Workshop::new();
    let base = shop.rounds("base", 4, |stage, round| take(stage, round, 10.0));
    shop.run(&["baseline", "save", "b", "--from", &base, "--allow-dirty"]);
    clean(&shop, "b");
    let (code, out, _) = shop.run(&["compare", "b", "--from", &base]);
    assert_eq!(code, 3);
    assert!(out.contains("inconclusive: only 4 rounds; 5 are needed"), "{out}");
}

#[test]
fn runs_that_make_no_record_are_not_comparable_and_say_why() {
    let shop = Workshop::new();
    let base = shop.rounds("base", 5, |_, _| {});
    shop.run(&["baseline", "save", "b", "--from", &base, "--allow-dirty"]);
    clean(&shop, "b");
    let good = fs::read_to_string(shop.path("base0/result.json")).unwrap();
    let foreign = "{\"mean\":1.0}".to_owned();
    for (what, text, reason) in [
        ("empty", String::new(), "is empty"),
        ("truncated", good[..good.len() / 2].to_owned(), "is cut off or damaged"),
        ("nan", good.replacen("\"calls_per_s\":", "\"calls_per_s\":NaN,\"x\":", 1), "is cut off or damaged"),
        ("null", good.replacen("\"elapsed_ns\":", "\"elapsed_ns\":null,\"x\":", 1), "is malformed"),
        ("negative", good.replacen("\"elapsed_ns\":", "\"elapsed_ns\":-", 1), "is malformed"),
        ("future", good.replacen("\"schema_version\":2", "\"schema_version\":3", 1), "has schema version 3"),
        ("foreign", foreign, "is no result of this program's 'run'"),
        ("unfinished", good.replacen("\"complete\":true", "\"complete\":false", 1), "did not end by itself"),
        ("other-seed", good.replacen("\"seed\":1", "\"seed\":2", 1), "their workload differs"),
        ("histogram", good.replacen("\"response_hdr\":\"", "\"response_hdr\":\"!", 1), "is damaged"),
        ("twice", good.clone(), "are the same run"),
    ] {
        fs::create_dir_all(shop.path(what)).unwrap();
        fs::write(shop.path(what).join("result.json"), text).unwrap();
        let from = format!("base0,{what}");
        let (code, _, error) = shop.run(&["compare", "b", "--from", &from]);
        assert_eq!(code, 3, "{what}: {error}");
        assert!(error.starts_with("not comparable: ") && error.contains(reason), "{what}: {error}");
        let (code, _, error) = shop.run(&["baseline", "save", what, "--from", &from]);
        assert!(code == 3 && error.contains(reason), "{what}: {error}");
        assert!(!shop.path(&format!("baselines/{what}.json")).exists(), "{what}");
    }
    let (code, _, error) = shop.run(&["compare", "b", "--from", "no-such-run"]);
    assert!(code == 2 && error.contains("there is no run 'no-such-run'"), "{code}: {error}");
}

#[test]
fn an_invalid_round_is_left_out_and_named() {
    use music21_mcp_load::measure::validity::Reason;
    let shop = Workshop::new();
    let mixed = shop.rounds("mixed", 6, |stage, round| {
        take(stage, round, 10.0);
        if round == 2 {
            stage.validity.invalid = vec![Reason::InternalError(7)];
        }
    });
    let (code, _, error) = shop.run(&["baseline", "save", "b", "--from", &mixed, "--allow-dirty"]);
    assert_eq!(code, 0, "{error}");
    assert!(
        error.contains(
            "note: round 2 of list/steady is left out, being INVALID: tasks of the generator panicked: 7"
        ),
        "{error}"
    );
    let record = music21_mcp_load::record::Record::load(&shop.path("baselines/b.json")).unwrap();
    assert_eq!(record.entries["list/steady"].rounds.len(), 5);

    let none = shop.rounds("none", 1, |stage, _| stage.validity.invalid = vec![Reason::InternalError(7)]);
    let (code, _, error) = shop.run(&["compare", "b", "--from", &none]);
    assert!(code == 3 && error.contains("no stage of these runs can be compared: round 0"), "{error}");
}
