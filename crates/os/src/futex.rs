//! Sleeping until a word changes: what [`crate::Lock`] does when spinning was not enough, and [`crate::WorkSignal`] without work.

use crate::sync::AtomicUsize;
use crate::system::syscall;

/// How often a waiter looks before it sleeps: the critical sections are shorter than a system call.
const SPINS: u32 = 100;

/// Sleeps while `word` holds `expected`, until [`wake_one`], a signal or no reason at all. The kernel looks at the lower half
/// only: a word that changes in its upper half does not end the sleep.
pub fn wait(word: &AtomicUsize, expected: usize) {
    syscall::futex_wait(lower_half(word), expected as u32);
}

/// [`wait`], for so many milliseconds at most.
pub fn wait_at_most(word: &AtomicUsize, expected: usize, milliseconds: u64) {
    syscall::futex_wait_at_most(lower_half(word), expected as u32, milliseconds);
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicUsize) {
    syscall::futex_wake_one(lower_half(word));
}

/// Where the word begins.
fn lower_half(word: &AtomicUsize) -> *const u32 {
    const { assert!(cfg!(target_endian = "little")) };
    word.as_ptr().cast()
}

/// Calls `attempt` again and again for a moment, until it succeeds. Whether it did.
pub fn spin(mut attempt: impl FnMut() -> bool) -> bool {
    (0..SPINS).any(|_| {
        core::hint::spin_loop();
        attempt()
    })
}
