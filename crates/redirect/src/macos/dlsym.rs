//! libSystem's own allocation functions, under the names that C has for them on Linux.
//!
//! Not by `dlsym`, which may answer with what is interposed: what this library replaces is not replaced for itself. An earlier
//! inserted library that replaces the same comes before libSystem, as it should.

use core::ffi::{CStr, c_void};

/// Nothing is looked up, so it may be asked for before libSystem is up.
pub const IS_EARLY: bool = true;

/// The function that `name` stands for, or null: libSystem has no other of the kind.
#[allow(clippy::disallowed_methods, reason = "their addresses are what is asked for")]
pub fn find(name: &CStr) -> *mut c_void {
    let function = match name.to_bytes() {
        b"malloc" => libc::malloc as *const c_void,
        b"free" => libc::free as *const c_void,
        b"calloc" => libc::calloc as *const c_void,
        b"realloc" => libc::realloc as *const c_void,
        b"memalign" => memalign as *const c_void,
        b"malloc_usable_size" => libc::malloc_size as *const c_void,
        _ => core::ptr::null(),
    };
    function.cast_mut()
}

/// glibc's `memalign`, which libSystem does not have.
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    let mut block = core::ptr::null_mut();
    // SAFETY: writes a local variable. An alignment below a pointer's is none that POSIX takes.
    match unsafe { libc::posix_memalign(&mut block, align.max(size_of::<usize>()), size) } {
        0 => block,
        _ => core::ptr::null_mut(),
    }
}
