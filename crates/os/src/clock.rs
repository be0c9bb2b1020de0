//! Time, cheap enough for slow paths.

use crate::system::clock;
use crate::{arch, futex};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Milliseconds since an arbitrary moment, as coarse as the kernel's tick. Asks the kernel only when the processor's counter has
/// moved on since it did so last.
///
/// For delays, not for differences that must not be negative: a thread that was preempted in here leaves an old time for the
/// others, until one of them asks again.
pub fn coarse_milliseconds() -> u64 {
    static READ_AT: AtomicU64 = AtomicU64::new(0);
    static MILLISECONDS: AtomicU64 = AtomicU64::new(0);
    let ticks = arch::ticks();
    // Relaxed, all four: two threads may mix each other's values; see above.
    let last = MILLISECONDS.load(Ordering::Relaxed);
    if last != 0 && ticks.wrapping_sub(READ_AT.load(Ordering::Relaxed)) < arch::FRESH_TICKS {
        return last;
    }
    let now = clock::coarse_nanoseconds() / 1_000_000;
    MILLISECONDS.store(now, Ordering::Relaxed);
    READ_AT.store(ticks, Ordering::Relaxed);
    now
}

/// Nanoseconds since an arbitrary moment, only forwards.
pub fn nanoseconds() -> u64 {
    clock::nanoseconds()
}

/// Sleeps for a millisecond, so that a thread of lower priority gets the processor; yielding does not give it away to such a thread.
pub fn sleep_a_little() {
    futex::wait_at_most(&AtomicUsize::new(0), 0, 1);
}
