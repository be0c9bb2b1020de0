//! The functions of the next malloc in the process, for the heap that passes through to it.

use core::ffi::{CStr, c_void};
use xalloc_heaps::system::Functions;
use xalloc_os::stderr::Line;
use xalloc_redirect::dlsym;

/// Looks up the functions. Takes the loader's lock, so it must not be called while a program allocates. `None` if one is
/// missing: that is one line on stderr.
pub fn functions() -> Option<Functions> {
    match found() {
        Ok(functions) => Some(functions),
        Err(missing) => {
            let mut line = Line::signed();
            line.text("heap:system: no library behind this one has ").bytes(missing.to_bytes());
            line.text(": every block gets a mapping of its own, which is slow; use heap:fast").end();
            None
        }
    }
}

/// The functions, or the name of the first one that is missing.
fn found() -> Result<Functions, &'static CStr> {
    // SAFETY: a function of each of these names has the type that C or glibc gives it, whichever library it is of.
    unsafe {
        Ok(Functions {
            malloc: function(c"malloc")?,
            memalign: function(c"memalign")?,
            free: function(c"free")?,
            usable_size: function(c"malloc_usable_size")?,
            realloc: function(c"realloc")?,
            calloc: function(c"calloc")?,
            trim: function(c"malloc_trim").ok(),
        })
    }
}

/// The function of this name behind this library, or the name.
///
/// # Safety
/// `F` is the type of that function, and a function pointer.
unsafe fn function<F: Copy>(name: &'static CStr) -> Result<F, &'static CStr> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    let found = dlsym::find(name);
    // SAFETY: the caller's: an address of such a function, of the same size.
    if found.is_null() { Err(name) } else { Ok(unsafe { core::mem::transmute_copy(&found) }) }
}
