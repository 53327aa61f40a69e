//! Files that verbs read and write, some of them after minutes of measuring.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

/// Whether a file can be written, without a trace: what it holds stays until there is something to replace it.
pub(crate) fn writable(path: &Path) -> anyhow::Result<()> {
    let is_new = !path.exists();
    let opened = File::options().append(true).create(true).open(path);
    opened.with_context(|| format!("failed to write '{}'", path.display()))?;
    if is_new {
        // One that stays empty is replaced like any other.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Writes a file whole.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("failed to write '{}'", path.display()))
}

/// Reads a file of text.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("failed to read '{}'", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_as_it_was_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        writable(&path).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "before").unwrap();
        writable(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        let error = writable(&path.join("below")).unwrap_err().to_string();
        assert!(error.starts_with("failed to write '"), "{error}");
        assert!(writable(directory.path()).is_err());
    }
}
