//! Pages in a real browser.

use std::process::Command;

use crate::skip::skip;

/// The document after a browser has read it, and the lines of its console; `None` where there is no browser. `name`
/// tells by its ending what the text is.
pub(crate) fn in_chromium(name: &str, document: &str) -> Option<(String, Vec<String>)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, document).unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .arg(format!("file://{}", path.display()))
        .output();
    let Ok(output) = output else {
        skip("no-chromium", "Debian's package chromium");
        return None;
    };
    let log = String::from_utf8_lossy(&output.stderr);
    let console = log.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    Some((String::from_utf8_lossy(&output.stdout).into_owned(), console))
}
