//! Which packages a Python process runs with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::{ProcessTree, system};

/// Where Python's packages are installed.
const DIRECTORIES: [&str; 2] = ["site-packages", "dist-packages"];

/// The versions of those `packages` that are installed where these processes, or their descendants, have loaded others from:
/// a file that is mapped tells the directory, and what is beside it tells the version. Of a package that has two versions
/// there none is known.
#[must_use]
pub fn python_packages(pids: &[u32], packages: &[&str]) -> BTreeMap<String, String> {
    let directories: BTreeSet<PathBuf> =
        ProcessTree::new(pids.iter().copied()).pids().into_iter().flat_map(directories).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let names = directories.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten();
    for entry in names {
        if let Some((package, version)) = entry.file_name().to_str().and_then(distribution)
            && packages.contains(&&*package)
        {
            found.entry(package).or_default().insert(version);
        }
    }
    let only = |(package, versions): (String, BTreeSet<String>)| {
        (versions.len() == 1).then(|| Some((package, versions.into_iter().next()?))).flatten()
    };
    found.into_iter().filter_map(only).collect()
}

/// Package directories from which the process has loaded something.
fn directories(pid: u32) -> BTreeSet<PathBuf> {
    system::mapped(pid).iter().filter_map(|path| package_directory(path)).collect()
}

fn package_directory(loaded: &Path) -> Option<PathBuf> {
    let is_one =
        |path: &&Path| path.file_name().is_some_and(|name| DIRECTORIES.iter().any(|one| name == *one));
    loaded.ancestors().find(is_one).map(Path::to_owned)
}

/// `mcp-1.12.4.dist-info` is version 1.12.4 of `mcp`.
fn distribution(name: &str) -> Option<(String, String)> {
    let (package, version) = name.strip_suffix(".dist-info")?.rsplit_once('-')?;
    Some((package.to_ascii_lowercase(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_known_by_what_its_installer_left() {
        let found = |name| distribution(name);
        assert_eq!(found("mcp-1.12.4.dist-info"), Some(("mcp".to_owned(), "1.12.4".to_owned())));
        assert_eq!(found("Jinja2-3.1.dist-info"), Some(("jinja2".to_owned(), "3.1".to_owned())));
        assert_eq!(found("mcp"), None);
    }

    #[test]
    fn a_loaded_file_tells_the_directory_of_its_package() {
        let directory = |path: &str| package_directory(Path::new(path));
        let of_venv = "/v/lib/python3.11/site-packages";
        assert_eq!(directory(&format!("{of_venv}/pydantic_core/_core.so")), Some(of_venv.into()));
        assert_eq!(
            directory("/usr/lib/python3/dist-packages/a.so"),
            Some("/usr/lib/python3/dist-packages".into())
        );
        assert_eq!(directory("/usr/lib/libc.so.6"), None);
    }

    #[test]
    fn a_process_that_is_no_python_has_no_packages() {
        assert!(python_packages(&[std::process::id()], &["mcp"]).is_empty());
    }
}
