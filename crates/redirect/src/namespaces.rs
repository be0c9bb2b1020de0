//! System calls that the kernel refuses to a process with several threads, or that mean one thread only: the library's own thread ends
//! before.
//!
//! Each is the system call itself, not the next function of its name: sandboxes are made in forked children, where looking a function up may
//! wait for a thread that is gone.

use crate::{Heap, HeapRedirect};
use core::ffi::c_int;
use xalloc_os::{errno, syscall};

impl<H: Heap> HeapRedirect<H> {
    /// C's `unshare`.
    pub fn unshare(&self, flags: c_int) -> c_int {
        self.end_background_thread();
        answer(syscall::unshare(flags))
    }

    /// C's `setns`.
    pub fn setns(&self, descriptor: c_int, kind: c_int) -> c_int {
        self.end_background_thread();
        answer(syscall::set_namespace(descriptor, kind))
    }
}

/// What libc's function of a system call returns.
pub fn answer(result: Result<usize, syscall::Errno>) -> c_int {
    match result {
        Ok(value) => value as c_int,
        Err(syscall::Errno(code)) => {
            errno::set(code);
            -1
        }
    }
}
