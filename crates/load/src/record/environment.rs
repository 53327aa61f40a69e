//! Where and when something was measured, as far as the system says.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::result::Tool;

/// This program, in this working directory.
pub(crate) fn this_tool() -> Tool {
    checked_out_at(Path::new("."))
}

fn checked_out_at(directory: &Path) -> Tool {
    let git = |arguments: &[&str]| output(Command::new("git").arg("-C").arg(directory).args(arguments));
    let top = git(&["rev-parse", "--show-toplevel"]).filter(|top| is_this_package(Path::new(top)));
    let git_rev = top.and_then(|_| git(&["rev-parse", "HEAD"]));
    let changes = git_rev.as_ref().and_then(|_| git(&["status", "--porcelain", "-uno"]));
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_rev,
        dirty: changes.map(|changes| !changes.is_empty()),
        profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
        rustc: output(Command::new("rustc").arg("--version")),
    }
}

/// The package at the top of this program's repository.
const TOP: &str = "music21-mcp-bench";

/// Whether the package in that directory is the one this program is of, in this version. Another's commit says nothing
/// about this program.
fn is_this_package(directory: &Path) -> bool {
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
    let version =
        manifest.get("workspace").and_then(|workspace| workspace.get("package")?.get("version")?.as_str());
    (name, version) == (Some(TOP), Some(env!("CARGO_PKG_VERSION")))
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The wall clock, since 1970; only to say when something was, never how long it took.
pub(crate) fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A moment as RFC 3339 in UTC, to the second.
pub(crate) fn utc(moment: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(moment).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A repository of one commit, whose manifest is this text.
    fn repository(manifest: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
        let who = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"];
        for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
            let mut git = Command::new("git");
            git.arg("-C").arg(directory.path()).args(who).args(arguments);
            assert!(git.status().unwrap().success(), "{arguments:?}");
        }
        directory
    }

    #[test]
    fn only_the_revision_of_this_packages_own_repository_is_told() {
        let of = |directory: &Path| {
            let Tool { git_rev, dirty, .. } = checked_out_at(directory);
            (git_rev.map(|commit| commit.len()), dirty)
        };
        let own = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")).unwrap();
        let ours = repository(&own);
        let inside = ours.path().join("src");
        fs::create_dir(&inside).unwrap();
        assert_eq!(of(&inside), (Some(40), Some(false)));
        fs::write(ours.path().join("Cargo.toml"), own.clone() + "\n").unwrap();
        assert_eq!(of(ours.path()), (Some(40), Some(true)));

        let another = repository("[package]\nname = 'another'\nversion = '0.1.0'\n");
        assert_eq!(of(another.path()), (None, None));
        fs::write(another.path().join("Cargo.toml"), "changed").unwrap();
        assert_eq!(of(another.path()), (None, None), "its changes are none of this program's");
        let later = repository(&own.replacen("\nversion = \"", "\nversion = \"9", 1));
        assert_eq!(of(later.path()), (None, None));
        assert_eq!(of(tempfile::tempdir().unwrap().path()), (None, None), "no repository");
    }

    #[test]
    fn moments_are_written_as_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
