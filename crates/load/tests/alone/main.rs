//! What another test beside it would change: cargo runs one test binary at a time, and these one test at a time.

mod capacity;
mod memory;
mod p95;
#[path = "../integration/run.rs"]
mod run;
#[path = "../integration/server.rs"]
mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test has the machine, and this process, to itself until the guard is dropped.
fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    // A test that failed leaves nothing behind.
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
