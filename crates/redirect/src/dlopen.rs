//! Functions that a program gets from libc's own handle, whatever is preloaded: by `dlsym` from what `dlopen("libc.so.6")`
//! returned, as all that calls C from another language does, or in a module that it opens with `RTLD_DEEPBIND`, as PHP does with
//! its extensions. Libc's `free` would end the program for a block of ours. So libc's names are made to mean ours before a
//! program opens anything, and in no program that opens nothing: each page of the table that is written is a page of memory.

use crate::linux::libc_symbols;
use crate::next_function::NextFunction;
use crate::{Heap, HeapRedirect};
use core::ffi::{CStr, c_char, c_long};
use core::sync::atomic::{AtomicBool, Ordering};

/// Libc's names that are to mean ours. Not `__libc_free` and its kind: who calls them does so to get past what is preloaded, with
/// blocks that he got in the same way.
const NAMES: [&CStr; 17] = [
    c"malloc",
    c"calloc",
    c"realloc",
    c"free",
    c"cfree",
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

/// glibc's `LM_ID_BASE`: the program's name space.
const PROGRAM: c_long = 0;

static DLOPEN: NextFunction = NextFunction::named(c"dlopen");
static DLMOPEN: NextFunction = NextFunction::named(c"dlmopen");

/// Whether it is done, or has turned out to be impossible.
static IS_DONE: AtomicBool = AtomicBool::new(false);

impl<H: Heap> HeapRedirect<H> {
    /// What `dlopen` does first. Returns the next `dlopen`, which does the rest.
    pub fn before_dlopen(&self, file: *const c_char) -> *const u8 {
        // The program itself finds ours anyway.
        if !file.is_null() {
            self.take_libc_names();
        }
        if cfg!(target_env = "musl") {
            self.make_background_thread();
        }
        found(&DLOPEN, "xalloc: dlopen(): there is none in this process")
    }

    /// The same for `dlmopen`. Another name space than the program's has a libc of its own, whose table is not there yet.
    pub fn before_dlmopen(&self, name_space: c_long) -> *const u8 {
        if name_space == PROGRAM {
            self.take_libc_names();
        }
        found(&DLMOPEN, "xalloc: dlmopen(): there is none in this process")
    }

    /// Has libc's names mean ours, once. Not for a heap that passes through to libc's malloc.
    fn take_libc_names(&self) {
        // Acquire, and Release below: a thread that skips the work looks up names in the table as it was written.
        if IS_DONE.load(Ordering::Acquire) || self.heap.passes_through() {
            return;
        }
        // SAFETY: our functions do what libc's do, and know libc's blocks too. Who calls `dlopen` may take the loader's lock.
        unsafe { libc_symbols::replace(&NAMES) };
        IS_DONE.store(true, Ordering::Release);
    }
}

/// The address of a function that the program could not have called if it were missing.
fn found(next: &NextFunction, missing: &str) -> *const u8 {
    let function = next.get();
    if function.is_null() {
        xalloc_os::abort(missing);
    }
    function.cast_const().cast()
}
