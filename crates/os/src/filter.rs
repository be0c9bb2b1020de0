//! Whether the program filters its system calls (seccomp), or is about to.

use core::sync::atomic::{AtomicBool, Ordering};

/// Whether the program is about to have its system calls filtered.
static IS_FILTERED: AtomicBool = AtomicBool::new(false);

/// Says that the program is about to filter its system calls. From now on only `mmap`, `munmap` and `mremap` are used for
/// memory, because a filter that was written for libc's malloc may end the process for any other call.
pub fn expect() {
    // Relaxed: the filter comes with a later system call of this thread. Another thread that is purging at this moment may
    // still make one call of the other kind.
    IS_FILTERED.store(true, Ordering::Relaxed);
}

/// Returns whether [`expect`] was called.
pub fn is_expected() -> bool {
    // Relaxed: see `expect`.
    IS_FILTERED.load(Ordering::Relaxed)
}
