//! The Python that tests ask.

use std::process::Command;

/// The interpreter that `MUSIC21_PYTHON` names, else `python3`.
pub(crate) fn python() -> String {
    std::env::var("MUSIC21_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Whether it has these modules, written as in an `import`.
pub(crate) fn has(modules: &str) -> bool {
    let probe = Command::new(python()).args(["-c", &format!("import {modules}")]).output();
    probe.is_ok_and(|output| output.status.success())
}
