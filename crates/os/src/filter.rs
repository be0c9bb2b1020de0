//! Whether the program has, or is about to have, its system calls filtered (seccomp).

use core::sync::atomic::{AtomicBool, Ordering};

/// Whether the program is about to have its system calls filtered.
static IS_FILTERED: AtomicBool = AtomicBool::new(false);

/// From now on, memory comes and goes by `mmap`, `munmap` and `mremap` alone, because a filter that is written around libc's
/// malloc may end the process for any other call.
pub fn expect() {
    // Relaxed: the filter comes with a later system call of this thread. Another one that is purging at this moment may still make one
    // call more by the old way.
    IS_FILTERED.store(true, Ordering::Relaxed);
}

/// Whether [`expect`] was called.
pub fn is_expected() -> bool {
    // Relaxed: see `expect`.
    IS_FILTERED.load(Ordering::Relaxed)
}
