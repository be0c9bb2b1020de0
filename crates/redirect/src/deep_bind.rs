//! Modules that a program opens with `RTLD_DEEPBIND`: PHP's extensions, for one. They get libc's malloc and free from the loader,
//! and free with those what the program has from here. So libc's names are made to mean ours, as soon as a program opens such
//! a module, and in no other program: each page of the table that is written is a page of memory.

use crate::{Heap, HeapRedirect};
use core::ffi::{CStr, c_int, c_void};
use xalloc_os::{libc_symbols, next};

impl<H: Heap> HeapRedirect<H> {
    /// What `dlopen` does first; `own` are names of libc and what they are to mean. The next `dlopen`, which does the rest.
    pub fn before_dlopen(&self, flags: c_int, own: &[(&CStr, *const c_void)]) -> *const u8 {
        // A heap that passes through to libc's malloc serves such a module as it is. Nor is anything to do for a program that has
        // a malloc of its own.
        let serves = || own.iter().all(|&(name, function)| next::preferred(name).cast_const() == function);
        if flags & libc::RTLD_DEEPBIND != 0 && !self.heap.passes_through() && serves() {
            // SAFETY: our functions do what libc's do, and know libc's blocks too. The program, which calls `dlopen`, holds no
            // lock of the loader's, or the loader's own are not in its way.
            unsafe { libc_symbols::replace(own) };
        }
        let function = next::find(c"dlopen");
        if function.is_null() {
            xalloc_os::abort("xalloc: dlopen(): there is none in this process");
        }
        function.cast_const().cast()
    }
}
