//! aarch64, whatever the system. Each item as in `x86_64.rs`, where it is explained.

/// A few milliseconds at most, in [`ticks`]: these counters run at 24 MHz to 1 GHz.
pub const FRESH_TICKS: u64 = 1 << 16;

/// The processor's counter of time, in units of its own.
pub fn ticks() -> u64 {
    let count: u64;
    // SAFETY: Linux and macOS allow user space to read the virtual counter.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags)) };
    count
}

/// Takes one from the `i32` that is `OFFSET` bytes behind `base`; whether it is negative then.
///
/// # Safety
/// There is such a word, and no other thread writes it. Others may read it.
#[inline(always)]
pub unsafe fn decrement<const OFFSET: usize>(base: *const u8) -> bool {
    use core::sync::atomic::{AtomicI32, Ordering};
    // SAFETY: the caller's.
    let word = unsafe { AtomicI32::from_ptr(base.add(OFFSET).cast_mut().cast()) };
    // Relaxed, twice: one thread writes; who reads wants a number, not an order.
    let value = word.load(Ordering::Relaxed) - 1;
    word.store(value, Ordering::Relaxed);
    value < 0
}
