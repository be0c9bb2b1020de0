//! Modules that a program opens with `RTLD_DEEPBIND`: PHP's extensions, for one. They get libc's malloc and free from the loader,
//! and free with those what the program has from here. So libc's names are made to mean ours, as soon as a program opens such
//! a module, and in no other program: each page of the table that is written is a page of memory.

use crate::{Heap, HeapRedirect};
use core::ffi::{CStr, c_int};
use xalloc_os::{libc_symbols, next};

/// Libc's names that are to mean ours.
const NAMES: [&CStr; 16] = [
    c"malloc",
    c"calloc",
    c"realloc",
    c"free",
    c"memalign",
    c"aligned_alloc",
    c"posix_memalign",
    c"valloc",
    c"pvalloc",
    c"malloc_usable_size",
    c"mallinfo",
    c"mallinfo2",
    c"mallopt",
    c"malloc_trim",
    c"malloc_stats",
    c"malloc_info",
];

impl<H: Heap> HeapRedirect<H> {
    /// What `dlopen` does first. Returns the next `dlopen`, which does the rest.
    pub fn before_dlopen(&self, flags: c_int) -> *const u8 {
        // A heap that passes through to libc's malloc serves such a module as it is.
        if flags & libc::RTLD_DEEPBIND != 0 && !self.heap.passes_through() {
            // SAFETY: our functions do what libc's do, and know libc's blocks too. Who calls `dlopen` may take the loader's lock.
            unsafe { libc_symbols::replace(&NAMES) };
        }
        let function = next::find(c"dlopen");
        if function.is_null() {
            xalloc_os::abort("xalloc: dlopen(): there is none in this process");
        }
        function.cast_const().cast()
    }
}
