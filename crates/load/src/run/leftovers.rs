//! The temporary directory of a run, and those of runs that were killed before they could remove theirs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use music21_mcp_bench::server::{RUN_DIRECTORY, ServerSpec};
use tempfile::TempDir;

/// Younger ones may be about to be marked.
const YOUNG: Duration = Duration::from_secs(60);

/// A directory of this run.
pub(crate) struct RunDirectory {
    directory: TempDir,
    /// Locked as long as this process lives, however it ends.
    _mark: Option<File>,
}

impl RunDirectory {
    /// A new one where the server looks for temporary files; those that nobody uses any more are removed.
    ///
    /// # Errors
    ///
    /// Where it cannot be made.
    pub(super) fn new(spec: &ServerSpec) -> io::Result<Self> {
        let directory = spec.new_directory(RUN_DIRECTORY)?;
        let mark = File::open(directory.path()).ok().filter(|mark| mark.try_lock().is_ok());
        sweep(directory.path());
        Ok(Self { directory, _mark: mark })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes what runs of ours left beside `newest` that no longer live. What cannot be removed stays: it is no reason not to
/// measure. How old they are is told by that one, which was made now by the clock of the same file system.
fn sweep(newest: &Path) {
    let own = rustix::process::getuid().as_raw();
    let made = fs::metadata(newest).and_then(|facts| facts.modified());
    let (Some(parent), Ok(made)) = (newest.parent(), made) else { return };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_string_lossy().starts_with(RUN_DIRECTORY);
        let Ok(facts) = entry.metadata() else { continue };
        let age = facts.modified().ok().and_then(|then| made.duration_since(then).ok());
        let is_old = age.is_some_and(|age| age > YOUNG);
        if is_named && facts.is_dir() && facts.uid() == own && is_old {
            let is_free = File::open(entry.path()).is_ok_and(|mark| mark.try_lock().is_ok());
            if is_free {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_and_what_is_in_use_or_new_stays() {
        let parent = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * YOUNG;
        let make = |name: &str, changed: Option<SystemTime>| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("score.musicxml"), "x").unwrap();
            let directory = File::open(&path).unwrap();
            if let Some(changed) = changed {
                directory.set_modified(changed).unwrap();
            }
            directory
        };
        let mark = |directory: File| {
            directory.try_lock().unwrap();
            directory
        };
        make("music21-mcp-bench-killed", Some(old));
        make("music21-mcp-bench-new", None);
        make("music21-mcp-bench-ours", None);
        make("of-others", Some(old));
        let _used = mark(make("music21-mcp-bench-used", Some(old)));
        sweep(&parent.path().join("music21-mcp-bench-ours"));
        let mut left: Vec<String> = fs::read_dir(parent.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            ["music21-mcp-bench-new", "music21-mcp-bench-ours", "music21-mcp-bench-used", "of-others"]
        );
    }
}
