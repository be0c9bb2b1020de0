//! Time, cheap enough for slow paths.

use core::sync::atomic::{AtomicU64, Ordering};

/// How far the processor's counter may be from where the clock was read last: a few milliseconds at most.
const FRESH_TICKS: u64 = 1 << 20;

/// Milliseconds since an arbitrary moment, only forwards, as coarse as the kernel's tick. Asks the kernel only when the
/// processor's counter has moved on since it did so last.
pub fn coarse_milliseconds() -> u64 {
    static READ_AT: AtomicU64 = AtomicU64::new(0);
    static MILLISECONDS: AtomicU64 = AtomicU64::new(0);
    let ticks = crate::arch::ticks();
    // Relaxed, all four: two threads may mix each other's values, which are both of the last few milliseconds.
    let last = MILLISECONDS.load(Ordering::Relaxed);
    if last != 0 && ticks.wrapping_sub(READ_AT.load(Ordering::Relaxed)) < FRESH_TICKS {
        return last;
    }
    let now = crate::syscall::clock(libc::CLOCK_MONOTONIC_COARSE) / 1_000_000;
    MILLISECONDS.store(now, Ordering::Relaxed);
    READ_AT.store(ticks, Ordering::Relaxed);
    now
}

/// Nanoseconds since an arbitrary moment, only forwards.
pub fn nanoseconds() -> u64 {
    crate::syscall::clock(libc::CLOCK_MONOTONIC)
}
