//! Whether there is more free memory than is worth its keeping: then threads tick ([`super::ticking`]) until it is purged.
//!
//! The amount is computed now and then only, because that takes a look at every chunk: whenever so many bytes became free that it may have
//! changed.

use super::FastHeap;
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
    /// Bytes of slabs, runs and huge blocks that became free, ever.
    released: AtomicUsize,
    /// At how many of them the amount is computed again.
    due: AtomicUsize,
    /// How many they were when memory was purged last.
    at_purge: AtomicUsize,
    /// Set while there is a surplus.
    work: WorkSignal,
}

// Relaxed, in all of them: a thread that sees an old value does so a little later, and nothing else depends on them.
impl Surplus {
    pub const fn new() -> Self {
        Self {
            released: AtomicUsize::new(0),
            due: AtomicUsize::new(STEP),
            at_purge: AtomicUsize::new(0),
            work: WorkSignal::new(),
        }
    }

    /// Whether there is a surplus.
    #[inline]
    pub fn is_there(&self) -> bool {
        self.work.is_set()
    }

    /// What a background thread waits for.
    pub fn work(&self) -> &WorkSignal {
        &self.work
    }

    /// Notes what was purged. If that was nothing, and nothing became free since the last time, there is no surplus any more, or none that
    /// can be purged.
    pub fn note_purge(&self, purged: usize) {
        let released = self.released.load(Ordering::Relaxed);
        if self.at_purge.swap(released, Ordering::Relaxed) == released && purged == 0 {
            self.work.clear();
        }
    }
}

impl FastHeap {
    /// Notes that `bytes` of a slab, a run or a huge block became free.
    pub(super) fn released(&self, bytes: usize) {
        let released = self.surplus.released.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
        if released >= self.surplus.due.load(Ordering::Relaxed) {
            self.weigh_surplus(released);
        }
    }

    #[cold]
    fn weigh_surplus(&self, released: usize) {
        let (arena, runs, huge) = (self.arena.stats(), self.runs.stats(), self.huge.stats());
        let live = arena.in_slabs + runs.live + huge.live;
        let free = arena.dirty + runs.dirty + huge.kept;
        self.surplus.due.store(released.saturating_add(STEP.max((live + free) / STEP_PART)), Ordering::Relaxed);
        if free > LEAST + live / LEAST_PART && self.surplus.work.set() {
            self.nudge_all();
        }
    }

    /// Has every thread come to a slow path with its next `free`: one that lives from its bins alone would not purge anything.
    fn nudge_all(&self) {
        for heap in self.registry.all().filter(|heap| !heap.is_ticking()) {
            heap.bins.iter().skip(1).for_each(super::bin::Bin::nudge);
        }
    }
}
