//! A directory with the files that Criterion leaves behind, and the program in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

/// A package's directory with Criterion's results in it.
pub(crate) struct Workshop(tempfile::TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// What `cargo bench -- --save-baseline NAME` leaves of one benchmark that takes `ns`.
    pub(crate) fn bench(&self, directory: &str, baseline: &str, ns: f64) {
        let iters: Vec<f64> = (1..=10).map(f64::from).collect();
        let times: Vec<f64> = iters.iter().map(|n| n * ns).collect();
        let folder = self.path("target/criterion").join(directory).join(baseline);
        fs::create_dir_all(&folder).unwrap();
        let (group, function) = directory.split_once('/').unwrap();
        for (file, value) in [
            (
                "benchmark.json",
                json!({ "group_id": group, "function_id": function, "value_str": null,
                "throughput": { "Bytes": 1000 }, "full_id": directory, "directory_name": directory, "title": directory }),
            ),
            ("estimates.json", json!({ "mean": { "point_estimate": ns } })),
            ("sample.json", json!({ "sampling_mode": "Linear", "iters": iters, "times": times })),
            ("tukey.json", json!([1.0, 2.0, 3.0, 4.0])),
        ] {
            fs::write(folder.join(file), value.to_string()).unwrap();
        }
    }

    /// Five runs of two benchmarks: r1 … r5, a per cent apart.
    pub(crate) fn five_runs(&self, prefix: &str, key_ns: f64) -> String {
        let names: Vec<String> = (1..=5).map(|r| format!("{prefix}{r}")).collect();
        for (r, name) in names.iter().enumerate() {
            let noise = 1.0 + 0.01 * (r % 3) as f64;
            self.bench("tools/key-analysis", name, key_ns * noise);
            self.bench("tools/list-scores", name, 2e4 * noise);
        }
        names.join(",")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("CRITERION_HOME")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("MUSIC21_MCP_SERVER")
            .output()
            .unwrap();
        Run::new(&output)
    }
}

/// What the program did.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Run {
    fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap(), out: text(&output.stdout), error: text(&output.stderr) }
    }
}
