//! Which large blocks the kernel is asked about when they are freed, if not all: to ask costs a system call, which is much for
//! a program that frees large blocks of which it has written little.
//!
//! Once glibc has unmapped a block, it keeps later ones up to that size in its heap, and does not unmap them, up to [`ALWAYS`].
//! So a block that is larger than all before is always asked about; of the others the first ones, and then one in a thousand.
//! Once a program was seen to change pages, all are.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// From this size on, all are asked about, as glibc unmaps all.
const ALWAYS: usize = 32 << 20;
/// How many of the first blocks are asked about.
const FIRST: usize = 64;
/// Of the later ones, one in so many.
const ONE_IN: usize = 1024;

/// What is known of the program so far.
pub struct Watch {
    freed: AtomicUsize,
    /// The size of the largest block that was as it was mapped.
    largest: AtomicUsize,
    changes_pages: AtomicBool,
}

impl Watch {
    pub const fn new() -> Self {
        Self { freed: AtomicUsize::new(0), largest: AtomicUsize::new(0), changes_pages: AtomicBool::new(false) }
    }

    /// Returns whether to ask about a block of `size` bytes that is freed.
    pub fn wants(&self, size: usize) -> bool {
        // Relaxed, all, here and below: an estimate of what to expect, which nothing else depends on. A free that is not
        // counted because another thread's was at the same time makes the next question come later by one.
        let freed = self.freed.load(Ordering::Relaxed);
        self.freed.store(freed.wrapping_add(1), Ordering::Relaxed);
        size >= ALWAYS
            || freed < FIRST
            || freed.is_multiple_of(ONE_IN)
            || size > self.largest.load(Ordering::Relaxed)
            || self.changes_pages.load(Ordering::Relaxed)
    }

    /// Notes what a block of `size` bytes was found to be.
    pub fn note(&self, size: usize, is_intact: bool) {
        if !is_intact {
            self.changes_pages.store(true, Ordering::Relaxed);
        } else if size > self.largest.load(Ordering::Relaxed) {
            self.largest.store(size, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "asks 100,000 times, no memory")]
    fn asks_less_and_less_until_something_is_found() {
        let watch = Watch::new();
        let asked = |size| (0..16 * ONE_IN).filter(|_| watch.wants(size)).count();
        assert!((0..FIRST).all(|_| watch.wants(40)));
        watch.note(40, true);
        assert_eq!(asked(40), 16 * ONE_IN / ONE_IN);
        assert_eq!(
            (asked(41), asked(40)),
            (16 * ONE_IN, 16 * ONE_IN / ONE_IN),
            "as long as none is known that is as long"
        );
        watch.note(100, true);
        watch.note(50, true);
        assert_eq!((asked(100), asked(101)), (16 * ONE_IN / ONE_IN, 16 * ONE_IN));
        watch.note(40, false);
        assert_eq!(asked(33), 16 * ONE_IN);
    }
}
