//! Programs that have their system calls filtered (seccomp). Filters are written around libc's malloc, and what they do not
//! list ends the process; which filter there is cannot be asked without a call that it may not list. But before it can be
//! installed, a program without rights must give up gaining any, by `prctl`: that is seen here.

use core::ffi::c_int;
use xalloc_os::{errno, pages, syscall};

/// C's `prctl`. The system call itself, not the next function of this name: sandboxes are made in forked children, where looking
/// a function up may wait for a thread that is gone.
///
/// # Safety
/// As libc's.
pub unsafe fn prctl(option: c_int, arguments: [usize; 4]) -> c_int {
    if matches!(option, libc::PR_SET_NO_NEW_PRIVS | libc::PR_SET_SECCOMP) {
        pages::expect_filter();
    }
    // SAFETY: the caller's promise.
    match unsafe { syscall::prctl(option, arguments) } {
        Ok(value) => value as c_int,
        Err(syscall::Errno(code)) => {
            errno::set(code);
            -1
        }
    }
}
