//! Clocks that are cheap enough for slow paths.

use crate::system::clock;
use crate::{arch, futex};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Returns the milliseconds since an arbitrary moment, with the precision of the kernel's tick. Reads the kernel's clock only
/// when the processor's counter has moved on since the last reading.
///
/// Two results may be in the wrong order, so use it for delays only: a thread that is preempted in here stores an old time,
/// which other threads get until one of them reads the clock again.
pub fn coarse_milliseconds() -> u64 {
    static READ_AT: AtomicU64 = AtomicU64::new(0);
    static MILLISECONDS: AtomicU64 = AtomicU64::new(0);
    let ticks = arch::ticks();
    // Relaxed, all four: two threads may mix each other's values, as said above.
    let last = MILLISECONDS.load(Ordering::Relaxed);
    if last != 0 && ticks.wrapping_sub(READ_AT.load(Ordering::Relaxed)) < arch::FRESH_TICKS {
        return last;
    }
    let now = clock::coarse_nanoseconds() / 1_000_000;
    MILLISECONDS.store(now, Ordering::Relaxed);
    READ_AT.store(ticks, Ordering::Relaxed);
    now
}

/// Returns the nanoseconds since an arbitrary moment. It never goes back.
pub fn nanoseconds() -> u64 {
    clock::nanoseconds()
}

/// Sleeps for a millisecond, so that a thread of lower priority runs, which yielding would not achieve.
pub fn sleep_a_little() {
    futex::wait_at_most(&AtomicUsize::new(0), 0, 1);
}
