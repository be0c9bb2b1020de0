//! Programs that have their system calls filtered (seccomp). Filters are written around libc's malloc, and what they do not
//! list ends the process; which filter there is cannot be asked without a call that it may not list. But before it can be
//! installed, a program without rights must give up gaining any, by `prctl`: that is seen here.

use crate::namespaces::answer;
use crate::{Heap, HeapRedirect};
use core::ffi::c_int;
use xalloc_os::{filter, syscall};

impl<H: Heap> HeapRedirect<H> {
    /// C's `prctl`. The system call itself, as in `namespaces`.
    ///
    /// # Safety
    /// As libc's.
    pub unsafe fn prctl(&self, option: c_int, arguments: [usize; 4]) -> c_int {
        if matches!(option, libc::PR_SET_NO_NEW_PRIVS | libc::PR_SET_SECCOMP) {
            filter::expect();
        }
        if takes_rights(option) {
            self.end_background_thread();
        }
        // SAFETY: the arguments are what the program passes to this call of the kernel's.
        answer(unsafe { syscall::prctl(option, arguments) })
    }
}

/// Whether rights go, or are about to go, from the calling thread alone. Another one would keep them.
fn takes_rights(option: c_int) -> bool {
    matches!(
        option,
        libc::PR_SET_NO_NEW_PRIVS
            | libc::PR_SET_SECCOMP
            | libc::PR_SET_SECUREBITS
            | libc::PR_SET_KEEPCAPS
            | libc::PR_CAPBSET_DROP
            | libc::PR_CAP_AMBIENT
    )
}
