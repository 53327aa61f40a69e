//! How every verb and audit runs what waits.

use tokio::runtime::Builder;

/// Runs a task to its end. What it leaves behind is not waited for: a calculation whose answer nobody takes any more, or
/// a name that is still being looked up, could be ended by no signal.
pub(crate) fn block_on<T>(
    threads: &mut Builder,
    task: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let runtime = threads.enable_all().build()?;
    let result = runtime.block_on(task);
    runtime.shutdown_background();
    result
}
