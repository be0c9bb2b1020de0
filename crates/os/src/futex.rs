//! Sleeping until a word changes: what [`crate::Lock`] does when spinning was not enough.

use crate::sync::AtomicU32;
use crate::syscall;

/// How often a waiter looks before it sleeps: the critical sections are shorter than a system call.
pub const SPINS: u32 = 100;

/// Sleeps while `word` holds `expected`, until [`wake_one`], a signal or no reason at all.
pub fn wait(word: &AtomicU32, expected: u32) {
    syscall::futex_wait(word.as_ptr(), expected);
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicU32) {
    syscall::futex_wake(word.as_ptr(), 1);
}

/// Spends a moment without the bus: between two looks at a lock.
pub fn pause() {
    core::hint::spin_loop();
}
