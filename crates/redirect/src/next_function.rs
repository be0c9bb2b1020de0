//! A function behind ours, which is looked up when it is first needed, and never from inside malloc.

use crate::platform::dlsym;
use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

/// The next definition of a name, once it was looked up.
pub struct NextFunction(AtomicPtr<c_void>, &'static CStr);

impl NextFunction {
    /// Returns the function of this name, not looked up yet.
    pub const fn named(name: &'static CStr) -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()), name)
    }

    /// Returns the function's address; null if there is none.
    pub fn get(&self) -> *mut c_void {
        // Relaxed, twice: every thread would store the same address of code.
        let known = self.0.load(Ordering::Relaxed);
        if !known.is_null() {
            return known;
        }
        let found = dlsym::find(self.1);
        self.0.store(found, Ordering::Relaxed);
        found
    }
}
