//! Whether there is more free memory than is worth its keeping: then threads tick ([`super::ticking`]) until it is purged.
//!
//! The amount is computed now and then only, because that takes a look at every chunk: whenever so much more became free than was taken
//! again.

use super::FastHeap;
use super::footprint::Held;
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
    /// By how many bytes of slabs, runs and huge blocks more became free than were taken again since the amount was computed. While
    /// there is a surplus, what is free when it begins, and then all that became free since memory was purged last.
    released: AtomicUsize,
    /// At how many of them the amount is computed again: [`Held::step`].
    due: AtomicUsize,
    /// Set while there is a surplus.
    work: WorkSignal,
}

// Relaxed, in all of them: a thread that sees an old value does so a little later, and nothing else depends on them.
impl Surplus {
    pub const fn new() -> Self {
        Self {
            released: AtomicUsize::new(0),
            due: AtomicUsize::new(STEP),
            work: WorkSignal::around(AtomicUsize::new(0)),
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

    /// Notes that a purge found nothing that was free for long enough, when `held` is what there is. So the surplus is over if little is
    /// free, which the program uses again and again, or if nothing became free since the last time: then the rest cannot be purged.
    fn note_vain_purge(&self, held: &Held) {
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
    /// After how many bytes that became free there may be a surplus.
    fn step(&self) -> usize {
        STEP.max((self.live + self.free) / STEP_PART)
    }

    fn is_little_free(&self) -> bool {
        self.free <= LEAST + self.live / LEAST_PART
    }
}

impl FastHeap {
    /// Notes that `bytes` of a slab, a run or a huge block became free.
    pub(super) fn released(&self, bytes: usize) {
        let released = self.surplus.released.load(Ordering::Relaxed) + bytes;
        self.surplus.released.store(released, Ordering::Relaxed);
        if released >= self.surplus.due.load(Ordering::Relaxed) && !self.surplus.is_there() {
            self.weigh_surplus();
        }
    }

    #[cold]
    fn weigh_surplus(&self) {
        let held = self.weigh();
        let is_surplus = !held.is_little_free();
        // The first purge only marks what is free by then.
        self.surplus.released.store(if is_surplus { held.free } else { 0 }, Ordering::Relaxed);
        self.surplus.due.store(held.step(), Ordering::Relaxed);
        if is_surplus && self.surplus.work.set() {
            self.nudge_all();
        }
    }

    /// Notes that a purge gave `purged` bytes.
    pub(super) fn note_purge(&self, purged: usize) {
        if !self.surplus.is_there() {
            return;
        }
        if purged > 0 {
            return self.surplus.released.store(0, Ordering::Relaxed);
        }
        let held = self.weigh();
        // Mappings wait for their own time.
        if held.is_little_free() || self.huge.stats().kept == 0 {
            self.surplus.note_vain_purge(&held);
        }
    }

    /// What is held; blocks that wait for their owners count as free.
    fn weigh(&self) -> Held {
        let mut held = self.held();
        held.free += self.registry.all().map(|heap| heap.remote().waiting()).sum::<usize>();
        held
    }

    /// Has every thread come to a slow path with its next `free`: one that lives from its bins alone would not purge anything.
    fn nudge_all(&self) {
        for heap in self.registry.all().filter(|heap| !heap.ticking.is_on()) {
            heap.cache().nudge_all();
        }
    }
}
