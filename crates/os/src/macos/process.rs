//! How the process was started, as libSystem says.

use super::libsystem::{_NSGetEnviron, getprogname};
use core::ffi::{CStr, c_char};

/// Returns the environment as libSystem has it now; null before it has one.
pub fn environment() -> *const *const c_char {
    // SAFETY: libSystem's variable, which nobody changes during the first allocation of the process.
    unsafe {
        let variable = _NSGetEnviron();
        if variable.is_null() { core::ptr::null() } else { (*variable).cast::<*const c_char>().cast_const() }
    }
}

/// Returns whether the process runs with more rights than its caller. Then nothing that the caller chose may be trusted.
pub fn is_secure() -> bool {
    // SAFETY: libSystem's; asks the kernel.
    unsafe { libc::issetugid() != 0 }
}

/// Returns the path by which the program was started, or its name; empty if libSystem has none.
pub fn program() -> &'static CStr {
    // SAFETY: libSystem's; it only returns what it keeps.
    let name = unsafe { getprogname() };
    // SAFETY: a string of libSystem's, which stays.
    if name.is_null() { c"" } else { unsafe { CStr::from_ptr(name) } }
}
