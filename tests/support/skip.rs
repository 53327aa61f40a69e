//! What a test says that cannot run here. On a developer's machine it says so and passes; where `CI` is set it
//! fails, unless `.ci/allowed-skips.txt` names its reason: a program that is no longer installed must not make
//! tests vanish unseen.

/// Reasons, one a line: `id: why no machine of CI can run it`.
pub(crate) const ALLOWED: &str = include_str!("../../.ci/allowed-skips.txt");

/// Ends in the line that a skipped test prints. To be followed by `return`.
///
/// # Panics
///
/// In CI, if the reason is not on the list.
pub(crate) fn skip(reason: &str, details: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    if std::env::var_os("CI").is_some() && !is_allowed(reason) {
        panic!(
            "{test} cannot run here ({reason}): {details}; install it, or list the reason in .ci/allowed-skips.txt"
        );
    }
    eprintln!("skipped: {test} ({reason}): {details}");
}

pub(crate) fn is_allowed(reason: &str) -> bool {
    ALLOWED.lines().any(|line| line.split_once(':').is_some_and(|(id, _)| id == reason))
}
