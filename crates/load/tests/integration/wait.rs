//! Waiting for a program under test to do something: asked again and again, and never without an end.

use std::io::Read;
use std::process::Child;
use std::time::Duration;

/// Far more than any machine needs; they only end what would never end.
const ATTEMPTS: u32 = 60_000;
const PAUSE: Duration = Duration::from_millis(2);

/// Asks until there is an answer.
///
/// # Panics
///
/// If there is none after all attempts.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let asked = (0..ATTEMPTS).find_map(|_| {
        let answer = ask();
        if answer.is_none() {
            // Spinning would take a CPU from the program that is waited for.
            std::thread::sleep(PAUSE);
        }
        answer
    });
    asked.unwrap_or_else(|| panic!("{what}: not after {ATTEMPTS} attempts"))
}

/// The same of a program that must not end meanwhile; its words are shown if it does, or if there is no answer.
pub(crate) fn until_it<T>(child: &mut Child, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..ATTEMPTS {
        let ended = child.try_wait().unwrap();
        if let Some(answer) = ask() {
            return answer;
        }
        if let Some(status) = ended {
            panic!("{what}: the program ended before, {status}: {}", words(child));
        }
        std::thread::sleep(PAUSE);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("{what}: not after {ATTEMPTS} attempts: {}", words(child));
}

fn words(child: &mut Child) -> String {
    let mut words = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut words).unwrap();
    }
    words
}

#[test]
#[should_panic(expected = "it works: the program ended before, exit status: 3: out of tune")]
fn a_program_that_ends_is_not_waited_for() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "echo out of tune >&2; exit 3"]).stderr(std::process::Stdio::piped());
    until_it::<()>(&mut command.spawn().unwrap(), "it works", || None);
}
