//! Programs that filter their system calls (seccomp). A filter that was written for libc's malloc ends the process for a call
//! that it does not list, and asking which filter there is may be such a call. But before a program without rights can install
//! one, it must give up gaining rights, by `prctl`, and that call is seen here.

use crate::namespaces::answer;
use crate::{Heap, HeapRedirect};
use core::ffi::c_int;
use xalloc_os::{filter, syscall};

impl<H: Heap> HeapRedirect<H> {
    /// Does what C's `prctl` does, by the system call itself, as `namespaces` does.
    ///
    /// # Safety
    /// The same as for libc's function.
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

/// Returns whether `option` takes rights from the calling thread, or prepares to, and not from the process's other threads.
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
