//! Looks up the definition of a symbol behind ours. Never called from inside malloc.

use core::ffi::{CStr, c_void};

/// Whether functions may be looked up before the constructors run. They may not: the loader's lock may be held until then.
pub const IS_EARLY: bool = false;

/// Returns the definition of `name` that the loader prefers in this process, or null.
#[allow(clippy::disallowed_methods, reason = "as for the next one")]
pub fn preferred(name: &CStr) -> *mut c_void {
    // SAFETY: a lookup; see the next one.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Returns the next definition of `name` behind this library, or null.
#[allow(clippy::disallowed_methods, reason = "this is the one place for it, outside of allocations")]
pub fn find(name: &CStr) -> *mut c_void {
    // SAFETY: a lookup; a failing one may allocate its error message, which malloc serves like any other.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}
