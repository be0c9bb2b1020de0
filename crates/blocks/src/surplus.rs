//! The policy of what is too much free memory: a surplus is there until it is purged, and threads do something about it
//! meanwhile.
//!
//! The amount is computed now and then only, because that takes a look at every chunk: whenever so much more became free than
//! was taken again.

use crate::held::Held;
use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_os::WorkSignal;

/// So much free memory, and that part of what is in use, is no surplus. Once there is one, all of it is purged.
const LEAST: usize = 4 << 20;
const LEAST_PART: usize = 8;
/// After how many bytes that became free the amount is computed again: so many, or that part of what is held.
const STEP: usize = 1 << 20;
const STEP_PART: usize = 64;

/// What is known of the surplus.
pub struct Surplus {
    /// By how many bytes of slabs, runs and huge blocks more became free than were taken again since the amount was computed.
    /// While there is a surplus, what is free when it begins, and then all that became free since memory was purged last.
    released: AtomicUsize,
    /// At how many of them the amount is computed again: [`Held::step`].
    due: AtomicUsize,
    /// Set while there is a surplus.
    work: WorkSignal,
}

// Relaxed, in all of them: a thread that sees an old value does so a little later, and nothing else depends on them.
impl Surplus {
    /// Returns the state of a heap that has no surplus.
    pub const fn new() -> Self {
        Self {
            released: AtomicUsize::new(0),
            due: AtomicUsize::new(STEP),
            work: WorkSignal::around(AtomicUsize::new(0)),
        }
    }

    /// Returns whether there is a surplus.
    #[inline]
    pub fn is_there(&self) -> bool {
        self.work.is_set()
    }

    /// Returns what a background thread waits for.
    pub fn work(&self) -> &WorkSignal {
        &self.work
    }

    /// Notes that `bytes` of a slab, a run or a huge block became free. Returns whether it is time to [`weigh`](Self::weigh)
    /// what is held.
    pub fn released(&self, bytes: usize) -> bool {
        let released = self.released.load(Ordering::Relaxed) + bytes;
        self.released.store(released, Ordering::Relaxed);
        released >= self.due.load(Ordering::Relaxed) && !self.is_there()
    }

    /// Computes whether `held` has a surplus. Returns whether one begins.
    pub fn weigh(&self, held: &Held) -> bool {
        let is_surplus = !held.is_little_free();
        // The first purge only marks what is free by then.
        self.released.store(if is_surplus { held.free } else { 0 }, Ordering::Relaxed);
        self.due.store(held.step(), Ordering::Relaxed);
        is_surplus && self.work.set()
    }

    /// Notes that a purge found memory.
    pub fn note_purge(&self) {
        self.released.store(0, Ordering::Relaxed);
    }

    /// Notes that a purge found nothing that was free for long enough, when `held` is what there is. So the surplus is over if
    /// little is free, which the program uses again and again, or if nothing became free since the last time: then the rest
    /// cannot be purged.
    pub fn note_vain_purge(&self, held: &Held) {
        if self.released.swap(0, Ordering::Relaxed) == 0 || held.is_little_free() {
            // Not as it was at the peak: a later one may be much lower.
            self.due.store(held.step(), Ordering::Relaxed);
            self.work.clear();
        }
    }

    /// Notes that `bytes` were taken for a slab, a run or a huge block.
    pub fn note_taken(&self, bytes: usize) {
        // Load and store, here and below: what is lost between two threads is made up for by what comes next.
        let released = self.released.load(Ordering::Relaxed);
        if released != 0 && !self.is_there() {
            self.released.store(released.saturating_sub(bytes), Ordering::Relaxed);
        }
    }
}

impl Held {
    /// Returns after how many bytes that became free there may be a surplus.
    fn step(&self) -> usize {
        STEP.max((self.live + self.free) / STEP_PART)
    }

    /// Returns whether what is free is no surplus.
    pub fn is_little_free(&self) -> bool {
        self.free <= LEAST + self.live / LEAST_PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_much_that_is_free_and_ends_when_nothing_more_comes() {
        let (surplus, held) = (Surplus::new(), |live, free| Held { live, free, huge: 0 });
        assert!(!surplus.released(STEP - 1) && surplus.released(1));
        assert!(!surplus.weigh(&held(100 << 20, 10 << 20)) && !surplus.is_there());
        assert!(!surplus.released(STEP), "a part of what is held");
        surplus.note_taken(STEP);
        assert!(surplus.weigh(&held(0, 10 << 20)) && surplus.is_there());
        assert!(!surplus.released(1 << 30), "it is there already");
        surplus.note_vain_purge(&held(0, 10 << 20));
        assert!(surplus.is_there(), "something became free");
        surplus.note_vain_purge(&held(0, 10 << 20));
        assert!(!surplus.is_there());
    }
}
