//! What every room says while a server takes long to start.

use std::io::Write;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use music21_mcp_bench::server::{ServerOptions, ServerSpec, ServerUnderTest, StartError};

/// A start that takes longer is spoken of.
const LONG: Duration = Duration::from_secs(5);

/// Starts the server that the user knows as `name`. A line on stderr says what is waited for, once in a process: `ab`
/// starts its servers many times.
pub(crate) async fn start(
    name: &str,
    spec: ServerSpec,
    options: ServerOptions,
) -> Result<ServerUnderTest, StartError> {
    static SAID: AtomicBool = AtomicBool::new(false);
    let limit = options.client.start_timeout.as_secs();
    let say = || {
        if !SAID.swap(true, Ordering::Relaxed) {
            // There is nobody to say it to if stderr is gone.
            let _ = writeln!(
                std::io::stderr(),
                "waiting for {name} to start, for {limit} s at most (--start-timeout)"
            );
        }
    };
    with_word(ServerUnderTest::start(spec, options), say).await
}

/// Does the task; `say` is called once it takes long.
pub(crate) async fn with_word<T>(task: impl Future<Output = T>, say: impl FnOnce()) -> T {
    let mut task = pin!(task);
    match tokio::time::timeout(LONG, &mut task).await {
        Ok(done) => done,
        Err(_) => {
            say();
            task.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_long_start_is_spoken_of() {
        for (seconds, expected) in [(4, false), (6, true)] {
            let mut said = false;
            with_word(tokio::time::sleep(Duration::from_secs(seconds)), || said = true).await;
            assert_eq!(said, expected, "{seconds} s");
        }
    }
}
