//! State that is only touched under its lock.

use crate::tally;
use core::cell::UnsafeCell;
use xalloc_os::Lock;

/// A value and the lock that guards it.
pub struct Locked<T> {
    lock: Lock,
    value: UnsafeCell<T>,
}

// SAFETY: the value is only touched while the lock is held, so by one thread after the other.
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    /// Returns `value` under a lock that nobody holds.
    pub const fn new(value: T) -> Self {
        Self { lock: Lock::new(), value: UnsafeCell::new(value) }
    }

    /// Returns the lock, for fork.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Calls `f` under the lock. `f` must not come back here.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        tally::LOCKS.count();
        let _guard = self.lock.lock();
        // SAFETY: the guard excludes every other reference: the value is reached here and below only.
        f(unsafe { &mut *self.value.get() })
    }

    /// Calls `f` under the lock if nobody holds it; otherwise gives `f` back.
    pub fn try_with<R, F: FnOnce(&mut T) -> R>(&self, f: F) -> Result<R, F> {
        tally::LOCKS.count();
        let Some(_guard) = self.lock.try_lock() else { return Err(f) };
        // SAFETY: as above.
        Ok(f(unsafe { &mut *self.value.get() }))
    }
}
