//! Counts of what passes through a heap that does not count itself, while somebody wants them.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use xalloc_heap::Calls;

/// The counters, off until they are switched on. One set, which all threads share: they contend for it.
pub struct Counters {
    on: AtomicBool,
    allocations: AtomicU64,
    frees: AtomicU64,
    /// Bytes in blocks; a block from before counting began makes it too small.
    live: AtomicUsize,
    peak: AtomicUsize,
}

// Relaxed, in all of them: sums of independent events, read when most of them have happened.
impl Counters {
    /// Returns counters that are off.
    pub const fn new() -> Self {
        Self {
            on: AtomicBool::new(false),
            allocations: AtomicU64::new(0),
            frees: AtomicU64::new(0),
            live: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    /// Counts from now on.
    pub fn switch_on(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    /// Returns whether calls are counted.
    #[inline]
    pub fn are_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Counts a block of `size` bytes that was handed out.
    pub fn allocated(&self, size: usize) {
        self.allocations.fetch_add(1, Ordering::Relaxed);
        let live = self.live.fetch_add(size, Ordering::Relaxed).wrapping_add(size);
        self.peak.fetch_max(live, Ordering::Relaxed);
    }

    /// Counts a block of `size` bytes that was freed.
    pub fn freed(&self, size: usize) {
        self.frees.fetch_add(1, Ordering::Relaxed);
        // Never below zero: a block from before counting began may be larger than all since.
        let _ = self.live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |live| Some(live.saturating_sub(size)));
    }

    /// Returns the counts and the bytes that the program holds, if calls are counted.
    pub fn read(&self) -> Option<(Calls, usize)> {
        self.are_on().then(|| {
            let calls = Calls {
                allocations: self.allocations.load(Ordering::Relaxed),
                frees: self.frees.load(Ordering::Relaxed),
                peak: self.peak.load(Ordering::Relaxed),
            };
            (calls, self.live.load(Ordering::Relaxed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_calls_and_the_peak() {
        let counters = Counters::new();
        assert_eq!(counters.read(), None);
        counters.switch_on();
        counters.allocated(100);
        counters.allocated(50);
        counters.freed(100);
        counters.allocated(10);
        assert_eq!(counters.read(), Some((Calls { allocations: 3, frees: 1, peak: 150 }, 60)));
        counters.freed(1000);
        assert_eq!(counters.read().unwrap().1, 0);
    }
}
