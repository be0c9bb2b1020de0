//! What depends on the processor only: aarch64. `x86_64.rs` explains each item.

/// A few milliseconds at most, in units of [`ticks`]: these counters run at 24 MHz to 1 GHz.
pub const FRESH_TICKS: u64 = 1 << 16;

/// Returns the processor's counter of time, in a unit of its own.
pub fn ticks() -> u64 {
    let count: u64;
    // SAFETY: Linux and macOS allow user space to read the virtual counter.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags)) };
    count
}

/// Subtracts one from the `i32` at `OFFSET` bytes behind `base`. Returns whether it is negative then.
///
/// # Safety
/// There is such a word, and no other thread writes it. Others may read it.
#[inline(always)]
pub unsafe fn decrement<const OFFSET: usize>(base: *const u8) -> bool {
    use core::sync::atomic::{AtomicI32, Ordering};
    // SAFETY: the caller's.
    let word = unsafe { AtomicI32::from_ptr(base.add(OFFSET).cast_mut().cast()) };
    // Relaxed, twice: one thread writes, and readers need the number only.
    let value = word.load(Ordering::Relaxed) - 1;
    word.store(value, Ordering::Relaxed);
    value < 0
}
