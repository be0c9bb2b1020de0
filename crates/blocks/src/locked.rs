//! State that is only touched under its lock.

use crate::tally;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
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

    /// Calls `f` under the lock if nobody holds it; otherwise returns `f`.
    pub fn try_with<R, F: FnOnce(&mut T) -> R>(&self, f: F) -> Result<R, F> {
        tally::LOCKS.count();
        let Some(_guard) = self.lock.try_lock() else { return Err(f) };
        // SAFETY: as above.
        Ok(f(unsafe { &mut *self.value.get() }))
    }
}

/// A part of a record that the lock of a [`Locked`] value `K` guards, while other threads use the rest of the record.
///
/// Who wants it must show that value, which only the lock's holder has. So every reference to it ends before the lock is
/// released, and an exclusive one is the only one.
pub struct Guarded<T, K> {
    value: UnsafeCell<T>,
    key: PhantomData<fn(&K)>,
}

// SAFETY: the value is only reached by who has the key, which is under a lock, so by one thread after the other.
unsafe impl<T: Send, K> Sync for Guarded<T, K> {}

impl<T, K> Guarded<T, K> {
    /// Returns the value, to be read.
    ///
    /// # Safety
    /// The key is always the same one.
    pub unsafe fn get<'a>(&'a self, _key: &'a K) -> &'a T {
        // SAFETY: an exclusive reference to the value would be one to the key, of which there is a shared one.
        unsafe { &*self.value.get() }
    }

    /// Returns the value, to be changed.
    ///
    /// # Safety
    /// As for [`Guarded::get`].
    pub unsafe fn get_mut<'a>(&'a self, _key: &'a mut K) -> &'a mut T {
        // SAFETY: any other reference to the value would be one to the key, of which this is the only one.
        unsafe { &mut *self.value.get() }
    }
}
