//! Waiting until a word changes. [`crate::Lock`] does it when spinning was not enough, and [`crate::WorkSignal`] when there is
//! no work.

use crate::sync::AtomicUsize;
use crate::system::syscall;

/// How many times a waiter tries before it sleeps. The critical sections are shorter than a system call.
const SPINS: u32 = 100;

/// Sleeps while `word` holds `expected`. May also return because of [`wake_one`], of a signal, or for no reason. The kernel
/// compares the lower half of the word only: a change of the upper half does not end the sleep.
pub fn wait(word: &AtomicUsize, expected: usize) {
    syscall::futex_wait(lower_half(word), expected as u32);
}

/// Sleeps like [`wait`], but for at most `milliseconds`.
pub fn wait_at_most(word: &AtomicUsize, expected: usize, milliseconds: u64) {
    syscall::futex_wait_at_most(lower_half(word), expected as u32, milliseconds);
}

/// Wakes one thread that sleeps on `word`.
pub fn wake_one(word: &AtomicUsize) {
    syscall::futex_wake_one(lower_half(word));
}

/// Returns the address of the half that the kernel compares: the word's first bytes.
fn lower_half(word: &AtomicUsize) -> *const u32 {
    const { assert!(cfg!(target_endian = "little")) };
    word.as_ptr().cast()
}

/// Calls `attempt` again and again for a moment, until it succeeds. Returns whether it did.
pub fn spin(mut attempt: impl FnMut() -> bool) -> bool {
    (0..SPINS).any(|_| {
        core::hint::spin_loop();
        attempt()
    })
}
