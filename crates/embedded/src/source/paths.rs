//! Which files may be read: those below the allowed directories, with symbolic links resolved.

use std::io;
use std::path::{Component, Path, PathBuf};

/// The path with symbolic links and dots resolved, or `None` outside the allowed directories.
/// A path that does not exist is resolved as far as it does.
pub(crate) fn resolve_allowed(path: &Path, allowed: &[PathBuf]) -> Option<PathBuf> {
    let resolved = resolve(path).ok()?;
    let inside = |directory: &PathBuf| {
        std::fs::canonicalize(directory).is_ok_and(|directory| resolved.starts_with(directory))
    };
    allowed.iter().any(inside).then_some(resolved)
}

fn resolve(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    if let Ok(resolved) = std::fs::canonicalize(&absolute) {
        return Ok(resolved);
    }
    // The longest existing parent is resolved, so that a link to elsewhere is seen whether or not
    // what it is asked for exists.
    let missing: Vec<Component<'_>> = absolute.components().collect();
    for kept in (1..missing.len()).rev() {
        let parent: PathBuf = missing[..kept].iter().collect();
        let Ok(mut resolved) = std::fs::canonicalize(parent) else { continue };
        for component in &missing[kept..] {
            match component {
                Component::ParentDir => drop(resolved.pop()),
                other => resolved.push(other),
            }
        }
        return Ok(resolved);
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_an_allowed_directory_pass() {
        let root = tempfile::tempdir().unwrap();
        let inside = root.path().join("inside");
        let outside = root.path().join("outside");
        std::fs::create_dir_all(inside.join("deep")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret.xml"), "x").unwrap();
        std::fs::write(inside.join("score.xml"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
        std::os::unix::fs::symlink(inside.join("score.xml"), inside.join("good.xml")).unwrap();

        let check = |path: &Path, expected: bool| {
            let allowed = resolve_allowed(path, std::slice::from_ref(&inside)).is_some();
            assert_eq!(allowed, expected, "{}", path.display());
        };
        check(&inside.join("score.xml"), true);
        check(&inside.join("good.xml"), true);
        check(&inside.join("deep/../score.xml"), true);
        check(&inside.join("missing.xml"), true);
        check(&inside.join("link/secret.xml"), false);
        check(&inside.join("link/missing.xml"), false);
        check(&inside.join("../outside/secret.xml"), false);
        check(&inside.join("missing/../../outside/secret.xml"), false);
        check(&root.path().join("inside-not"), false);
        check(Path::new("/etc/passwd"), false);
    }
}
