//! The atomics of this crate's protocols, by one name, so that a model checker can compile the same files over its own.

pub use core::sync::atomic::{AtomicUsize, Ordering};

/// Lets another thread run, between two looks at a word.
pub fn yield_now() {
    xalloc_os::syscall::yield_now();
}
