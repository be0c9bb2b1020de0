//! The functions of the next malloc in the process, for the heap that passes through to it.

use core::ffi::{CStr, c_void};
use xalloc_heaps::system::Functions;
use xalloc_redirect::dlsym;

/// Looks up the functions. Takes the loader's lock, so it must not be called while a program allocates. `None` if one is
/// missing.
pub fn functions() -> Option<Functions> {
    // SAFETY: the symbol of each name has the type that C or glibc gives it, in every libc.
    unsafe {
        Some(Functions {
            malloc: function(c"malloc")?,
            memalign: function(c"memalign")?,
            free: function(c"free")?,
            usable_size: function(c"malloc_usable_size")?,
            realloc: function(c"realloc")?,
            calloc: function(c"calloc")?,
            trim: function(c"malloc_trim"),
        })
    }
}

/// # Safety
/// `F` is the type of the function of this name, and a function pointer.
unsafe fn function<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    let found = dlsym::find(name);
    // SAFETY: the caller's: an address of such a function, of the same size.
    (!found.is_null()).then(|| unsafe { core::mem::transmute_copy(&found) })
}
