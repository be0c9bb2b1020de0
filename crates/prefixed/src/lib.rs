//! libxalloc.a: the default heap under names of its own, for programs that use the system's malloc too.
//!
//! `exports/xalloc.h` declares the functions that are defined here, and says what each does: the same as C's function of the
//! name without `xalloc_`. A pointer that did not come from these functions is the program's mistake, and is reported.

#![no_std]

mod heaps;

use core::ffi::{CStr, c_char, c_int};
use xalloc_heaps::FastHeap;
use xalloc_os::stderr;
use xalloc_redirect::HeapRedirect;

static XALLOC: HeapRedirect<FastHeap> = HeapRedirect::new(FastHeap::new(), exports::CALLBACKS).beside_malloc();

/// The functions that libc calls, and those of xalloc's own that libxalloc.so has too.
mod exports {
    use super::XALLOC as REDIRECT;
    xalloc_redirect::__interpose_callbacks!();
    xalloc_redirect::__interpose_own!();
}

xalloc_redirect::panic_handler!();

unsafe extern "C" {
    /// The first character of the prefix of the functions' names. It is defined when the functions are renamed.
    static xalloc_prefix: c_char;
}

// Runs when the program or module is loaded into which this was linked. The module must stay loaded, even if the program closes
// it, because the fork handlers and the destructor for threads are in it.
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
extern "C" fn xalloc_stats_print() {
    XALLOC.malloc_stats();
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_thread_init() {
    XALLOC.thread_begin();
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_thread_exit() {
    XALLOC.thread_leave();
}
