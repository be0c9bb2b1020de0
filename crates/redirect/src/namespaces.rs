//! System calls before which the library's own thread must end: those that the kernel refuses to a process with several
//! threads, and those that change one thread only.
//!
//! Each makes the system call itself, and does not call the next function of its name: sandboxes are made in forked children,
//! where looking up a function may wait for a thread that does not exist.

use crate::{Heap, HeapRedirect};
use core::ffi::c_int;
use xalloc_os::{errno, syscall};

impl<H: Heap> HeapRedirect<H> {
    /// Does what C's `unshare` does, after the library's own thread has ended.
    pub fn unshare(&self, flags: c_int) -> c_int {
        self.end_background_thread();
        answer(syscall::unshare(flags))
    }

    /// Does what C's `setns` does, after the library's own thread has ended.
    pub fn setns(&self, descriptor: c_int, kind: c_int) -> c_int {
        self.end_background_thread();
        answer(syscall::set_namespace(descriptor, kind))
    }
}

/// Returns what libc's function for a system call would return, and sets errno on failure.
pub fn answer(result: Result<usize, syscall::Errno>) -> c_int {
    match result {
        Ok(value) => value as c_int,
        Err(syscall::Errno(code)) => {
            errno::set(code);
            -1
        }
    }
}
