//! How every room takes a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic elsewhere must not take this task down as well: what the mutex holds is figures, each written whole.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
