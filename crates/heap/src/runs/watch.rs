//! Which runs the kernel is asked about when they are freed, if not all: to ask costs a system call, which is much for 128 KiB.
//!
//! glibc does not unmap a block either that is no larger than one that was unmapped before: such blocks it keeps in its heap from then
//! on. So a run that is larger than all before is always asked about; of the others the first ones, and then one in a thousand. Once
//! a program was seen to change pages, all are.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many of the first runs are asked about.
const FIRST: usize = 64;
/// Of the later ones, one in so many.
const ONE_IN: usize = 1024;

/// What is known of the program so far.
pub struct Watch {
    freed: AtomicUsize,
    /// The length of the longest run that was as it was mapped.
    longest: AtomicUsize,
    changes_pages: AtomicBool,
}

impl Watch {
    pub const fn new() -> Self {
        Self { freed: AtomicUsize::new(0), longest: AtomicUsize::new(0), changes_pages: AtomicBool::new(false) }
    }

    /// Whether to ask about a run of `length` pages that is freed.
    pub fn wants(&self, length: usize) -> bool {
        // Relaxed, all, here and below: an estimate of what to expect, which nothing else depends on. A free that is not counted
        // because another thread's was at the same time makes the next question come later by one.
        let freed = self.freed.load(Ordering::Relaxed);
        self.freed.store(freed.wrapping_add(1), Ordering::Relaxed);
        freed < FIRST
            || freed.is_multiple_of(ONE_IN)
            || length > self.longest.load(Ordering::Relaxed)
            || self.changes_pages.load(Ordering::Relaxed)
    }

    /// Notes what a run of `length` pages was found to be.
    pub fn note(&self, length: usize, is_intact: bool) {
        if !is_intact {
            self.changes_pages.store(true, Ordering::Relaxed);
        } else if length > self.longest.load(Ordering::Relaxed) {
            self.longest.store(length, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_less_and_less_until_something_is_found() {
        let watch = Watch::new();
        let asked = |length| (0..16 * ONE_IN).filter(|_| watch.wants(length)).count();
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
