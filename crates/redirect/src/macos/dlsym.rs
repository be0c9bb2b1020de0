//! libSystem's own allocation functions, under the names that C has for them on Linux.
//!
//! They are not looked up by `dlsym`, which may return a replacement. They are imported: what this library replaces is not
//! replaced for itself. Where an earlier inserted library replaces the same functions, the import is that library's, as it
//! should be.

use core::ffi::{CStr, c_void};

/// Whether functions may be looked up before the constructors run. They may: nothing is looked up.
pub const IS_EARLY: bool = true;

/// Returns the function behind ours that is called `name` on Linux, or null if libSystem has none.
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

/// Does what glibc's `memalign` does, which libSystem does not have.
unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    let mut block = core::ptr::null_mut();
    // SAFETY: writes a local variable. An alignment below a pointer's is none that POSIX takes.
    match unsafe { libc::posix_memalign(&mut block, align.max(size_of::<usize>()), size) } {
        0 => block,
        _ => core::ptr::null_mut(),
    }
}
