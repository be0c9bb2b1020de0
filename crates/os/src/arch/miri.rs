//! Miri, which knows no instructions of a processor: the same in plain Rust, for tests only.

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// See `x86_64.rs`. Here, every look at the clock is a fresh one.
pub const FRESH_TICKS: u64 = 1;

/// A number that grows with every call.
pub fn ticks() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    // Relaxed: a count.
    CALLS.fetch_add(1, Ordering::Relaxed)
}

/// See `x86_64.rs`.
///
/// # Safety
/// There is such a word, and no other thread writes it. Others may read it.
#[inline(always)]
pub unsafe fn decrement<const OFFSET: usize>(base: *const u8) -> bool {
    // SAFETY: the word is there, aligned, and of an atomic type.
    let word = unsafe { AtomicI32::from_ptr(base.add(OFFSET).cast_mut().cast()) };
    // Relaxed, twice: as the instruction, which is no atomic one.
    let less = word.load(Ordering::Relaxed) - 1;
    word.store(less, Ordering::Relaxed);
    less < 0
}
