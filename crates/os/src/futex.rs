//! Sleeping until a word changes: what [`crate::Lock`] does when spinning was not enough.

use crate::sync::AtomicU32;
use crate::system::syscall;

/// How often a waiter looks before it sleeps: the critical sections are shorter than a system call.
const SPINS: u32 = 100;

/// Sleeps while `word` holds `expected`, until [`wake_one`], a signal or no reason at all.
pub fn wait(word: &AtomicU32, expected: u32) {
    syscall::futex_wait(word.as_ptr(), expected);
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicU32) {
    syscall::futex_wake_one(word.as_ptr());
}

/// Calls `attempt` again and again for a moment, until it succeeds. Whether it did.
pub fn spin(mut attempt: impl FnMut() -> bool) -> bool {
    (0..SPINS).any(|_| {
        core::hint::spin_loop();
        attempt()
    })
}
