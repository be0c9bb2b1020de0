//! Functions that a program gets from libc's own handle, whatever is preloaded. It may call `dlsym` with what
//! `dlopen("libc.so.6")` returned, as every other language does that calls C; or call them in a module that was opened with
//! `RTLD_DEEPBIND`, as PHP does with its extensions. Libc's `free` would end the program for a block of ours. So before a
//! program opens its first module, libc's names are made to mean our functions. A program that opens none is left alone,
//! because each page of the table that is written becomes a page of memory.

use crate::linux::libc_symbols;
use crate::next_function::NextFunction;
use crate::{Heap, HeapRedirect};
use core::ffi::{CStr, c_char, c_long};
use core::sync::atomic::{AtomicBool, Ordering};

/// The names of libc that are to mean our functions. `__libc_free` and its kind are not among them: a caller uses them to get
/// past what is preloaded, for blocks that came from the same family.
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

/// glibc's `LM_ID_BASE`: the name space of the program.
const PROGRAM: c_long = 0;

static DLOPEN: NextFunction = NextFunction::named(c"dlopen");
static DLMOPEN: NextFunction = NextFunction::named(c"dlmopen");

/// Whether libc's names mean ours already, or cannot be made to.
static IS_DONE: AtomicBool = AtomicBool::new(false);

impl<H: Heap> HeapRedirect<H> {
    /// Does what must be done before `dlopen`. Returns the next `dlopen`, which does the rest.
    pub fn before_dlopen(&self, file: *const c_char) -> *const u8 {
        self.heap.before_dlopen();
        // In the program itself, the names mean ours anyway.
        if !file.is_null() {
            self.take_libc_names();
        }
        if cfg!(target_env = "musl") {
            self.make_background_thread();
        }
        found(&DLOPEN, "xalloc: dlopen(): there is none in this process")
    }

    /// Does the same before `dlmopen`. Nothing for another name space than the program's: it has a libc of its own, whose table
    /// does not exist yet.
    pub fn before_dlmopen(&self, name_space: c_long) -> *const u8 {
        self.heap.before_dlopen();
        if name_space == PROGRAM {
            self.take_libc_names();
        }
        found(&DLMOPEN, "xalloc: dlmopen(): there is none in this process")
    }

    /// Makes libc's names mean our functions, once. Not for a heap that passes through to libc's malloc.
    fn take_libc_names(&self) {
        // Acquire, and Release below: a thread that skips the work must see the table as it was written.
        if IS_DONE.load(Ordering::Acquire) || self.heap.passes_through() {
            return;
        }
        // SAFETY: our functions do what libc's do, and know libc's blocks too. Who calls `dlopen` may take the loader's lock.
        unsafe { libc_symbols::replace(&NAMES) };
        IS_DONE.store(true, Ordering::Release);
    }
}

/// Returns the address of a function; ends the process if there is none, which cannot be: the program has called it.
fn found(next: &NextFunction, missing: &str) -> *const u8 {
    let function = next.get();
    if function.is_null() {
        xalloc_os::abort(missing);
    }
    function.cast_const().cast()
}
