//! A value that is set while a heap starts up, and only read after that.

use core::cell::UnsafeCell;

/// The value: a plain read, which costs what a constant in memory costs.
pub struct Early<T>(UnsafeCell<T>);

// SAFETY: written before any other thread uses the heap, which start-up orders; read by all after that.
unsafe impl<T: Sync> Sync for Early<T> {}

impl<T: Copy> Early<T> {
    /// Returns a cell with `value`, until another one is set.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Sets the value.
    ///
    /// # Safety
    /// No other thread uses the heap yet.
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller's: nobody reads at the moment.
        unsafe { *self.0.get() = value };
    }

    /// Returns the value.
    #[inline(always)]
    pub fn get(&self) -> T {
        // SAFETY: nobody writes once threads use the heap: see `set`.
        unsafe { *self.0.get() }
    }
}
