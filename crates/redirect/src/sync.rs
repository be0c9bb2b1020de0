//! The atomics of this crate's protocols under one name, so that a model checker can compile the same files with its own.

pub use core::sync::atomic::{AtomicUsize, Ordering};

/// Lets another thread run, between two reads of a word.
pub fn yield_now() {
    xalloc_os::syscall::yield_now();
}
