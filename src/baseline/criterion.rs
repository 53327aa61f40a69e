//! Criterion's own directory: where each server's results lie, and how a committed baseline gets there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use music21_mcp_proc::Machine;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file;
use crate::server::ServerSpec;

/// Criterion's files of one benchmark and one baseline.
pub const FILES: [&str; 4] = ["benchmark.json", "estimates.json", "sample.json", "tukey.json"];

/// Criterion's four files of one benchmark, word for word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    /// The benchmark's directory below Criterion's home, with `/` between its parts.
    pub directory: String,
    /// `benchmark.json`.
    pub benchmark: Value,
    /// `estimates.json`.
    pub estimates: Value,
    /// `sample.json`.
    pub sample: Value,
    /// `tukey.json`.
    pub tukey: Value,
}

/// Criterion's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

/// Characters of a server's command line in a folder's name, of which file systems allow 255.
const LONGEST_FOLDER: usize = 80;
/// Characters of the digest behind it.
const DIGEST: usize = 8;

/// What restoring a record's samples did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Benchmarks written.
    pub written: usize,
    /// Benchmarks that were there already, with the same samples or others; never overwritten.
    pub kept: usize,
}

impl Home {
    /// Where the benches of a server have Criterion write, started from this directory: Criterion's usual place for
    /// the embedded server (`None`), and one beside it for each other. In one place, a Python server's first run would be
    /// called thousands of times slower than the embedded one's last.
    #[must_use]
    pub fn of(server: &ServerSpec) -> Self {
        let set = |name| std::env::var_os(name).map(PathBuf::from);
        let target = || set("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let usual = set("CRITERION_HOME").unwrap_or_else(|| target().join("criterion"));
        Self(match server.named() {
            None => usual,
            Some(name) => usual.with_file_name(format!("criterion-{}", folder(&name, &server.digest()))),
        })
    }

    /// The directory.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The directory of one baseline of one benchmark.
    #[must_use]
    pub fn path(&self, directory: &str, baseline: &str) -> PathBuf {
        self.0.join(directory).join(baseline)
    }

    /// The directories of all benchmarks that have a baseline, relative to this one. `change` and `report` hold none.
    ///
    /// # Errors
    ///
    /// If there is no such directory, or it cannot be read.
    pub fn benchmarks(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        walk(&self.0, &mut found)?;
        Ok(found)
    }

    /// Writes a record's samples as Criterion's baseline `name`, so that `cargo bench -- --baseline
    /// name` compares with them. What is there is left alone.
    ///
    /// # Errors
    ///
    /// If a directory or file cannot be written.
    pub fn restore<'a>(
        &self,
        name: &str,
        samples: impl Iterator<Item = &'a Samples>,
    ) -> io::Result<Restored> {
        let mut restored = Restored::default();
        for samples in samples {
            let path = self.path(&samples.directory, name);
            if path.exists() || !is_inside(&samples.directory) {
                restored.kept += 1;
                continue;
            }
            // Beside its place first: a directory cut off in the middle would look like the user's own.
            let parent = path.parent().unwrap_or(&self.0);
            fs::create_dir_all(parent)?;
            let staging = tempfile::Builder::new().prefix(".restoring").tempdir_in(parent)?;
            let values = [&samples.benchmark, &samples.estimates, &samples.sample, &samples.tukey];
            for (file, value) in FILES.iter().zip(values) {
                fs::write(staging.path().join(file), value.to_string())?;
            }
            fs::rename(staging.keep(), path)?;
            restored.written += 1;
        }
        Ok(restored)
    }
}

/// Removes the restored baselines of a group's benchmarks that were not measured, because a filter left them out: Criterion
/// takes their directories for those of measurements, and complains of each.
pub fn forget_unmeasured(home: &Home, group: &str) {
    for directory in home.benchmarks().unwrap_or_default() {
        if !Path::new(&directory).starts_with(group) || home.path(&directory, "new").exists() {
            continue;
        }
        for (name, _) in file::files(Path::new("baselines")).unwrap_or_default() {
            // What cannot be removed costs a line of Criterion's.
            let _ = fs::remove_dir_all(home.path(&directory, &name));
        }
        // Where the user has none of his own beside it.
        let _ = fs::remove_dir(home.as_path().join(&directory));
    }
}

/// What benches need of a record; the rest is for those who compare.
#[derive(Deserialize)]
struct Committed {
    machine: Machine,
    entries: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    criterion: Option<Samples>,
}

/// Restores every readable record of `baselines/` into `home` under its own name, so that `cargo bench -- --baseline
/// NAME` finds it; benches call this before Criterion starts. What cannot be restored is named in the lines returned
/// and passed over: it is no reason not to measure.
#[must_use]
pub fn restore_committed(home: &Home) -> Vec<String> {
    let mut complaints = Vec::new();
    let here = Machine::here();
    for (name, path) in file::files(Path::new("baselines")).unwrap_or_default() {
        let committed: Committed = match file::read_record(&path) {
            Ok(committed) => committed,
            Err(error) => {
                complaints.push(format!("not restored for Criterion: {error}"));
                continue;
            }
        };
        match home.restore(&name, committed.entries.values().filter_map(|entry| entry.criterion.as_ref())) {
            Ok(restored) if restored.written > 0 && committed.machine.fingerprint != here.fingerprint => {
                complaints.push(format!("baseline '{name}' was recorded on another machine"));
            }
            Ok(_) => {}
            Err(error) => complaints.push(format!("baseline '{name}' not restored for Criterion: {error}")),
        }
    }
    complaints
}

/// A command line or URL as a folder's name: its end, which says more than its beginning, and a digest of all of it, since
/// two servers may differ in the beginning or in a variable.
fn folder(name: &str, digest: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_matches(['-', '.']);
    format!("{}-{}", &name[name.len().saturating_sub(LONGEST_FOLDER)..], &digest[..DIGEST])
}

/// A record from elsewhere must not write outside of Criterion's directory.
fn is_inside(directory: &str) -> bool {
    Path::new(directory).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// All directories that hold a baseline, relative to the home. `change` and `report` hold none.
fn walk(home: &Path, found: &mut Vec<String>) -> io::Result<()> {
    let mut open = vec![home.to_owned()];
    while let Some(directory) = open.pop() {
        let mut holds = false;
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.join(FILES[0]).is_file() {
                holds = true;
            } else if path.is_dir() && name != OsStr::new("change") && name != OsStr::new("report") {
                open.push(path);
            }
        }
        if holds && let Some(directory) = directory.strip_prefix(home).ok().and_then(Path::to_str) {
            found.push(directory.to_owned());
        }
    }
    found.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(server: &str) -> String {
        let home = Home::of(&server.parse().unwrap());
        home.as_path().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    #[test]
    fn each_server_has_a_place_of_its_own_beside_criterions() {
        let command = name("python -m music21_mcp.server_minimal");
        assert!(command.starts_with("criterion-python--m-music21_mcp.server_minimal-"), "{command}");
        assert_ne!(command, name(""));
        assert!(name("http://127.0.0.1:8000/mcp/").starts_with("criterion-http---127.0.0.1-8000-mcp-"));
        let long = name(&format!("../{}é/server", "x".repeat(300)));
        assert_eq!(long.len(), "criterion-".len() + LONGEST_FOLDER + 1 + DIGEST);
        assert!(is_inside(&long), "{long}");
    }

    #[test]
    fn what_a_filter_left_out_leaves_no_directory_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home(directory.path().to_owned());
        let (committed, _) = file::files(Path::new("baselines")).unwrap().remove(0);
        for (benchmark, baseline) in [
            ("g/a", "new"),
            ("g/a", &*committed),
            ("g/b", &*committed),
            ("g/c", "mine"),
            ("h/b", &*committed),
        ] {
            let path = home.path(benchmark, baseline);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join(FILES[0]), "{}").unwrap();
        }
        forget_unmeasured(&home, "g");
        assert_eq!(home.benchmarks().unwrap(), ["g/a", "g/c", "h/b"]);
        assert!(home.path("g/a", &committed).exists());
    }

    #[test]
    fn servers_that_differ_in_a_variable_or_far_in_front_share_no_place() {
        let path = "x".repeat(LONGEST_FOLDER);
        assert_ne!(name(&format!("/a/{path}/server")), name(&format!("/b/{path}/server")));
        assert_ne!(name("WORKERS=1 server"), name("WORKERS=2 server"));
        assert_eq!(name("WORKERS=1 server"), name("WORKERS='1'   server"), "only written in another way");
        assert!(!name("TOKEN=secret server").contains("secret"));
    }
}
