//! libxalloc.a: the default heap under names of its own, for programs that keep the system's malloc beside it.
//!
//! `exports/xalloc.h` declares what is defined here, and says what each function does. Each is as C's function of the name
//! without `xalloc_`; a pointer that came from anywhere else is the program's mistake, and is reported.

#![no_std]

mod heaps;

use core::ffi::{CStr, c_char, c_int, c_void};
use xalloc_heaps::{FastHeap, local};
use xalloc_os::stderr;
use xalloc_redirect::{CStats, Callbacks, HeapRedirect};

static XALLOC: HeapRedirect<FastHeap> = HeapRedirect::new(
    FastHeap::new(),
    Callbacks {
        thread_end,
        #[cfg(target_os = "linux")]
        background,
        prefork: xalloc_prefork,
        postfork_parent: xalloc_postfork_parent,
        postfork_child: xalloc_postfork_child,
    },
)
.beside_malloc();

xalloc_redirect::panic_handler!();

unsafe extern "C" fn thread_end(value: *mut c_void) {
    XALLOC.thread_end(value);
}

#[cfg(target_os = "linux")]
unsafe extern "C" fn background(nothing: *mut c_void) -> *mut c_void {
    XALLOC.run_background();
    nothing
}

unsafe extern "C" {
    /// What the names of the functions begin with, known only when they are renamed. The first of its characters.
    static xalloc_prefix: c_char;
}

// When the program or the module is loaded that this was linked into. First: fork handlers and the end of threads lead here,
// also after a module was closed.
xalloc_redirect::__os::constructor!({
    extern "C" fn construct() {
        xalloc_redirect::module::stay_loaded();
        // SAFETY: the string that `scripts/static-library` adds.
        stderr::set_prefix(unsafe { CStr::from_ptr(&raw const xalloc_prefix) });
        XALLOC.construct();
    }
    construct
});

xalloc_redirect::__c_functions! { __exported ("xalloc_" XALLOC) }

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_reallocarray(block: *mut u8, count: usize, size: usize) -> *mut u8 {
    // SAFETY: xalloc.h leaves it to the program that the block is null or in use, and came from these functions.
    unsafe { XALLOC.reallocarray(block, count, size) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_strdup(text: *const c_char) -> *mut u8 {
    // SAFETY: the program passes a string that ends.
    unsafe { XALLOC.copy_string(text, libc::strlen(text)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_strndup(text: *const c_char, most: usize) -> *mut u8 {
    // SAFETY: the program passes a string that ends, or has `most` bytes.
    unsafe { XALLOC.copy_string(text, libc::strnlen(text, most)) }
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_trim(keep: usize) -> c_int {
    XALLOC.malloc_trim(keep)
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_recycle() {
    XALLOC.malloc_trim(0);
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_stats_print() {
    XALLOC.malloc_stats();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_stats(out: *mut CStats, size: usize) -> usize {
    // SAFETY: xalloc.h asks for `size` bytes that may be written there.
    unsafe { XALLOC.copy_stats(out.cast(), size) }
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_thread_init() {
    XALLOC.thread_begin();
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_thread_exit() {
    XALLOC.thread_leave();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_prefork() {
    local::prefork();
    XALLOC.prefork();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_postfork_parent() {
    XALLOC.postfork_parent();
    local::postfork_parent();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_postfork_child() {
    XALLOC.postfork_child();
    local::postfork_child();
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_version() -> *const c_char {
    xalloc_redirect::VERSION.as_ptr()
}
